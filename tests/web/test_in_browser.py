"""The review page in a real browser: by keys alone, blind, offline, and under attack."""

from __future__ import annotations

import io
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.core import settings
from seatrial.core.clock import SYSTEM
from seatrial.releases.control import Control
from seatrial.serve.admin import Admin
from seatrial.serve.admin_server import SmallServer
from seatrial.serve.admin_token import AdminToken
from seatrial.serve.consoles import Consoles, Doorman
from seatrial.serve.events import Events
from seatrial.serve.keyfile import KeyFile, Terms
from seatrial.serve.keys import Keyring

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
]
PATIENCE_MS = 60_000.0
"""Longest wait of the browser: the machine may be busy with other things."""

LISTED = json.loads((Path(__file__).parent / "hostile.json").read_text())
HOSTILE = [
    text if isinstance(text, str) else text["repeat"] * text["times"] for text in LISTED["texts"]
]
LONG = "A long complaint about a parcel that never came. " * 400
CLASSES = ("negative", "neutral", "positive")


@pytest.fixture(scope="module")
def browser(browser_path):
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield launched
        launched.close()


class Visit:
    """A reviewer at the page, with everything that the page asked for and complained about."""

    def __init__(self, browser, page, reviewer, **context):
        self.asked, self.complaints = [], []
        self.served = page
        context = {"viewport": {"width": 1280, "height": 800}, **context}
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(PATIENCE_MS)
        self.tab = self.context.new_page()
        self.tab.route("**/*", self._decide)
        self.tab.on("console", lambda message: self._complain(message.type, message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.tab.goto(page.url)
        if reviewer:
            self.tab.get_by_role("textbox", name="Name").fill(reviewer)
            self.tab.keyboard.press("Enter")
            self.tab.locator("#content > *").first.wait_for()

    def _decide(self, route):
        if route.request.url.startswith((self.served.origin, "data:")):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def _complain(self, kind, text):
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def type(self, text):
        self.tab.keyboard.type(text)

    def content(self):
        return self.tab.locator("#content").inner_text()

    def last(self):
        return self.tab.locator("#last")

    def expect_count(self, text):
        api.expect(self.tab.locator("#count")).to_have_text(text, timeout=PATIENCE_MS)

    def unharmed(self):
        assert self.asked == []
        assert self.complaints == []
        assert self.tab.evaluate("typeof window.owned") == "undefined"


@pytest.fixture
def visit(browser):
    opened = []

    def come(page, reviewer="anna", **context):
        opened.append(Visit(browser, page, reviewer, **context))
        return opened[-1]

    yield come
    for one in opened:
        one.context.close()


@pytest.fixture(scope="module")
def texts(host_page, make_shared_folder):
    """Thirty texts, answered by turns."""
    return host_page(make_shared_folder([f"text {place}" for place in range(30)], [*CLASSES] * 10))


def test_a_row_is_labelled_with_one_key_and_the_next_is_there(visit, texts):
    shown = visit(texts, "anna")
    before = shown.content()
    shown.press("1")
    assert shown.content() != before
    shown.expect_count("1 of 30")
    shown.press("d", "2", "s")
    shown.expect_count("3 of 30")
    said = list(texts.folder.labels()["anna"].values())
    assert {(one.label, one.tags, one.skipped) for one in said} == {
        ("negative", (), False),
        ("neutral", ("made-up number",), False),
        (None, (), True),
    }
    shown.unharmed()


def test_a_label_is_taken_back_with_one_key(visit, texts):
    shown = visit(texts, "ben")
    first = shown.content()
    shown.press("1")
    shown.expect_count("1 of 30")
    shown.press("u")
    assert shown.content() == first
    shown.expect_count("0 of 30")
    shown.press("3")
    shown.expect_count("1 of 30")
    assert [one.label for one in texts.folder.labels()["ben"].values()] == ["positive"]


def test_reviewers_are_blind_until_they_have_labelled(visit, texts):
    shown = visit(texts, "carl")
    dave = visit(texts, "dave")
    page = shown.tab.locator("body")
    assert "0.875" not in page.inner_text()
    shown.press("1")
    api.expect(shown.last()).to_contain_text("You: negative")
    api.expect(shown.last()).to_contain_text("confidence 0.875")
    assert "carl" not in dave.tab.locator("main").inner_text()
    dave.press("2")
    api.expect(dave.last()).to_contain_text(re.compile("The model was (right|wrong)"))
    dave.unharmed()


def test_others_are_told_of_after_the_label(visit, make_shared_folder, host_page):
    page = host_page(make_shared_folder(["only one"], ["positive"]))
    first = visit(page, "anna")
    first.press("3")
    first.expect_count("1 of 1")
    second = visit(page, "<b>ben</b>")
    assert "anna" not in second.tab.locator("body").inner_text()
    second.press("1")
    api.expect(second.last()).to_contain_text("anna: positive ✗ differs")
    api.expect(second.tab.locator("#agreement")).to_contain_text("0 of 1 pairs of labels agree")
    third = visit(page, "zoe")
    third.press("3")
    api.expect(third.last()).to_contain_text("<b>ben</b>: negative ✗ differs")
    third.unharmed()


def test_the_next_rows_are_here_before_they_are_asked_for(visit, texts):
    shown = visit(texts, "fred")
    shown.tab.route("**/api/rows*", lambda route: route.abort())
    seen = set()
    for _ in range(6):
        seen.add(shown.content())
        shown.press("2")
    shown.expect_count("6 of 30")
    assert len(seen) == 6


def test_what_the_network_lost_is_sent_again(visit, texts):
    shown = visit(texts, "gail")
    lost = []

    def lose_two(route):
        if len(lost) < 2:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    shown.tab.route("**/api/label", lose_two)
    shown.press("2")
    shown.expect_count("1 of 30")
    assert len(lost) == 2
    assert len(texts.folder.labels()["gail"]) == 1


def test_a_label_that_is_refused_brings_its_row_back(visit, texts):
    shown = visit(texts, "hugo")
    first = shown.content()
    refusal = {"status": 422, "json": {"detail": "the label is odd.", "hint": "Mend it."}}
    shown.tab.route("**/api/label", lambda route: route.fulfill(**refusal))
    shown.press("2")
    api.expect(shown.tab.locator("#alert")).to_have_text("the label is odd. Mend it.")
    assert shown.content() == first


def test_the_token_leaves_the_address_and_the_name_is_asked_once(visit, texts):
    shown = visit(texts, "ines")
    assert "token" not in shown.tab.url
    assert shown.context.cookies() == []
    shown.tab.reload()
    shown.expect_count("0 of 30")
    assert shown.tab.locator("#who").inner_text() == "ines"


def test_without_the_token_the_page_asks_for_it(visit, texts):
    shown = visit(texts, None)
    shown.tab.evaluate("sessionStorage.clear()")
    shown.tab.reload()
    shown.tab.get_by_role("textbox", name="Name").fill("jane")
    shown.tab.get_by_label("Token").fill("rt_wrong")
    shown.press("Enter")
    api.expect(shown.tab.locator("#entering-alert")).to_contain_text("none was shown")
    shown.tab.get_by_label("Token").fill(texts.token)
    shown.press("Enter")
    shown.expect_count("0 of 30")


def test_help_tells_the_keys_and_single_keys_can_be_switched_off(visit, texts):
    shown = visit(texts, "kim")
    shown.press("?")
    help_ = shown.tab.get_by_role("dialog", name="Keys")
    api.expect(help_).to_be_visible()
    for words in ("the label with that digit", "tag: wrong language", "undo", "skip"):
        assert words in help_.inner_text()
    shown.press("1")
    shown.tab.get_by_label("Single keys").uncheck()
    shown.press("Escape")
    api.expect(help_).not_to_be_visible()
    shown.press("1", "s")
    shown.tab.get_by_role("button", name="neutral").click()
    shown.expect_count("1 of 30")
    assert [one.label for one in texts.folder.labels()["kim"].values()] == ["neutral"]


def test_a_tag_of_ones_own_is_typed(visit, texts):
    shown = visit(texts, "lena")
    shown.press("#")
    shown.type("rude <i>tone</i>")
    shown.press("Enter", "1")
    shown.expect_count("1 of 30")
    (said,) = texts.folder.labels()["lena"].values()
    assert said.tags == ("rude <i>tone</i>",)
    shown.unharmed()


def test_of_many_classes_a_few_letters_are_enough(visit, make_shared_folder, host_page):
    names = tuple(
        f"{what}_{how}"
        for what in ("card", "refund")
        for how in ("arrived", "failed", "late", "lost", "stolen", "fee")
    )
    page = host_page(
        make_shared_folder([f"text {n}" for n in range(9)], ["card_late"] * 9, labels=names)
    )
    shown = visit(page)
    shown.type("fai")
    options = shown.tab.get_by_role("option")
    api.expect(options).to_have_text(["card_failed", "refund_failed"])
    shown.press("ArrowDown", "Enter")
    shown.expect_count("1 of 9")
    shown.type("refund")
    shown.press("Enter")
    shown.expect_count("2 of 9")
    shown.type("something new")
    shown.press("Enter")
    api.expect(shown.tab.locator("#hint")).to_contain_text("Press Enter again")
    shown.press("Enter")
    shown.expect_count("3 of 9")
    shown.press("Escape", "s")
    shown.expect_count("4 of 9")
    shown.press("Control+z")
    shown.expect_count("3 of 9")
    labels = sorted(one.label for one in page.folder.labels()["anna"].values())
    assert labels == ["refund_arrived", "refund_failed", "something new"]
    shown.unharmed()


def test_numbers_are_typed_and_letters_still_act(visit, make_shared_folder, host_page):
    page = host_page(
        make_shared_folder(
            [{"rooms": 3, "area": 71.5, "note": None}] * 4,
            [2.5] * 4,
            kind="record",
            task="regression",
            labels=(1.0,),
            metric="within:1",
        )
    )
    shown = visit(page)
    for typed in ("-1.5", "3e2"):
        shown.type(typed)
        shown.press("Enter")
    shown.expect_count("2 of 4")
    shown.press("g", "s")
    shown.expect_count("3 of 4")
    shown.type("1.2.3")
    shown.press("Enter")
    api.expect(shown.tab.locator("#hint")).to_contain_text("is no number")
    said = page.folder.labels()["anna"].values()
    assert {one.label for one in said} <= {-1.5, 300, None}
    shown.unharmed()


def test_generated_answers_are_judged_and_corrected(visit, make_shared_folder, host_page):
    chats = [
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"q {n}?"}]
        for n in range(3)
    ]
    page = host_page(make_shared_folder(chats, ["It is 42."] * 3, kind="chat", task="generation"))
    shown = visit(page)
    api.expect(shown.tab.locator("#answered")).to_have_text("It is 42.")
    shown.press("1")
    shown.expect_count("1 of 3")
    shown.press("2")
    shown.type("It is 41.")
    shown.press("Enter")
    shown.expect_count("2 of 3")
    shown.press("2", "Enter")
    shown.expect_count("3 of 3")
    api.expect(shown.tab.locator("#over")).to_contain_text("Nothing is left")
    labels = {row.labels["anna"].label for row in page.folder.rows()}
    assert labels == {"It is 42.", "It is 41.", ""}
    shown.unharmed()


