"""From rounds to figures, and from figures to tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from servers import Server
from turn import OWN_HALF, PEER_HALF, Turn

Round = Mapping[str, Turn]
Reading = Callable[[Turn], float | None]
AT_LEAST, AT_MOST, TIMES = "\u2265", "\u2264", "\u00d7"
REPORTED = 64
"""Connections at which CPU per request is reported."""


@dataclass(frozen=True)
class Spread:
    """A figure over rounds."""

    median: float
    low: float
    high: float
    n: int

    def text(self, digits: int = 3, *, ranged: bool = True) -> str:
        shown = _short(self.median, digits)
        if not ranged or self.n < 2:
            return shown
        return f"{shown} ({_short(self.low, digits)} to {_short(self.high, digits)})"


def spread(values: Iterable[float | None]) -> Spread | None:
    found = [value for value in values if value is not None]
    if not found:
        return None
    return Spread(statistics.median(found), min(found), max(found), len(found))


def _short(value: float, digits: int) -> str:
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def at(connections: int) -> Reading:
    def read(turn: Turn) -> float | None:
        step = turn.closed.get(connections)
        return step.per_s if step else None

    return read


def latency_ms(where: str, name: str) -> Reading:
    def read(turn: Turn) -> float | None:
        step = turn.open.get(where)
        return getattr(step, name) if step else None

    return read


def cpu_ms(turn: Turn) -> float | None:
    """CPU while the load ran, the keeper's excepted: it is reported apart."""
    spent = turn.cpu_ms.get(REPORTED) or next(iter(turn.cpu_ms.values()), None)
    return sum(ms for role, ms in spent.items() if role != "keeper") if spent else None


def role_cpu_ms(role: str) -> Reading:
    def read(turn: Turn) -> float | None:
        spent = turn.cpu_ms.get(REPORTED) or next(iter(turn.cpu_ms.values()), {})
        return spent.get(role)

    return read


def keeper_cpu_ms(turn: Turn) -> float | None:
    """CPU of the keeper for all closed loops, what it did after them included."""
    return turn.after_cpu_ms.get("keeper")


def idle_percent(turn: Turn) -> float | None:
    return sum(turn.idle_percent.values()) if turn.idle_percent else None


def pss_mb(turn: Turn) -> float | None:
    return _memory(turn, "pss_mb", keeper=False)


def rss_mb(turn: Turn) -> float | None:
    return _memory(turn, "rss_mb", keeper=False)


def keeper_mb(turn: Turn) -> float | None:
    return _memory(turn, "pss_mb", keeper=True)


def _memory(turn: Turn, name: str, *, keeper: bool) -> float | None:
    found = [getattr(m, name) for role, m in turn.memory.items() if (role == "keeper") == keeper]
    return sum(found) if found else None


def _opening(name: str) -> Reading:
    return lambda turn: getattr(turn.opening, name) if turn.opening else None


READINGS: Mapping[str, Reading] = {
    "saturation_per_s": lambda turn: turn.saturation or None,
    "per_s_1": at(1),
    "per_s_16": at(16),
    "per_s_64": at(64),
    "per_s_256": at(256),
    "sustained_per_s": lambda turn: turn.sustained.per_s if turn.sustained else None,
    "sustained_over_short": lambda turn: (
        turn.sustained.per_s / turn.closed[REPORTED].per_s
        if turn.sustained and REPORTED in turn.closed
        else None
    ),
    "cpu_ms": cpu_ms,
    "cpu_ms_front": role_cpu_ms("front"),
    "cpu_ms_workers": role_cpu_ms("workers"),
    "sustained_keeper_ms": lambda turn: turn.sustained_cpu_ms.get("keeper"),
    "settled_s": lambda turn: turn.settled_s,
    "generator_us": lambda turn: (
        statistics.median(step.generator_us for step in turn.closed.values())
        if turn.closed
        else None
    ),
    "cpu_ms_keeper_done": keeper_cpu_ms,
    "own_half_rate": latency_ms(OWN_HALF, "rate_per_s"),
    "own_half_p50_ms": latency_ms(OWN_HALF, "p50_ms"),
    "own_half_p95_ms": latency_ms(OWN_HALF, "p95_ms"),
    "own_half_p99_ms": latency_ms(OWN_HALF, "p99_ms"),
    "peer_half_rate": latency_ms(PEER_HALF, "rate_per_s"),
    "peer_half_p50_ms": latency_ms(PEER_HALF, "p50_ms"),
    "peer_half_p95_ms": latency_ms(PEER_HALF, "p95_ms"),
    "peer_half_p99_ms": latency_ms(PEER_HALF, "p99_ms"),
    "ready_s": _opening("ready_s"),
    "start_s": _opening("start_s"),
    "first_ms": _opening("first_ms"),
    "warm_ms": _opening("warm_ms"),
    "first_over_warm": lambda turn: (
        turn.opening.first_ms / turn.opening.warm_ms if turn.opening else None
    ),
    "pss_mb": pss_mb,
    "rss_mb": rss_mb,
    "keeper_pss_mb": keeper_mb,
    "idle_percent": idle_percent,
    "bystander_cores": lambda turn: turn.bystanders,
}

