"""Ten million records on one machine: the daily summary, percentiles, and shift by factor.

    python benchmarks/gap/tenmillion.py [--rows N] [--quick] [--no-peers] [--limit S] [--write]

Writes a synthetic log of 30 days as the keeper would have sealed and compacted it, then asks for
``Log.summary`` in a process of its own and measures that process: wall time, processor time, peak
memory. Evidently and NannyML are given the same descriptors, answers and confidences as a table of
numbers, each in an environment of its own, at growing sizes, until one takes too long.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "sentiment"))

ROWS = 10_000_000
QUICK_ROWS = 500_000
FILE_ROWS = 200_000
DAYS = 30
REFERENCE_ROWS = 2_000
PEERS = ("evidently", "nannyml")
PEER_ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
LIMIT_S = 600
WALL = 8
"""Wall time over processor time that a peer may take: the machine may be shared."""
INSTALL_S = 1200
SECTION = "ten million records"

TARGET_S, TARGET_GB = 20.0, 2.0

NUMBERS = (
    "characters", "words", "length_position", "language_confidence", "language_known", "capitals",
    "punctuation", "digits", "chat_signs", "format_changed", "tampering_changed",
    "domain_distance", "domain_position",
)  # fmt: skip

# Days drift: foreign texts from day 10 on, other subjects from day 20 on.
ROWS_SQL = """
WITH raw AS (
    SELECT i, i // {per_day} AS day, random() AS a, random() AS b, random() AS c, random() AS d,
        random() AS e, random() AS f, random() AS g, random() AS h
    FROM range({first}, {last}) t(i)
), row_ AS (
    SELECT *, b < CASE WHEN day >= 10 THEN 0.25 ELSE 0.02 END AS foreign_,
        least(1.0, f * CASE WHEN day >= 20 THEN 1.5 ELSE 1.0 END) AS far
    FROM raw
), described AS (
    SELECT *, 20 + 200 * a AS characters, floor(3 + 40 * a) AS words, a AS length_position,
        CASE WHEN foreign_ THEN 'de' ELSE 'en' END AS language, 0.5 + c / 2 AS language_confidence,
        CASE WHEN foreign_ THEN c / 10 ELSE 1 - c / 10 END AS language_known,
        d / 10 AS capitals, e / 10 AS punctuation, f / 10 AS digits, g / 10 AS chat_signs,
        CASE WHEN h < 0.1 THEN h * 10 ELSE 0.0 END AS format_changed,
        CASE WHEN h > 0.99 THEN h ELSE 0.0 END AS tampering_changed,
        3 * far AS domain_distance, far AS domain_position,
        0.5 + h / 2 * (1 - far / 2) AS confidence, -ln(c + 1e-9) * 5 AS model_time, b * 3 AS queue
    FROM row_
)
"""

LOG_SQL = """
SELECT 'request' AS event, lpad(i::VARCHAR, 26, 'r') AS id, 0::BIGINT AS "row",
    TIMESTAMP '2026-10-01' + to_microseconds((i * {micros})::BIGINT) AS time,
    i / 100.0 AS monotonic_s, 'user' AS origin, 'sentiment@0123456789ab' AS release,
    'original' AS variant, '/predict' AS route,
    '"message number ' || i || ' says that the film was neither long nor dull"' AS input,
    NULL::VARCHAR AS input_digest, {descriptors} AS descriptors,
    CASE WHEN d < 0.5 THEN '"positive"' ELSE '"negative"' END AS output, confidence,
    '{{"positive":' || d || ',"negative":' || (1 - d) || '}}' AS scores,
    CASE WHEN e < 0.95 THEN 'answered' WHEN e < 0.98 THEN 'abstained' ELSE 'failed' END AS status,
    NULL::VARCHAR AS error, NULL::VARCHAR AS degraded, 'off' AS cache, 4::BIGINT AS batch_size,
    a AS admit_ms, queue AS queue_ms, model_time AS model_ms, d AS send_ms,
    a + queue + model_time + d AS total_ms, NULL::DOUBLE AS cost_usd, 'k1' AS key_id,
    1.0::DOUBLE AS sampling_probability, NULL::DOUBLE AS rating, NULL::VARCHAR AS label,
    NULL::VARCHAR AS source, NULL::VARCHAR AS reviewer, NULL::VARCHAR AS tags,
    NULL::BOOLEAN AS skipped, NULL::BIGINT AS count, '{segment}' AS segment, i AS position
