"""The command line costs nothing until it is used."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from seatrial.cli import main
from seatrial.cli.verbs import one_line
from seatrial.core.errors import DataError

VERBS = (
    "demo",
    "init",
    "trial",
    "gap",
    "measure",
    "serve",
    "review",
    "log",
    "load",
    "status",
    "kill",
    "keys",
)


def test_help_imports_click_and_nothing_heavier():
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from seatrial.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'rich', 'msgspec', 'duckdb', 'sklearn', 'plotly', 'scipy', 'starlette',"
        " 'uvicorn', 'jinja2', 'psutil', 'importlib.metadata'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_says_what_it_does(verb):
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()[2]) > 20


def test_every_verb_is_listed():
    assert main.list_commands(None) == list(VERBS)


def test_an_error_is_one_line_without_control_characters():
    assert one_line(DataError("a\nb\x1b[31m", hint="c")) == "a b\\x1b[31m c"


def test_init_writes_settings_once(folder, seatrial):
    (folder / "seatrial.toml").unlink()
    ended = seatrial("init", folder, "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["eval_data"] == "eval.jsonl"
    assert "load = " in (folder / "seatrial.toml").read_text()
    again = seatrial("init", folder)
    assert again.status == 2
    assert "--force" in again.err
    assert seatrial("init", folder, "--force").status == 0
