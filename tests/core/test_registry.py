"""The plug-in registry."""

import subprocess
import sys

import pytest

from seatrial.core import plugins
from seatrial.core.errors import UnknownNameError, UsageError
from seatrial.core.registry import Registry, resolve


def test_a_lazy_entry_is_imported_when_it_is_chosen():
    registry = Registry("thing", group="none", builtin={"pi": "math:pi"})
    assert registry.get("pi") == pytest.approx(3.14159265)


def test_an_unknown_name_is_an_error_that_suggests_the_nearest():
    registry = Registry("thing", group="none", builtin={"latency": 1})
    with pytest.raises(UnknownNameError, match='Did you mean "latency"'):
        registry.get("latencies")


def test_a_name_can_be_taken_once():
    registry = Registry("thing", group="none")
    registry.register("a", 1)
    with pytest.raises(UsageError, match="registered already"):
        registry.register("a", 2)


def test_names_are_sorted_and_iterable():
    registry = Registry("thing", group="none", builtin={"b": 1, "a": 2})
    assert list(registry) == registry.names() == ["a", "b"]
    assert "a" in registry
    assert "c" not in registry


@pytest.mark.parametrize(
    "registry", [plugins.adapters, plugins.measurements, plugins.proofs], ids=lambda r: r.what
)
def test_every_built_in_entry_can_be_imported(registry):
    for name in registry:
        assert callable(registry.get(name)), name


def test_resolve_names_an_attribute_of_a_module():
    assert resolve("os.path:join")("a", "b") == "a/b"


def test_entry_points_of_other_distributions_are_found(tmp_path):
    metadata = tmp_path / "other-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[seatrial.adapters]\nabacus = math:sqrt\n")
    code = (
        "from seatrial.core import plugins;"
        "assert plugins.adapters.get('abacus')(9) == 3, plugins.adapters.names()"
    )
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        check=True,
    )


def test_no_other_distribution_is_looked_through_for_a_name_of_our_own():
    """It takes longer than all else that reads settings."""
    code = (
        "import sys; from seatrial.core import settings;"
        "settings.parse({'model': {'load': 'model:load', 'input': 'text', 'name': 'a'}});"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
