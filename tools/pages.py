"""Writes what in ``docs/`` comes from the code; a test fails where it has drifted.

Whole pages are written by the functions in ``PAGES``. In the pages of ``EXECUTED``, what a block
marked ``python run`` or ``sh run`` prints is written into the ``text`` block that follows it, and
tables between ``<!-- table: NAME -->`` and ``<!-- end -->`` are written from the code.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from seatrial.cli import main as command_line
from seatrial.core import errors, plugins, settings
from seatrial.describe.catalogue import DESCRIPTORS, FACTORS, Descriptor
from seatrial.records import columns, record
from seatrial.testing import bank
from seatrial.trials.failures import JUDGES
from seatrial.trials.items import ITEMS
from seatrial.trials.trial import NEEDS

sys.path.insert(0, str(Path(__file__).parent))

import serving
import transcripts

DOCS = Path(__file__).parent.parent / "docs"
WRITTEN = "<!-- Written by `make docs` from the code. Do not edit. -->\n"


def settings_page() -> str:
    """Every key of seatrial.toml."""
    lines = [
        "# Settings",
        "",
        "Every key of `seatrial.toml`. Precedence, lowest first: default, file, environment, flag.",
        "An unknown key is an error that names the nearest known one. A budget that is not set is",
        "measured and shown, but not judged.",
        "",
        "`[model]` also takes exactly one adapter key, which says where the model comes from: "
        + ", ".join(f"`{name}`" for name in plugins.adapters)
        + ".",
    ]
    section = None
    for row in settings.table():
        if row.section != section:
            section = row.section
            lines += ["", f"## [{section or row.key}]", ""]
            lines += [
                "| key | takes | default | what | environment |",
                "| --- | --- | --- | --- | --- |",
            ]
        default = "" if row.default in ("", None) else f"`{_toml(row.default)}`"
        unit = f" ({row.unit})" if row.unit else ""
        lines.append(
            f"| `{row.key}` | {row.type} | {default} | {_cell(row.description)}{unit} "
            f"| `{row.environment}` |"
        )
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Every verb and its options."""
    lines = ["# Command line", "", "Results go to standard output, progress to standard error."]
    lines += [
        "",
        "Exit status: 0 fine, 1 a check failed, 2 wrong usage, 3 the environment lacks something.",
    ]
    context = click.Context(command_line, info_name="seatrial", **command_line.context_settings)
    for name, command in _verbs(command_line, context, "seatrial"):
        own = click.Context(
            command,
            info_name=name,
            terminal_width=COLUMNS,
            help_option_names=context.help_option_names,
        )
        lines += ["", f"## {name}", "", "```text", command.get_help(own).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _verbs(
    group: click.Group, context: click.Context, called: str
) -> Iterator[tuple[str, click.Command]]:
    """Yield every verb under the name by which it is called, those inside others too."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield f"{called} {name}", command
        if isinstance(command, click.Group):
            yield from _verbs(command, context, f"{called} {name}")


COLUMNS = 92
"""Of the help texts, whatever terminal this runs in."""


def checklist_page() -> str:
    """The 24 items and what proves each."""
    lines = [
        "# The checklist",
        "",
        "Twenty-four items, in the order in which teams without them find out. An item passes",
        "only on evidence; where there is none it is `unmeasured`, which is counted aloud and is",
        "never a pass. Items that nothing measures yet stay `unmeasured`. Items marked * need",
        "access to the inside of a service, and stay `unmeasured` where only a URL is given.",
        "",
        "| week | item | asks for | proven by | measured by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for item in ITEMS:
        proof = "not yet"
        if item.id in plugins.proofs:
            proof = ", ".join(f"`{kind}`" for kind in NEEDS.get(item.id, ())) or "counting rows"
        name = f"`{item.id}`{' *' if item.inside else ''}"
        lines.append(f"| {item.week} | {name} | {item.title} | {_cell(item.proven_by)} | {proof} |")
    return "\n".join(lines) + "\n"


CONTAINED = {
    "row-loop": "nothing: vectorise the loop",
    "batch-cliff": "`[serving] batch_max` below the cliff",
    "batch-dependent-output": "`[serving] batch_max = 1` until the model is mended",
    "integer-overflow": "`[serving] batch_max` below the overflow",
    "memory-pressure": "`[serving] batch_max` within the target's memory",
    "variant-loss": '`[serving] variant = "original"`',
    "latency-budget": "fewer requests a server, or a cheaper variant; the deadline of a request",
    "serving-skew": "mending what the service does to its inputs; the report says what that is",
    "inconsistent-answers": "one form for every input before the model reads it; a fixed seed",
    "language-shift": "eval rows of these languages; abstaining on others until then",
    "domain-shift": "reviews of such rows, in training and in eval",
    "length-shift": "such rows in eval; splitting or refusing what is not read whole",
    "format-shift": "taking the form off before the model reads it",
    "adversarial-inputs": "undoing it before the model reads it",
    "confident-wrong": "a gate for the requests that are answered so, or the correctness model",
    "overconfidence": "a temperature or a map fitted on reviewed rows; both in `seatrial gap`",
    "survivorship": "correct of *all* requests, reported beside the share answered",
    "stale-cache": "a cache key that holds the model, its version and its content",
    "overload-collapse": "a queue bounded by time: 503 with `Retry-After`, late work dropped",
    "retry-storm": "the same, and a budget for retries",
}


def failures_page() -> str:
    """The failures that are looked for, and their planted twins."""
    lines = [
        "# Failures that are looked for",
        "",
        "Each failure mode exists as pairs of small models, one sick and one healthy, in",
        "`seatrial.testing.bank`. One suite walks the bank with drawn parameters: the sick one",
        "has to be named by its id, the healthy one has to raise nothing. *Through* says where it",
        "can be found: in a model that seatrial starts itself, or behind the URL of any service.",
        "",
        "| failure | what it is | planted as | measured by | through | contained by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    doors = {"callable": "model", "url": "URL"}
    for entry in sorted(bank.entries(), key=lambda entry: list(JUDGES).index(entry.id)):
        module = inspect.getmodule(entry.draw)
        what = (inspect.getdoc(module) or "").partition("\n")[0].partition(": ")[2].rstrip(".")
        styles = dict.fromkeys(entry.draw(seed).style for seed in range(STYLE_SEEDS))
        through = ", ".join(name for door, name in doors.items() if door in entry.through)
        lines.append(
            f"| `{entry.id}` | {_cell(what)} | {_cell(', '.join(styles))} | `{entry.evidence}` "
            f"| {through} | {CONTAINED[entry.id]} |"
        )
    return "\n".join(lines) + "\n"


STYLE_SEEDS = 60
"""Neighbouring seeds go through all styles of an entry; none has nearly as many."""


def descriptors_page() -> str:
    """What is known about an input, and which factors the ledger has."""
    lines = [
        "# Descriptors and factors",
        "",
        "What `describe` says of an input, always against the eval set. Arrays are described as",
        "records of numbers, their columns named by place: `column:0`.",
        "",
        "## Factors of the ledger",
        "",
        "An intensity in [0, 1] per row; what it does to accuracy is in the [ledger](gap.md).",
        "",
        *_described(FACTORS),
        "",
        "## Descriptors",
        "",
        *_described(DESCRIPTORS),
    ]
    return "\n".join(lines) + "\n"


def _described(rows: tuple[Descriptor, ...]) -> list[str]:
    return [
        "| name | of | unit | meaning |",
        "| --- | --- | --- | --- |",
        *(f"| `{row.name}` | {row.of} | {row.unit} | {_cell(row.meaning)} |" for row in rows),
    ]


def records_page() -> str:
    """The columns of the log."""
    lines = [
        "# Records",
        "",
        "The log holds one record per request *row*, whatever became of it: answered, abstained,",
        "rejected, timed out, failed, killed, cancelled. A record reaches the operating system",
        "before its answer leaves. Lines are sealed into Parquet under `FOLDER/.seatrial/log/`,",
        "where any DuckDB or pandas reads them; values that may be any JSON are kept as JSON text.",
        "",
        "| column | holds | unit | in Parquet | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in record.table():
        kind = columns.COLUMNS[row.name]
        lines.append(
            f"| `{row.name}` | {row.type} | {row.unit} | {kind} | {_cell(row.description)} |"
        )
    described = {row.name for row in record.table()}
    lines += ["", "Sealed files also have: "]
    rest = [f"`{name}` ({kind})" for name, kind in columns.COLUMNS.items() if name not in described]
    lines[-1] += ", ".join(rest) + "."
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every error, its code and its statuses."""
    lines = [
        "# Errors",
        "",
        "Each message gives what was received, what is accepted and what to do. Exit and HTTP",
        "status follow from the class.",
        "",
        "| error | code | when | exit | HTTP | retry |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, cls in errors.tree().items():
        when = (inspect.getdoc(cls) or "").partition("\n")[0]
        retry = "may help" if cls.retryable else "no"
        lines.append(
            f"| {name} | `{cls.code}` | {_cell(when)} | {cls.exit_status} | {cls.http_status} "
            f"| {retry} |"
        )
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "checklist.md": checklist_page,
    "failures.md": failures_page,
    "descriptors.md": descriptors_page,
    "records.md": records_page,
    "errors.md": errors_page,
}


EXECUTED = ("closing.md", "gap.md", "load.md", "patterns.md", "review.md", "serving.md")

RUN = re.compile(
    r"(?P<code>^```python run\n(?P<program>.*?)^```\n\n)```text\n.*?^```$", flags=re.M | re.S
)


TABLE = re.compile(
    r"(?P<begin>^<!-- table: (?P<name>[a-z-]+) -->\n).*?(?P<end>^<!-- end -->$)", flags=re.M | re.S
)


def table(place: re.Match[str]) -> str:
    """Return a table of a page as the code says it now."""
    return f"{place['begin']}\n{serving.TABLES[place['name']]()}\n\n{place['end']}"


def executed(text: str) -> str:
    """Return a page with the output of its blocks as they print it now."""

    def run(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["program"], "docs", "exec"), {"__name__": "docs"})
        return f"{block['code']}```text\n{printed.getvalue()}```"

    return transcripts.with_output(TABLE.sub(table, RUN.sub(run, text)))


def pages(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each page and what it has to say."""
    for name, page in PAGES.items():
        yield folder / name, WRITTEN + page()
    for name in EXECUTED:
        yield folder / name, executed((folder / name).read_text(encoding="utf-8"))


def write(folder: Path) -> None:
    """Write every generated page."""
    for path, text in pages(folder):
        path.write_text(text, encoding="utf-8")


def drifted(folder: Path) -> list[str]:
    """Return the pages that are not what the code says."""
    return [
        path.name
        for path, text in pages(folder)
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _toml(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write(DOCS)
    sys.exit(0)