COLUMNS = (
    ("saturated req/s", "saturation_per_s", True),
    ("c=1", "per_s_1", False),
    ("c=16", "per_s_16", False),
    ("c=64", "per_s_64", False),
    ("c=256", "per_s_256", False),
    ("CPU ms/req", "cpu_ms", True),
    ("own half: req/s", "own_half_rate", False),
    ("p50", "own_half_p50_ms", False),
    ("p99", "own_half_p99_ms", True),
    ("peer's half: p50", "peer_half_p50_ms", False),
    ("p99", "peer_half_p99_ms", True),
    ("start s", "start_s", False),
    ("first ms", "first_ms", False),
    ("warm ms", "warm_ms", False),
    ("PSS MB", "pss_mb", False),
    ("RSS MB", "rss_mb", False),
    ("idle %", "idle_percent", False),
)


def summary(rounds: list[Round], server: Server) -> dict[str, Any]:
    """Return every figure of one server over the rounds."""
    turns = [each[server.name] for each in rounds if server.name in each]
    figures = {name: spread(read(turn) for turn in turns) for name, read in READINGS.items()}
    return {
        "server": server.name,
        "configuration": server.settings(),
        "turns": len(turns),
        "failed_requests": sum(_failed(turn) for turn in turns),
        "errors": [turn.error for turn in turns if turn.error],
        "difference_max": max((turn.difference or 0.0 for turn in turns), default=0.0),
        "figures": {name: vars(figure) for name, figure in figures.items() if figure},
    }


def _failed(turn: Turn) -> int:
    steps = [*turn.closed.values(), *turn.open.values()]
    steps += [turn.sustained] if turn.sustained else []
    return sum(step.failed for step in steps)


@dataclass(frozen=True)
class Comparison:
    """One figure of ours against another's, divided within each round."""

    what: str
    against: str
    aim: str
    figure: Spread
    holds: bool | None


def best_peer(rounds: list[Round], servers: list[Server]) -> str | None:
    """Return the peer with the highest median saturation."""
    found = {}
    for server in servers:
        if server.role == "peer":
            each = spread(turns[server.name].saturation for turns in rounds if server.name in turns)
            found[server.name] = each.median if each else 0.0
    return max(found, key=lambda name: found[name], default=None)


def comparisons(
    workload: str, rounds: list[Round], servers: list[Server], limits: list[float]
) -> list[Comparison]:
    """Divide ours by theirs within each round, and hold the medians against the aims."""
    made: list[Comparison] = []
    best = best_peer(rounds, servers)
    names = {server.name for server in servers}
    for own in (server.name for server in servers if server.role == "own"):
        for what, against, reading, sense, bound in _pairs(workload, best):
            if against in names:
                ratio = _ratio(rounds, own, against, reading)
                made.append(_judged(f"{own}: {what}", against, ratio, sense, bound))
        for what, reading, sense, bound in _alone(workload):
            values = [READINGS[reading](each[own]) for each in rounds if own in each]
            made.append(_judged(f"{own}: {what}", "", spread(values), sense, bound))
        if limits:
            values = [
                each[own].saturation / limit
                for each, limit in zip(rounds, limits, strict=False)
                if own in each and limit
            ]
            made.append(
                _judged(
                    f"{own}: throughput",
                    "in-process limit",
                    spread(values),
                    ">=",
                    0.95 if workload == "w2" else None,
                )
            )
    return [one for one in made if one.figure.n]


def _pairs(workload: str, best: str | None) -> list[tuple[str, str, str, str, float | None]]:
    best = best or ""
    pairs: list[tuple[str, str, str, str, float | None]] = [
        ("throughput", best, "saturation_per_s", ">=", 5.0 if workload == "w1" else 1.10),
        ("CPU per request", best, "cpu_ms", "<=", None),
        ("requests/s, one connection", "fastapi", "per_s_1", ">=", 1.0),
        ("memory (PSS, without the keeper)", "fastapi", "pss_mb", "<=", 1.5),
    ]
    if workload == "w1":
        pairs.append(("p99 at its half", best, "peer_half_p99_ms", "<=", 0.2))
    for against in dict.fromkeys((best, "fastapi")) if workload == "w2" else ():
        pairs.append(("p50 at the best peer's half", against, "peer_half_p50_ms", "<=", 1.0))
        pairs.append(("p99 at the best peer's half", against, "peer_half_p99_ms", "<=", 1.0))
    return pairs


