"""Every registered adapter keeps the contract, and none is left out."""

import pytest

from seatrial.core import plugins
from seatrial.testing import contract


def test_every_registered_adapter_has_an_example():
    assert contract.without_example() == []


@pytest.mark.parametrize("check", list(contract.checks()), ids=lambda check: check.name)
@pytest.mark.parametrize("adapter", list(plugins.adapters))
def test_an_adapter_keeps_the_contract(adapter, check, tmp_path):
    check.run(contract.examples.get(adapter), tmp_path)


def test_an_adapter_registered_without_an_example_is_noticed(monkeypatch):
    entries = {**plugins.adapters._entries, "quantum": "nowhere:open_model"}
    monkeypatch.setattr(plugins.adapters, "_entries", entries)
    assert contract.without_example() == ["quantum"]
