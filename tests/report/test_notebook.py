from html.parser import HTMLParser

import pytest

from seatrial.report.html import render_html
from seatrial.report.notebook import GapView, TrialView


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture
def view(trial, gap, evidences):
    return TrialView(trial, gap, evidences)


def test_a_trial_shows_the_whole_report_in_a_frame_of_its_own(view, trial, gap, evidences):
    (frame,) = Elements(view._repr_html_()).found
    assert frame[0] == "iframe"
    assert frame[1]["srcdoc"] == render_html(trial, gap, evidences)
    assert frame[1]["sandbox"] == "allow-scripts"
    assert "src" not in frame[1]


def test_hostile_content_cannot_leave_the_frame(hostile):
    found = Elements(TrialView(*hostile)._repr_html_()).found
    assert [tag for tag, _ in found] == ["iframe"]


def test_as_text_it_is_the_terminal_page_without_colour(view):
    assert "Can I ship?" in repr(view)
    assert "\x1b" not in repr(view)
    assert view._repr_mimebundle_()["text/plain"] == repr(view)


def test_jupyter_gets_html_and_text(view):
    assert set(view._repr_mimebundle_(include=None, exclude=None)) == {"text/html", "text/plain"}


def test_ipython_picks_the_page_for_display(view):
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(view)
    assert data["text/html"].startswith("<iframe")
    assert "Can I ship?" in data["text/plain"]


def test_a_gap_shows_its_waterfall_and_its_ledger_without_a_script(gap, hostile):
    text = GapView(gap)._repr_html_()
    assert text.startswith("<svg")
    assert "remainder" in text
    tags = {tag for tag, _ in Elements(GapView(hostile[1])._repr_html_()).found}
    assert tags <= {"svg", "title", "rect", "text", "path", "g", "pre"}