FROM described
"""

FLAT_SQL = """
SELECT {numbers}, language, confidence, CASE WHEN d < 0.5 THEN 'positive' ELSE 'negative' END
    AS prediction, d AS p_positive, CASE WHEN h < confidence THEN
    CASE WHEN d < 0.5 THEN 'positive' ELSE 'negative' END ELSE 'positive' END AS label,
    TIMESTAMP '2026-10-01' + to_microseconds((i * {micros})::BIGINT) AS time
FROM described
"""


def main() -> None:
    chosen = options()
    if chosen.ask is not None:
        print(json.dumps(asked(Path(chosen.ask))))
        return
    rows = QUICK_ROWS if chosen.quick else chosen.rows
    folder = cache() / f"log-{rows}"
    make_log(folder, rows)
    runs = [measured(folder) for _ in range(chosen.runs)]
    print(report_ours(runs, rows))
    peers = {}
    if not chosen.no_peers:
        table_file = cache() / f"table-{rows}.parquet"
        make_table(table_file, rows)
        sizes = [size for size in PEER_ROWS if size <= rows]
        peers = {name: tried(name, table_file, sizes, chosen.limit) for name in PEERS}
        print(report_peers(peers, chosen.limit))
    if chosen.write:
        from results import conditions, put

        load = os.getloadavg()[0]
        words = [
            f"{conditions()}; load average {load:.1f} on {os.cpu_count()} cores at the end.",
            report_ours(runs, rows),
            report_peers(peers, chosen.limit),
        ]
        put(SECTION, "\n\n".join(words), readme=HERE / "README.md")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="processor seconds of a peer")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    return parser.parse_args()


def cache() -> Path:
    folder = Path(os.environ.get("SEATRIAL_BENCH_CACHE") or HERE / ".cache").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_log(folder: Path, rows: int) -> None:
    """Write a log of 30 days as Parquet, list it, and freeze the bins of its first rows."""
    import duckdb
    import msgspec

    from seatrial.describe.catalogue import factor_of
    from seatrial.records import manifest
    from seatrial.records.bins import Bins
    from seatrial.records.files import Files
    from seatrial.records.places import Places

    places = Places.of(folder)
    if (folder / "reference.json").exists():
        return
    print(f"writing a log of {rows} rows", file=sys.stderr)
    places.sealed.mkdir(parents=True, exist_ok=True)
    pieces = ", ".join(
        f"""'"{name}":', {name}""" if place == 0 else f"""',"{name}":', {name}"""
        for place, name in enumerate(NUMBERS)
    )
    descriptors = f"""concat('{{', {pieces}, ',"language":"', language, '","wrappings":""}}')"""
    with duckdb.connect() as db:
        db.execute("SELECT setseed(0.5)")
        for number, first in enumerate(range(0, rows, FILE_ROWS)):
            last = min(first + FILE_ROWS, rows)
            stem = f"segment-{number:05d}"
            source = ROWS_SQL.format(first=first, last=last, per_day=rows // DAYS)
            query = LOG_SQL.format(
                descriptors=descriptors, segment=f"{stem}.ndjson", micros=DAYS * 86_400e6 / rows
            )
            db.execute(
                f"COPY ({source} {query}) TO '{places.sealed / stem}.parquet' "
                "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
            )
        flat = ROWS_SQL.format(first=0, last=REFERENCE_ROWS, per_day=rows // DAYS)
        columns = db.execute(
            f"{flat} SELECT {', '.join(NUMBERS)}, language FROM described"
        ).fetchnumpy()
    files = Files()
    manifest.write(manifest.rebuild(places, files=files), places, files=files)
    bins = [
        Bins.of(name, values.tolist(), factor=factor_of(name)) for name, values in columns.items()
    ]
    (folder / "reference.json").write_bytes(msgspec.json.encode(bins))


def make_table(file: Path, rows: int) -> None:
    """Write the same kind of rows as a table of numbers for the peers."""
    import duckdb

    if file.exists():
        return
    print("writing the table of the peers", file=sys.stderr)
    source = ROWS_SQL.format(first=0, last=rows, per_day=rows // DAYS)
    query = FLAT_SQL.format(numbers=", ".join(NUMBERS), micros=DAYS * 86_400e6 / rows)
    with duckdb.connect() as db:
        db.execute("SELECT setseed(0.5)")
        db.execute(f"COPY ({source} {query}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


def asked(folder: Path) -> dict[str, Any]:
    """Summarise the log in this process, and say what that took."""
    import resource

    begun, worked = time.perf_counter(), time.process_time()
    import msgspec

    from seatrial.records.bins import Bins
    from seatrial.records.query import Log

    reference = msgspec.json.decode((folder / "reference.json").read_bytes(), type=list[Bins])
    told = Log(folder).summary(reference=reference)
    return {
        "wall_s": time.perf_counter() - begun,
        "cpu_s": time.process_time() - worked,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "rows": told.total.rows,
        "days": len(told.days),
        "p99_ms": told.total.times["total_ms"]["p99"],
        "factors": {
            day.day: {name: shift.distance for name, shift in day.factors.items()}
            for day in told.days
        },
    }


def measured(folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--ask", str(folder)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=WALL * LIMIT_S
    )
    return dict(json.loads(done.stdout))


def report_ours(runs: list[dict[str, Any]], rows: int) -> str:
    from results import table

    first = runs[0]
    days = sorted(first["factors"])
    middle = (days[0], days[len(days) // 2], days[-1])
    names = sorted(first["factors"][days[0]])
    lines = [
        (
            f"`Log.summary` over {first['rows']:,} records of {first['days']} days "
            f"({rows // FILE_ROWS} files), {len(runs)} runs, each a process of its own, the "
            "digests of all files read too:"
        ),
        table(
            ("", "runs", "wanted"),
            [
                ("wall time, s", " / ".join(f"{run['wall_s']:.1f}" for run in runs), TARGET_S),
                ("processor time, s", " / ".join(f"{run['cpu_s']:.1f}" for run in runs), ""),
                ("peak memory, GB", " / ".join(f"{run['peak_gb']:.2f}" for run in runs), TARGET_GB),
            ],
        ),
        (
            "Foreign texts were planted from the 11th day on (2 % to 25 %), other subjects from "
            "the 21st; share of rows moved out of the bins of the reference:"
        ),
        table(
            ("day", *names),
            [(day, *(f"{first['factors'][day][name]:.3f}" for name in names)) for day in middle],
        ),
    ]
    return "\n\n".join(lines)


def environment(name: str) -> Path:
    """Make a peer's environment, once; return its Python."""
    folder = cache() / "venv" / name
    wanted = HERE / "requirements" / f"requirements-{name}.txt"
    mark = folder / ".complete"
    if not mark.exists() or mark.read_bytes() != wanted.read_bytes():
        print(f"installing {name}", file=sys.stderr)
        make = [sys.executable, "-m", "venv", "--clear", str(folder)]
        subprocess.run(make, check=True, timeout=INSTALL_S)
        pip = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(wanted)], check=True, timeout=INSTALL_S)
        mark.write_bytes(wanted.read_bytes())
    return folder / "bin" / "python"


