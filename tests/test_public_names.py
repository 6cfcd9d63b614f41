"""What `import seatrial` gives, and what it costs."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import seatrial

HEAVY = ("numpy", "rich", "click", "msgspec", "duckdb", "plotly", "sklearn", "asyncio")


def python(program):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, done.stderr


def test_every_public_name_can_be_imported_and_is_listed_once_in_order():
    assert seatrial.__all__ == sorted(set(seatrial.__all__))
    for name in seatrial.__all__:
        assert getattr(seatrial, name) is not None
    assert set(seatrial._PLACES) == set(seatrial.__all__) - {"__version__"}
    assert dir(seatrial) == seatrial.__all__


def test_type_checkers_are_told_the_same_names():
    guarded = next(
        node
        for node in ast.parse(inspect.getsource(seatrial)).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    told = {
        alias.name: statement.module
        for statement in guarded.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert told == seatrial._PLACES


def test_no_public_name_is_also_a_package():
    modules = {module.name for module in pkgutil.iter_modules(seatrial.__path__)}
    assert "trials" in modules
    assert modules.isdisjoint(seatrial.__all__)


def test_the_door_is_a_function_that_says_what_it_takes():
    assert inspect.isfunction(seatrial.trial)
    assert list(inspect.signature(seatrial.trial).parameters)[:3] == ["model", "inputs", "labels"]
    assert "Raises:" in inspect.getdoc(seatrial.trial)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="trail"):
        seatrial.trail  # noqa: B018


def test_importing_is_cheap_and_silent():
    program = (
        "import sys; before = set(sys.modules); import seatrial; seatrial.__version__\n"
        f"print(sorted((set(sys.modules) - before) & set({HEAVY})))"
    )
    out, err = python(program)
    assert (out.strip(), err) == ("[]", "")


def test_a_star_import_brings_the_public_names_alone():
    out, _ = python(
        "kept = set(dir()) | {'kept'}; from seatrial import *; print(set(dir()) - kept)"
    )
    assert ast.literal_eval(out) == set(seatrial.__all__)


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert version("seatrial") == seatrial.__version__


def test_the_package_tells_type_checkers_that_it_is_typed():
    assert (Path(seatrial.__file__).parent / "py.typed").is_file()
