import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest

from seatrial.report.figures import charts
from seatrial.report.html import figures_json, render_html

LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction"}
"""Attributes that make a browser ask for something."""

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, and text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.texts = []
        self.scripts = []
        self.open = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def policy(self):
        return next(
            attributes["content"]
            for tag, attributes in self.elements
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        )


@pytest.fixture(scope="module")
def page(trial, gap, evidences):
    return Page(render_html(trial, gap, evidences, plotlyjs="omit"))


@pytest.fixture(scope="module")
def whole(trial, gap, evidences):
    return render_html(trial, gap, evidences)


def test_the_first_screen_comes_first(page):
    order = ["Can I ship?", "No.", "3 of 24 items fail, and 15 are not measured.",
             "What would break first?", "What do I do next?", "seatrial serve examples/tickets",
             "Checklist"]  # fmt: skip
    places = [page.text.index(text) for text in order]
    assert places == sorted(places)


def test_every_item_stands_in_its_row_with_its_status_in_words(page, trial):
    ids = {attributes.get("id") for tag, attributes in page.elements if tag == "tr"}
    assert {f"item-{item.id}" for item in trial.items} <= ids
    assert page.text.count("not measured") >= 15
    assert "Fix: start with language: -9.1 points" in page.text


def test_all_parts_of_the_gap_are_there_without_a_script(page):
    for said in (
        "eval, as served",
        "remainder",
        "no factor explains it",
        "Share of the drop",
        "The model answers 91.0 % of requests",
        "language",
        "de",
        "41.0 to 51.0",
    ):
        assert said in page.text  # fmt: skip
    assert any(tag == "svg" for tag, _ in page.elements)
    assert not page.scripts


def test_losers_among_variants_and_failures_not_found_are_shown(page):
    assert "not faster, less accurate" in page.text
    assert "the file has no int8 operator" in page.text
    assert "1 found, 1 looked for and not found, 1 cannot be told" in page.text


def test_conditions_and_weak_points_are_shown(page, trial, evidences):
    for said in (
        trial.release,
        "AMD EPYC 7763",
        "numpy 2.1.3",
        "7.8 GiB",
        "seed 7",
        "the spread between rounds was 18 %",
        "language and domain move together",
    ):
        assert said in page.text  # fmt: skip
    for evidence in evidences:
        assert evidence.id in page.text


def test_links_inside_the_page_lead_somewhere(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [a["href"] for tag, a in page.elements if tag == "a" and "href" in a]
    assert links
    assert {link.removeprefix("#") for link in links} <= ids


def test_ids_are_unique_and_headings_never_skip_a_level(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_tables_have_headers_and_scrolling_ones_can_be_reached_by_keyboard(page):
    assert any(tag == "th" and a.get("scope") == "col" for tag, a in page.elements)
    assert any(tag == "th" and a.get("scope") == "row" for tag, a in page.elements)
    for _, attributes in page.elements:
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]


@pytest.mark.parametrize("script", ["embed", "omit"])
def test_nothing_in_the_page_asks_a_network(trial, gap, evidences, script):
    page = Page(render_html(trial, gap, evidences, plotlyjs=script))
    asked = [
        (tag, name, value)
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in LOADING and not (value or "").startswith("#")
    ]
    assert asked == []
    assert not {tag for tag, _ in page.elements} & {"link", "img", "iframe", "object", "base"}
    assert page.policy().startswith("default-src 'none'; ")
    assert "http" not in page.policy()


def test_the_policy_names_the_digest_of_each_script_and_no_other(whole):
    page = Page(whole)
    data, *code = page.scripts
    json.loads(data)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code]
    allowed = re.search("script-src ([^;]*);", page.policy())[1]
    assert allowed == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert len(code) == 2


def test_plotly_is_embedded_once(whole):
    assert whole.count("plotly.js v") == 1
    assert 4_000_000 < len(whole) < 6_000_000


def test_without_scripts_the_policy_lets_none_run_and_the_page_is_small(trial, gap, evidences):
    text = render_html(trial, gap, evidences, plotlyjs="omit")
    assert "script-src 'none'" in Page(text).policy()
    assert len(text) < 200_000


@pytest.mark.parametrize("script", ["embed", "omit"])
def test_hostile_content_stays_text(hostile, script):
    text = render_html(*hostile, plotlyjs=script)
    page = Page(text)
    assert not page.open
    allowed = {
        "html", "head", "meta", "title", "style", "body", "header", "span", "b", "main", "section",
        "p", "h1", "h2", "h3", "div", "ul", "ol", "li", "nav", "a", "table", "caption", "thead",
        "tbody", "tr", "th", "td", "code", "figure", "figcaption", "details", "summary", "dl", "dt",
        "dd", "footer", "svg", "rect", "text", "path", "g", "script", "noscript",
    }  # fmt: skip
    assert {tag for tag, _ in page.elements} <= allowed
    assert len(page.scripts) == (3 if script == "embed" else 0)
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    assert "window.owned=1" in page.text
    for char in "\x00\x1b\u202e\u202c\u2028":
        assert char not in page.text
    text.encode("utf-8")


def test_figures_cannot_end_the_element_that_holds_them(hostile):
    text = figures_json(charts(hostile[1], hostile[2]))
    assert not set("<>&\u2028\u2029") & set(text)
    assert "\\u003c/script" not in json.dumps(json.loads(text))
    assert json.loads(text)["variants"]["data"]


def test_a_figure_that_is_not_finite_does_not_break_the_page(trial, gap, evidences):
    rows = ({"batch": 1, "items_per_s": float("nan"), "p99_ms": float("inf")}, {"batch": 2})
    odd = msgspec.structs.replace(evidences[0], tables={"sweep": rows}, values=())
    page = Page(render_html(trial, gap, [odd]))
    assert "NaN" not in page.scripts[0]


def test_missing_parts_are_named_as_missing(trial):
    bare = msgspec.structs.replace(trial, items=(), failures=(), gap=None, next="")
    page = Page(render_html(bare))
    assert "Not known." in page.text
    assert "None of 24 items was measured." in page.text
    assert "None was looked for." in page.text
    assert "no production rows were compared" in page.text


def test_an_unknown_production_is_said_with_its_reason(trial, unknown_gap):
    page = Page(render_html(trial, unknown_gap, plotlyjs="omit"))
    assert "There are no steps: no production row has a label." in page.text


def test_evidence_from_another_machine_says_so(trial, evidences):
    machine = msgspec.structs.replace(evidences[0].machine, cores=64)
    moved = msgspec.structs.replace(evidences[0], machine=machine)
    page = Page(render_html(trial, None, [moved], plotlyjs="omit"))
    assert "Measured on another machine: AMD EPYC 7763 64-Core Processor, 64 cores" in page.text


def test_the_same_documents_give_the_same_page(trial, gap, evidences, whole):
    assert render_html(trial, gap, evidences) == whole
