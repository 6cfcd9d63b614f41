"""Tables of ``docs/serving.md`` that come from the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from seatrial.core import errors, settings
from seatrial.core.errors import SeatrialError
from seatrial.schedule import breaker, ladder, quarantine
from seatrial.serve import app, tickets
from seatrial.serve.connections import Limits
from seatrial.serve.doors.headers import TIMEOUT_MAX_S
from seatrial.serve.gauges import gauges
from seatrial.serve.metrics import COMMON, Metrics

OWNER, MEND, AGAIN, LATER = (
    "tell the owner",
    "mend the request",
    "try again",
    "wait `Retry-After`, then try again",
)

ENDS: tuple[tuple[str, int | None, type[SeatrialError], str, str], ...] = (
    ("headers", 408, errors.DeadlineExceededError, "they did not come in time", AGAIN),
    ("headers", None, errors.HeadTooLargeError, "they are too large, or too many", MEND),
    ("headers", None, errors.MalformedBodyError, "this is no HTTP/1.1", MEND),
    ("body", None, errors.BodyTooLargeError, "it is too large", "send fewer rows at once"),
    ("body", 408, errors.DeadlineExceededError, "it did not come in time", AGAIN),
    ("key", None, errors.UnauthorizedError, "no key, or none that is valid", "show a valid key"),
    ("key", None, errors.ForbiddenError, "a key for something else", "ask the operator"),
    ("key", None, errors.RateLimitedError, "more than the key allows", LATER),
    ("orders", None, errors.KilledError, "an operator has switched answering off", LATER),
    ("orders", None, errors.ServingError, "the server starts or stops", LATER),
    ("reading", None, errors.MalformedBodyError, "the body is no JSON", MEND),
    ("reading", 415, errors.InputError, "its headers announce something other than JSON", MEND),
    ("reading", None, errors.InputError, "it does not fit the model: `errors` has where", MEND),
    ("reading", None, errors.UnknownNameError, "it names a model that is not here", MEND),
    ("entry", None, errors.QuarantinedError, "this input has killed workers", "leave it out"),
    ("entry", None, errors.OverloadedError, "no room, and nothing cheaper", LATER),
    ("entry", None, errors.ServingError, "the workers keep dying", LATER),
    ("queue, model", None, errors.DeadlineExceededError, "the caller's time is over", "allow more"),
    ("model", None, errors.ModelRaisedError, "the model raised on this row", OWNER),
    (
        "model",
        None,
        errors.OutputContractError,
        "its answers do not fit the rows",
        OWNER,
    ),
    ("model", None, errors.NonFiniteOutputError, "it answered NaN or infinity", OWNER),
    ("model", None, errors.WorkerLostError, "the worker died with this request", AGAIN),
    ("anywhere", None, errors.CallerGoneError, "the caller has closed the connection", ""),
)
"""Where a request can end without an answer: stage, status where it is not that of the class, why,
and what the caller should do."""


def ends() -> str:
    """Where a request can end without an answer."""
    lines = ["| stage | status | `code` | why | what the caller should do |", _rule(5)]
    for stage, status, error, why, then in ENDS:
        code = status or error.http_status
        lines.append(f"| {stage} | {code} | `{error.code}` | {why} | {then} |")
    return "\n".join(lines)


BEYOND = {
    "body_max_mib": "413",
    "head_timeout_s": "408",
    "body_timeout_s": "408",
    "write_timeout_s": "the connection is cut",
    "idle_timeout_s": "the connection is closed",
    "timeout_ms": "504; sooner, where the wait is foreseen, see [overload](#overload)",
    "queue_rows": "413 for one request, 503 for all together",
    "batch_max": "more model calls",
    "workers": "",
    "worker_memory_mib": "the worker is replaced",
    "cache_mib": "the answer used longest ago is forgotten",
    "cache_ttl_s": "the answer is forgotten",
}
"""Settings that bound something, and what happens beyond the bound."""


def limits() -> str:
    """What is bounded by a setting."""
    rows = {row.key: row for row in settings.table() if row.section == "serving"}
    lines = ["| `[serving]` | default | bounds | beyond it |", _rule(4)]
    for key, beyond in BEYOND.items():
        row = rows[key]
        default = "unset" if row.default is None else _plain(row.default)
        unit = f" {row.unit}" if row.unit and row.default is not None else ""
        lines.append(f"| `{key}` | {default}{unit} | {row.description} | {beyond} |")
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return f"{value:,g}" if isinstance(value, float) else str(value)


def fixed_limits() -> str:
    """What is bounded without a setting."""
    wire = Limits()
    rows: dict[str, tuple[str, str]] = {
        "request line and headers": (
            f"{wire.head_bytes:,} bytes, {wire.head_count} headers",
            "431",
        ),
        "what `X-Request-Timeout-Ms` may ask for": (f"{TIMEOUT_MAX_S:g} s", "that is what it gets"),
        "a body of `/feedback`": (f"{app.FEEDBACK_MAX_BYTES // 1024} KiB", "413"),
        "a ticket's promise": (f"{ladder.ETA_MAX_S:g} s", "503 instead of a ticket"),
        "work on a ticket": (f"{tickets.WAIT_MAX_S:g} s", "its answer is 504"),
        "tickets": (
            f"{tickets.TICKETS_MAX:,}, {tickets.BYTES_MAX // 2**20} MiB of answers",
            "503 instead of a ticket",
        ),
        "deaths that one input may cause": (
            f"{quarantine.KILLS_ALONE} alone, {quarantine.KILLS_IN_COMPANY} in company",
            f"422 for {quarantine.FORGET_S / 60:g} minutes",
        ),
        "workers lost": (
            f"{breaker.FAILURES} within {breaker.WINDOW_S:g} s, if that is half of all model calls",
            f"503 for {breaker.PAUSE_S:g} s, up to {breaker.PAUSE_MAX_S:g} s",
        ),
    }
    lines = ["| bounded | at | beyond it |", _rule(3)]
    lines += [f"| {what} | {at} | {beyond} |" for what, (at, beyond) in rows.items()]
    return "\n".join(lines)


def metrics() -> str:
    """Every metric."""
    made = Metrics(model="m", release=lambda: "m@1", variant="original")
    nobody = cast("Any", None)
    made.gauges = [
        type(at)(at.name, at.description, lambda: 0.0)
        for at in gauges(nobody, writer=nobody, connections=nobody, tickets=nobody)
    ]
    lines = ["| metric | type | labels | meaning |", _rule(4)]
    for family in sorted(made.collect(), key=lambda family: str(family.name)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        own = [label for label in family._labelnames if label not in COMMON]  # noqa: SLF001
        labels = ", ".join(f"`{label}`" for label in own)
        lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(lines)


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns


TABLES: dict[str, Callable[[], str]] = {
    "ends": ends,
    "limits": limits,
    "fixed-limits": fixed_limits,
    "metrics": metrics,
}