@pytest.fixture(scope="module")
def gallery(host_page, make_shared_folder):
    """One page per kind of input, with what is hard to show."""
    shades = [[[(x * y) % 256, x, y] for x in range(40)] for y in range(30)]
    wide = {f"column_{'long_' * 9}{place}": "y" * 300 for place in range(60)}
    chat = [
        {"role": role, "content": LONG[:900]} for role in ("system", "user", "assistant", "user")
    ]
    made = {
        "text": [LONG, "x" * 20_000, "short"],
        "record": [wide, {"a": 1, "b": None, "c": True}, {}],
        "image": [shades, [[0, 255]], [[i % 2 * 255 for i in range(3_000)]]],
        "chat": [chat, chat[:2], [{"role": "user", "content": "z" * 5_000}]],
    }
    return {
        kind: host_page(make_shared_folder(inputs, ["positive"] * 3, kind=kind))
        for kind, inputs in made.items()
    }


@pytest.mark.parametrize("kind", ["text", "record", "image", "chat"])
@pytest.mark.parametrize(("screen", "scheme"), [((1280, 800), "light"), ((360, 740), "dark")])
def test_every_kind_of_row_fits_its_screen(visit, gallery, kind, screen, scheme):
    width, height = screen
    shown = visit(
        gallery[kind],
        f"{kind} {width}",
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    )
    for done in range(3):
        assert shown.tab.evaluate("document.documentElement.scrollWidth") <= width
        for choice in shown.tab.locator("#choices button").all():
            box = choice.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
        shown.press("1")
        shown.expect_count(f"{done + 1} of 3")
    shown.unharmed()