def _alone(workload: str) -> list[tuple[str, str, str, float]]:
    alone = [
        ("first request over a warm one", "first_over_warm", "<=", 2.0),
        ("memory of the keeper, MB", "keeper_pss_mb", "<=", 200.0),
        ("idle CPU, % of a core", "idle_percent", "<=", 0.5),
    ]
    if workload == "w1":
        alone += [
            ("CPU ms per request", "cpu_ms", "<=", 0.15),
            ("p99 at the best peer's half, ms", "peer_half_p99_ms", "<=", 10.0),
            ("start to first correct answer, s", "start_s", "<=", 1.5),
        ]
    return alone


def _ratio(rounds: list[Round], own: str, against: str, name: str) -> Spread | None:
    read = READINGS[name]
    # A quick run asks the best peer at half of its saturation once, under its own name.
    otherwise = READINGS[name.replace("peer_half", "own_half")]
    values = []
    for each in rounds:
        if own in each and against in each:
            ours, theirs = read(each[own]), read(each[against]) or otherwise(each[against])
            values.append(ours / theirs if ours is not None and theirs else None)
    return spread(values)


def _judged(
    what: str, against: str, figure: Spread | None, sense: str, bound: float | None
) -> Comparison:
    if figure is None:
        return Comparison(what, against, "", Spread(0.0, 0.0, 0.0, 0), None)
    if bound is None:
        return Comparison(what, against, "", figure, None)
    holds = figure.median >= bound if sense == ">=" else figure.median <= bound
    unit = TIMES if against else ""
    return Comparison(
        what, against, f"{'≥' if sense == '>=' else '≤'} {bound:g}{unit}", figure, holds
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table of servers."""
    heads = ["server", "configuration", *(head for head, _, _ in COLUMNS), "failed"]
    lines = [_line(heads), _line(["---", "---", *(["---:"] * (len(heads) - 2))])]
    for row in rows:
        cells = [row["server"], row["configuration"]]
        for _, name, ranged in COLUMNS:
            figure = row["figures"].get(name)
            cells.append(Spread(**figure).text(ranged=ranged) if figure else "-")
        cells.append(str(row["failed_requests"]) + (" !" if row["errors"] else ""))
        lines.append(_line(cells))
    return "\n".join(lines)


SPLIT = (
    ("req/s sustained", "sustained_per_s"),
    ("of the short loop's", "sustained_over_short"),
    ("front", "cpu_ms_front"),
    ("workers", "cpu_ms_workers"),
    ("keeper, in the long loop", "sustained_keeper_ms"),
    ("keeper, until it is done", "cpu_ms_keeper_done"),
    ("done after, s", "settled_s"),
)


def split_markdown(rows: list[dict[str, Any]]) -> str:
    """Return where the CPU of a request goes, for servers with a keeper."""
    lines = [
        _line(["CPU ms per request by process", *(head for head, _ in SPLIT)]),
        _line(["---", *(["---:"] * len(SPLIT))]),
    ]
    for row in rows:
        found = [row["figures"].get(name) for _, name in SPLIT]
        if row["figures"].get("keeper_pss_mb"):
            lines.append(
                _line([row["server"], *(Spread(**one).text() if one else "-" for one in found)])
            )
    return "\n".join(lines)


def searches_markdown(found: list[dict[str, Any]]) -> str:
    """Return what each search tried, the fastest first."""
    lines = [
        _line(["workload", "peer", "saturated req/s by configuration", "others took, cores"]),
        _line(["---", "---", "---", "---:"]),
    ]
    for one in found:
        tried = [
            f"{row['configuration']}: {_short(row['figures']['saturation_per_s']['median'], 3)}"
            for row in one["rows"]
            if "saturation_per_s" in row["figures"]
        ]
        others = [row["figures"]["bystander_cores"]["median"] for row in one["rows"]]
        cells = [one["workload"].upper(), one["peer"], "; ".join(tried)]
        lines.append(_line([*cells, _short(statistics.median(others), 2)]))
    return "\n".join(lines)


def comparison_markdown(found: list[Comparison]) -> str:
    """Return the table of ratios."""
    lines = [
        _line(["what", "against", "median (range)", "rounds", "aim", "reached"]),
        _line(["---", "---", "---:", "---:", "---:", "---"]),
    ]
    for one in found:
        unit = TIMES if one.against else ""
        shown = one.figure.text(ranged=True).replace(" (", f"{unit} (", 1)
        shown = shown if "(" in shown else shown + unit
        reached = {True: "yes", False: "**no**", None: ""}[one.holds]
        cells = [one.what, one.against, shown, str(one.figure.n), one.aim, reached]
        lines.append(_line(cells))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