def tried(name: str, file: Path, sizes: list[int], limit_s: float) -> list[dict[str, Any]]:
    """Run a peer at growing sizes until it fails or takes too long."""
    try:
        python = environment(name)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return [{"rows": 0, "said": f"did not install: {error}"}]
    found = []
    for rows in sizes:
        command = [str(python), str(HERE / "peers" / f"{name}_drift.py"), str(file), str(rows)]
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", f'ulimit -t {limit_s:.0f}; exec "$@"', "sh", *command],
                capture_output=True,
                text=True,
                timeout=WALL * limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            found.append({"rows": rows, "said": f"not done after {WALL * limit_s:.0f} s"})
            break
        if done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
            found.append(
                {"rows": rows, "said": f"not done after {limit_s:.0f} s of processor time"}
            )
            break
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            found.append({"rows": rows, "said": last[:200]})
            break
        found.append({"rows": rows, **json.loads(done.stdout.strip().splitlines()[-1])})
    return found


def report_peers(peers: dict[str, list[dict[str, Any]]], limit_s: float) -> str:
    from results import table

    if not peers:
        return "Peers were not run."
    rows = []
    for name, found in peers.items():
        for run in found:
            took = (
                (
                    run["version"],
                    f"{run['wall_s']:.1f}",
                    f"{run['cpu_s']:.1f}",
                    f"{run['peak_gb']:.2f}",
                )
                if "wall_s" in run
                else ("", run["said"], "", "")
            )
            rows.append((name, f"{run['rows']:,}", *took))
    return (
        f"The peers, asked for drift of the same {len(NUMBERS) + 1} descriptors (Evidently's data "
        "drift preset; NannyML's univariate drift by day and its estimated accuracy), at growing "
        f"sizes until one fails or takes more than {limit_s:.0f} s of processor time; reading the "
        "table is not counted but in that limit and in the memory:\n\n"
        + table(("peer", "rows", "version", "wall time, s", "processor time, s", "peak, GB"), rows)
    )


if __name__ == "__main__":
    main()