def test_every_field_has_a_name_and_the_focus_can_be_seen(visit, texts):
    shown = visit(texts, "mona")
    nameless = shown.tab.evaluate(
        """() => [...document.querySelectorAll("input, button, progress, [tabindex]")]
        .filter(one => one.checkVisibility())
        .filter(one => !(one.getAttribute("aria-label") || one.textContent.trim()
            || [...(one.labels || [])].length))
        .map(one => one.outerHTML)"""
    )
    assert nameless == []
    reached = set()
    for _ in range(14):
        shown.press("Tab")
        name, outline, shadow = shown.tab.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one);
            return [one.id || one.localName, style.outlineStyle, style.boxShadow]; }"""
        )
        reached.add(name)
        assert name == "body" or outline != "none" or shadow != "none", name
    assert {"who", "ask", "row", "skip", "undo"} <= reached


def contrast(first, second):
    """The contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_can_be_told_apart_in_both_schemes():
    import seatrial.web

    css = (Path(seatrial.web.__file__).parent / "static" / "review.css").read_text()
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    assert len(schemes) == 2
    for colours in schemes:
        for ground in ("paper", "raised"):
            for ink in ("ink", "soft", "right", "wrong", "accent"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        assert contrast(colours["mark"], colours["mark-wash"]) >= 4.5
        assert contrast(colours["ink"], colours["wash"]) >= 4.5
        assert contrast(colours["soft"], colours["wash"]) >= 4.5
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


# ---- hostile content ----


def as_kind(kind, text):
    if kind == "record":
        return {text: text, "plain": "x"}
    if kind == "chat":
        return [{"role": text[:300], "content": text}, {"role": "user", "content": {text: text}}]
    return text


@pytest.mark.parametrize("kind", ["text", "record", "chat", "image"])
def test_fault_S6_what_users_wrote_runs_nothing(visit, host_page, make_shared_folder, kind):
    """Every hostile text as input, output, label, tag and name; nothing of it is more than text."""
    task = "generation" if kind == "chat" else "classification"
    labels = HOSTILE[:6] if kind == "record" else CLASSES
    page = host_page(
        make_shared_folder(
            [as_kind(kind, text) for text in HOSTILE],
            HOSTILE,
            kind=kind,
            task=task,
            labels=tuple(labels),
        )
    )
    shown = visit(page, "<img src=x onerror=window.owned=1>")
    ours = shown.tab.evaluate("document.querySelectorAll('script, link, style, iframe').length")
    for place in range(len(HOSTILE)):
        if not place:
            shown.press("#")
            shown.type("<svg/onload=window.owned=1>")
            shown.press("Enter")
        shown.tab.locator("#content > *").first.wait_for()
        inside = shown.tab.evaluate(
            """[...document.querySelectorAll("#content *, #answered *, #last *, #choices *")]
            .flatMap(one => [one.localName, ...one.getAttributeNames()])"""
        )
        assert set(inside) <= ALLOWED, set(inside) - ALLOWED
        shown.press("1")
    shown.expect_count(f"{len(HOSTILE)} of {len(HOSTILE)}")
    api.expect(shown.tab.locator("#over")).to_be_visible()
    assert (
        shown.tab.evaluate("document.querySelectorAll('script, link, style, iframe').length")
        == ours
    )
    assert shown.tab.title() == "Review: sentiment"
    shown.unharmed()


ALLOWED = {
    *("div", "span", "p", "strong", "kbd", "button", "table", "tbody", "tr", "th", "td"),
    *("ol", "li", "figure", "figcaption", "img", "class", "dir", "title", "scope", "type"),
    *("alt", "src", "decoding", "aria-hidden"),
}
"""What the page makes of its own accord; nothing of it runs or leads anywhere."""


def test_fault_S6_what_cannot_be_seen_is_shown(visit, host_page, make_shared_folder):
    page = host_page(make_shared_folder(["pay\u202e99\u200b now\x00"], ["positive"]))
    shown = visit(page)
    assert shown.tab.locator(".hidden-run").all_inner_texts() == ["\\u202e", "\\u200b", "\\x00"]
    assert "\u202e" not in shown.content()


ATTEMPTS = """() => Promise.all([
  () => { document.body.innerHTML = "<img src=x onerror=window.owned=1>"; },
  () => { document.write("<script>window.owned=1</scr" + "ipt>"); },
  () => { eval("window.owned=1"); },
  () => { new Function("window.owned=1")(); },
  () => { setTimeout("window.owned=1"); },
  () => { document.body.appendChild(document.createElement("script")).text = "window.owned=1"; },
].map((attempt) => new Promise((done) => setTimeout(() => {
  // Later, and so as the page's own: what the test asks directly may do what the page may not.
  try { attempt(); done("ran"); } catch (error) { done("refused"); }
}))))"""


def test_fault_S6_the_page_could_not_run_it_even_if_it_tried(visit, texts):
    shown = visit(texts, "nora")
    outcomes = shown.tab.evaluate(ATTEMPTS)
    assert outcomes == ["refused"] * 6
    link = "Object.assign(document.createElement('a'), {href: 'javascript:window.owned=1'})"
    shown.tab.evaluate(f"() => {{ const one = {link}; document.body.append(one); one.click(); }}")
    assert shown.tab.evaluate("typeof window.owned") == "undefined"


# ---- other sites ----

ATTACK = """<!doctype html><title>prize</title>
<iframe id="frame" src="TARGET/review"></iframe>
<form id="form" method="post" action="TARGET/review/api/label" enctype="text/plain" target="sink">
<input name='{"id":"ID","row":0,"reviewer":"mallory","label":"negative","tags":["' value='"]}'>
</form>
<iframe name="sink" id="sink"></iframe>
<script src="TARGET/review/api/rows?reviewer=mallory"></script>
<script>
const order = JSON.stringify({id: "ID", row: 0, reviewer: "mallory", label: "negative"});
const url = "TARGET/review/api/label";
const json = {"Content-Type": "application/json"};
const token = {...json, Authorization: "Bearer TOKEN"};
const sent = {method: "POST", credentials: "include", body: order};
const tries = [
  () => fetch(url, {...sent, mode: "no-cors"}),
  () => fetch(url, {...sent, mode: "no-cors", headers: json}),
  () => fetch(url, {...sent, headers: json}),
  () => fetch(url, {...sent, headers: token}),
  () => fetch("TARGET/review/api/rows?reviewer=mallory", {credentials: "include"}),
  () => fetch("TARGET/review/api/rows?reviewer=mallory", {headers: token}),
  () => new Promise((done) => done(navigator.sendBeacon(url, order))),
];
document.getElementById("form").submit();
window.read = [];
(async () => {
  for (const attempt of tries) {
    try { const got = await attempt(); window.read.push(got && got.text ? await got.text() : ""); }
    catch (error) { window.read.push("refused"); }
  }
  document.title = "done";
})();
</script>
"""


@contextmanager
def other_site(body):
    """Serve one page on another port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("site", ["http://127.0.0.1", "http://localhost", "http://evil.example"])
def test_fault_S7_another_site_can_neither_label_nor_read(visit, texts, site):
    """A reviewer has the page open and visits a site that tries everything, even with the token."""
    reviewer = f"olga {site[-9:]}"
    shown = visit(texts, reviewer)
    row = texts.folder.rows()[0]
    body = (
        ATTACK.replace("TARGET", texts.origin).replace("ID", row.id).replace("TOKEN", texts.token)
    )
    with other_site(body) as port:
        tab = shown.context.new_page()
        tab.goto(f"{site}:{port}/")
        api.expect(tab).to_have_title("done", timeout=PATIENCE_MS)
        read = tab.evaluate("window.read")
        for frame in tab.frames[1:]:
            assert "Review" not in frame.title()
            assert frame.locator("#choices, #standing").count() == 0
    assert all("text" not in got for got in read), read
    assert "mallory" not in texts.folder.labels()
    shown.press("1")
    shown.expect_count("1 of 30")


def test_fault_S7_a_name_pointed_at_this_machine_gets_no_page(visit, texts):
    shown = visit(texts, "pia")
    tab = shown.context.new_page()
    for path in ("/review", "/review/static/review.js", "/review/api/question"):
        answer = tab.goto(f"http://evil.example:{texts.port}{path}")
        assert answer.status == 403
        assert "not called" in answer.json()["detail"]


@pytest.fixture
def admin_port(make_shared_folder):
    """The admin port as the keeper serves it: the admin API, and the review page beside it."""
    folder = make_shared_folder([f"text {place}" for place in range(5)], ["positive"] * 5)
    token, keyring, events = AdminToken(folder.path), Keyring(folder.path), Events(io.StringIO())
    token.make()
    app = Consoles(
        Admin(folder.path, token=token, keyring=keyring, status=dict, events=events),
        folder=folder.path,
        log_folder=folder.path,
        settings=settings.load(folder.path),
        doorman=Doorman(token.matches, keyring=keyring),
        events=events,
    )
    server = SmallServer(app, host="127.0.0.1", port=0)
    server.start()
    yield SimpleNamespace(folder=folder, origin=server.url, url=f"{server.url}/review")
    server.stop()


ADMIN_ATTACK = """<!doctype html><title>prize</title>
<form id="form" method="post" action="TARGET/admin/kill" enctype="text/plain" target="sink">
<input name='{"on":true,"reason":"' value='"}'></form><iframe name="sink"></iframe>
<script>
document.getElementById("form").submit();
const sent = {method: "POST", mode: "no-cors", credentials: "include", body: '{"on": true}'};
Promise.all(["kill", "drain", "reload"].map((order) => fetch("TARGET/admin/" + order, sent)))
  .then(() => { document.title = "done"; });
</script>
"""


def test_fault_S7_another_site_gives_no_orders_to_the_admin_port(visit, admin_port):
    """A reviewer signed in with a key; the browser that reviews cannot be made to kill."""
    _, secret = KeyFile(admin_port.folder.path).create(Terms(scopes=("review",)), now=SYSTEM.utc())
    shown = visit(admin_port, None)
    shown.tab.get_by_role("textbox", name="Name").fill("anna")
    shown.tab.get_by_label("Token").fill(secret)
    shown.press("Enter")
    shown.expect_count("0 of 5")
    with other_site(ADMIN_ATTACK.replace("TARGET", admin_port.origin)) as port:
        tab = shown.context.new_page()
        tab.goto(f"http://127.0.0.1:{port}/")
        api.expect(tab).to_have_title("done", timeout=PATIENCE_MS)
    assert Control(admin_port.folder.path).read().generation == 0
    shown.press("3")
    shown.expect_count("1 of 5")
    shown.unharmed()
