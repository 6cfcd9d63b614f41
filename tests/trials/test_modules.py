"""Which modules another folder can import, and copies of those it cannot."""

import importlib
import sys

import pytest

from seatrial.trials import modules
from seatrial.trials.modules import copy_module, local


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A folder on the path of this process alone, as a notebook's own is."""
    (tmp_path / "alone_here.py").write_text("import math\nimport pack_here.inner\n")
    (tmp_path / "pack_here").mkdir()
    (tmp_path / "pack_here" / "__init__.py").write_text("")
    (tmp_path / "pack_here" / "inner.py").write_text("import alone_here\nSIZE = 3\n")
    (tmp_path / "pack_here" / "words.txt").write_text("data beside code")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("alone_here", "pack_here"))]:
        del sys.modules[name]


def test_only_what_a_fresh_interpreter_cannot_find_is_local(beside):
    assert local(["math", "numpy.linalg", "seatrial.core", "__main__"]) == set()
    assert local(["alone_here", "pack_here.inner"]) == {"alone_here", "pack_here"}


def test_a_copy_holds_whole_packages_and_what_they_import(beside, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    assert copy_module("alone_here", folder) == []
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} == {
        "alone_here.py",
        "pack_here/__init__.py",
        "pack_here/inner.py",
        "pack_here/words.txt",
    }


def test_a_package_that_holds_data_is_not_copied(beside, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(modules, "COPIED_MIB", 1e-6)
    (said,) = copy_module("pack_here", tmp_path_factory.mktemp("copy"))
    assert "pack_here holds more than" in said


def test_a_module_without_a_file_is_named(tmp_path):
    (said,) = copy_module("nowhere_to_be_found", tmp_path)
    assert "nowhere_to_be_found" in said


def test_pickles_hold_local_classes_by_value(beside):
    import cloudpickle

    (beside / "alone_here.py").write_text("class Own:\n    pass\n")
    own = importlib.import_module("alone_here").Own()
    assert b"alone_here" in cloudpickle.dumps(own)
    by_name = len(cloudpickle.dumps(own))
    with modules.pickled_by_value():
        assert len(cloudpickle.dumps(own)) > 2 * by_name
    assert len(cloudpickle.dumps(own)) == by_name
