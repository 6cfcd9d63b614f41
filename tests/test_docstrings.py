"""The examples in docstrings do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import seatrial

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(seatrial.__path__, "seatrial.")
    if not found.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    examples = sum(
        len(test.examples)
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
    )
    assert examples > 200
