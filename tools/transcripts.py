"""Runs what a page shows in a shell, against the server and the model that the page shows.

Blocks marked ``file=NAME`` are the project folder ``my-model``, which is served. Blocks marked
``sh run`` run one after the other in one shell, and what each prints is written into the ``text``
block that follows it; a comment ``<!-- sh run: … -->`` runs in its place and is not seen. What
differs from run to run (ids, digests, times) is written as a word in its place.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FILE = re.compile(r"^```\w+ file=(?P<name>\S+)\n(?P<text>.*?)^```$", flags=re.M | re.S)

STEP = re.compile(
    r"^<!-- sh run: (?P<hidden>[^\n]*) -->$"
    r"|(?P<code>^```sh run\n(?P<commands>.*?)^```\n\n)```text\n.*?^```$",
    flags=re.M | re.S,
)

FOLDER = "my-model"
SHOWN, SHOWN_ADMIN = "127.0.0.1:8000", "127.0.0.1:8001"
"""Where the page says that the server and its admin API listen."""

KEEPER_LIMIT_S = 60
"""How long its admin API may take to be there."""

MARK = "=== next ==="
LIMIT_S = 120.0

MEASURED = ("eta_s", "retry_after_ms", "rows_waiting", "degraded_for_s", "expected_wait_s")
"""Members of JSON whose numbers nobody can foresee."""

VARIABLE = (
    (re.compile(r"^date: .*\n", flags=re.M), ""),
    (re.compile(r"pk_[a-z0-9]+_\w+"), "pk_KEY_SECRET"),
    (re.compile(r"\bpk_[a-z0-9]+\b"), "pk_KEY"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-00\b"), "00-TRACE-SPAN-00"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?"), "TIME"),
    (re.compile(r'(by |"by": ")\S+, command line'), r"\1YOU, command line"),
    (re.compile(r"(content-length: |retry-after(?:-ms)?: |dur=)[\d.]+"), r"\1N"),
    (
        re.compile(r'("(?:eta_s|retry_after_ms|rows_waiting|\w+_for_s|\w+_wait_s)": ?)[\d.]+'),
        r"\1N",
    ),
    (re.compile(r"((?:about|take|again in) )[\d.]+ s"), r"\1N s"),
)

WIDE = 88
"""JSON that is longer is indented."""


def possible() -> bool:
    """Say whether this machine has what the commands need."""
    return all(shutil.which(name) for name in ("bash", "curl"))


def with_output(text: str) -> str:
    """Return a page with what its commands print now; as it is where they cannot run."""
    steps = list(STEP.finditer(text))
    if not steps:
        return text
    if not possible():
        print("bash or curl is missing: transcripts are left as they are", file=sys.stderr)
        return text
    with _served(dict(FILE.findall(text))) as (folder, addresses):
        printed = iter(_run(steps, folder, addresses))

    def written(step: re.Match[str]) -> str:
        output = next(printed)
        return step[0] if step["hidden"] else f"{step['code']}```text\n{output}```"

    return STEP.sub(written, text)


@contextlib.contextmanager
def _served(files: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Serve a folder with these files; yield where it lies in, and what listens where."""
    with tempfile.TemporaryDirectory(prefix="seatrial-") as place:
        folder = Path(place) / FOLDER
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "seatrial", "serve", FOLDER, "--json", "--lifeline"]
        command += ["--port", "0", "--admin-port", "0"]
        with (
            (Path(place) / "said").open("wb") as said,
            subprocess.Popen(
                command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
            ) as server,
        ):
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                if not line:
                    raise RuntimeError((Path(place) / "said").read_text(encoding="utf-8"))
                admin = folder / ".seatrial" / "control" / "admin.json"
                _wait_for(admin)  # its port is the keeper's, which starts beside the server
                at = [json.loads(line)["url"], json.loads(admin.read_bytes())["url"]]
                addresses = {
                    shown: url.removeprefix("http://")
                    for shown, url in zip((SHOWN, SHOWN_ADMIN), at, strict=True)
                }
                yield Path(place), addresses
            finally:
                server.terminate()


def _wait_for(file: Path) -> None:
    for _ in range(KEEPER_LIMIT_S * 20):
        if file.exists():
            return
        time.sleep(0.05)


def _run(steps: list[re.Match[str]], folder: Path, addresses: dict[str, str]) -> list[str]:
    script = f"\necho '{MARK}'\n".join(
        f"{{ {step['hidden']}; }} > /dev/null" if step["hidden"] else step["commands"]
        for step in steps
    )
    for shown, real in addresses.items():
        script = script.replace(shown, real)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-u"],
        cwd=folder,
        env={**os.environ, "PATH": path, "no_proxy": "*"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, complaints = shell.communicate(script, timeout=LIMIT_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    for shown, real in addresses.items():
        output = output.replace(real, shown)
    parts = output.split(f"{MARK}\n")
    if len(parts) != len(steps):
        raise RuntimeError(
            f"{len(parts)} of {len(steps)} commands ran to their end: {output}{complaints}"
        )
    return [_constant(part) for part in parts]


def _constant(output: str) -> str:
    output = "\n".join(map(_indented, output.replace("\r\n", "\n").splitlines())) + "\n"
    for variable, word in VARIABLE:
        output = variable.sub(word, output)
    return output


def _indented(line: str) -> str:
    if len(line) <= WIDE or not line.startswith("{"):
        return line
    return json.dumps(json.loads(line), indent=2)
