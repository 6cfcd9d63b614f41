"""Writes the pages of ``docs/`` that come from the code; a test fails where they have drifted."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seatrial.cli import main as command_line
from seatrial.core import errors, plugins, settings
from seatrial.describe.catalogue import CATALOGUE
from seatrial.records.columns import documentation as record_columns
from seatrial.trials.items import ITEMS

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
            lines += ["| key | takes | default | what | environment |", "| --- | --- | --- | --- | --- |"]
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
    context = click.Context(command_line, info_name="seatrial")
    for name in command_line.list_commands(context):
        command = command_line.get_command(context, name)
        if command is None:
            continue
        own = click.Context(command, info_name=f"seatrial {name}", max_content_width=92)
        lines += ["", f"## seatrial {name}", "", "```text", command.get_help(own).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def checklist_page() -> str:
    """The 24 items and what proves each."""
    lines = [
        "# The checklist",
        "",
        "Twenty-four items, in the order in which teams without them find out. An item passes only",
        "on evidence; where there is none it is `unmeasured`, which is counted aloud and is never a",
        "pass. Items without a proof yet are marked; they stay `unmeasured`.",
        "",
        "| week | item | asks for | proven by | proof |",
        "| --- | --- | --- | --- | --- |",
    ]
    for item in ITEMS:
        proof = "yes" if item.id in plugins.proofs else "not yet"
        lines.append(
            f"| {item.week} | `{item.id}` | {item.title} | {_cell(item.proven_by)} | {proof} |"
        )
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
    "errors.md": errors_page,
}


def write(folder: Path) -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (folder / name).write_text(WRITTEN + page(), encoding="utf-8")


def drifted(folder: Path) -> list[str]:
    """Return the pages that are not what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (folder / name).is_file()
        or (folder / name).read_text(encoding="utf-8") != WRITTEN + page()
    ]


def _toml(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write(DOCS)
    sys.exit(0)
