"""The page as a browser shows it, cut off from every network."""

import shutil
from pathlib import Path

import pytest

from seatrial.report.html import render_html
from seatrial.report.notebook import TrialView

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


PATIENCE_MS = 120_000.0
"""Longest wait of the browser: the machine may be busy with other things."""


class Visit:
    """One page opened from a file, with everything it asked for and complained about."""

    def __init__(self, browser, path: Path, **context):
        self.asked, self.complaints = [], []
        self.page = browser.new_context(**context).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.route("**/*", self._decide)
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.address = path.as_uri()
        self.page.goto(self.address)

    def _decide(self, route):
        if route.request.url == self.address:
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def _complain(self, kind, text):
        if kind in {"error", "warning", "trace"}:
            self.complaints.append(text)

    def charts(self):
        return self.page.evaluate(
            "Array.from(document.querySelectorAll('.chart'))"
            ".filter(node => node.querySelector('svg .xtick, svg .plot')).map(node => node.id)"
        )

    def seen_to(self, text):
        """Return how far down the screen a text ends, in px."""
        box = self.page.get_by_text(text, exact=False).first.bounding_box()
        return box["y"] + box["height"]


@pytest.fixture
def visit(browser, tmp_path):
    opened = []

    def open_page(html, **context):
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        opened.append(Visit(browser, path, **context))
        return opened[-1]

    yield open_page
    for one in opened:
        one.page.context.close()


@pytest.fixture(scope="module")
def report(trial, gap, evidences):
    return render_html(trial, gap, evidences)


@pytest.mark.parametrize(
    ("screen", "scheme"), [((1280, 800), "light"), ((1280, 800), "dark"), ((400, 860), "light")]
)
def test_the_report_shows_itself_without_asking_for_anything(visit, report, trial, screen, scheme):
    width, height = screen
    shown = visit(report, viewport={"width": width, "height": height}, color_scheme=scheme)
    assert shown.asked == []
    assert shown.complaints == []
    assert len(shown.charts()) == 6
    for text in (trial.next, "What would break first?", "What do I do next?", "not measured"):
        assert shown.seen_to(text) <= height
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_charts_follow_the_colours_of_the_page(visit, report):
    shown = visit(report, color_scheme="light")
    label = shown.page.locator("#chart-waterfall .xtick text").first
    light = label.evaluate("node => getComputedStyle(node).fill")
    shown.page.emulate_media(color_scheme="dark")
    api.expect(label).not_to_have_css("fill", light)
    assert shown.complaints == []


def test_a_link_to_evidence_opens_it(visit, report, evidences):
    shown = visit(report)
    shown.page.click(f"#item-batch-profile a[href='#evidence-{evidences[0].id}']")
    assert shown.page.evaluate("document.querySelector(location.hash).open")


def test_hostile_content_runs_nothing_and_links_nowhere(visit, hostile):
    shown = visit(render_html(*hostile))
    assert shown.asked == []
    assert shown.complaints == []
    assert shown.page.evaluate("typeof window.owned") == "undefined"
    assert shown.page.locator("a[href*='e.x'], a[href*=evil]").count() == 0
    assert shown.page.locator(".chart a").count() == 0
    assert len(shown.charts()) == 6


def test_it_prints(visit, report):
    shown = visit(report, color_scheme="dark")
    assert shown.page.pdf(format="A4").startswith(b"%PDF")
    assert shown.complaints == []


def test_a_notebook_shows_the_same_page_in_its_frame(visit, trial, gap, evidences):
    view = TrialView(trial, gap, evidences)
    shown = visit(f"<!doctype html><meta charset=utf-8><title>n</title>{view._repr_html_()}")
    frame = shown.page.frame_locator("iframe")
    frame.locator("#chart-waterfall svg.main-svg").first.wait_for()
    assert frame.locator(".verdict h1").inner_text() == "No."
    assert [address for address in shown.asked if address != "about:srcdoc"] == []
    assert shown.complaints == []
