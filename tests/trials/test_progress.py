"""Who is told how far the work is."""

import pytest

from seatrial.trials.progress import OneLine, Silent, in_notebook, shown


class Collector:
    def __init__(self):
        self.said = []

    def stage(self, sentence):
        self.said.append(sentence)

    def note(self, sentence):
        self.said.append(sentence)


def test_whoever_is_named_is_told():
    told = Collector()
    with shown(told) as progress:
        progress.stage("loading")
        progress.note("3 rows")
    assert told.said == ["loading", "3 rows"]


def test_outside_a_notebook_nobody_is_told():
    assert not in_notebook()
    with shown(None) as progress:
        assert isinstance(progress, Silent)
        progress.stage("loading")


def test_in_a_notebook_one_line_is_replaced_and_taken_away(monkeypatch):
    display = pytest.importorskip("IPython.display")
    lines = Collector()

    class Handle:
        def update(self, data, *, raw):
            lines.stage(data["text/plain"])

    monkeypatch.setattr(display, "display", lambda data, **options: Handle())
    line = OneLine()
    line.stage("loading")
    line.note("3 rows")
    line.end()
    assert lines.said == ["loading …", ""]
