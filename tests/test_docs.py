"""What README and docs/ say is true: commands exist, links lead somewhere, examples run."""

import ast
import inspect
import json
import re
import runpy
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import seatrial
from seatrial.cli import main as command_line
from seatrial.records.tables import read_rows
from seatrial.report.figures import waterfall_data, waterfall_svg

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(
    path
    for folder in (".", "docs", "docs/own", "examples", "benchmarks")
    for path in (ROOT / folder).glob("*.md" if folder in {".", "docs", "docs/own"} else "*/*.md")
)
OWN = sorted((DOCS / "own").glob("*.md"))

LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", flags=re.M | re.S)
TARGET = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*(?: [a-z]+(?:-[a-z]+)*)*)")

TOLERANCE = 0.3
"""Points by which the picture's figures may differ from those measured now."""


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def blocks(path, language):
    found = BLOCK.finditer(path.read_text(encoding="utf-8"))
    return [block["text"] for block in found if block["info"].split()[:1] == [language]]


def commands(path, program):
    """Return the arguments of every call of a program in the shell blocks of a page."""
    lines = "\n".join(blocks(path, "sh")).splitlines()
    calls = [call for line in lines for call in line.partition("#")[0].split("&&")]
    words = [shlex.split(call) for call in calls]
    return [call[1:] for call in words if call[:1] == [program]]


@pytest.fixture(scope="module")
def pages():
    return runpy.run_path(str(ROOT / "tools" / "pages.py"))


@pytest.fixture(scope="module")
def picture():
    return runpy.run_path(str(ROOT / "tools" / "picture.py"))


def test_generated_pages_say_what_the_code_says(pages):
    assert pages["drifted"](DOCS) == [], "run: make docs"


def test_a_page_that_drifted_is_found(pages, tmp_path):
    for name in pages["EXECUTED"]:
        (tmp_path / name).write_text("```python run\nprint(1 + 1)\n```\n\n```text\n3\n```\n")
    assert set(pages["drifted"](tmp_path)) == {*pages["PAGES"], *pages["EXECUTED"]}
    pages["write"](tmp_path)
    assert pages["drifted"](tmp_path) == []
    assert (tmp_path / "gap.md").read_text().endswith("```text\n2\n```\n")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_somewhere(path):
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


def test_every_page_of_docs_can_be_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        text = path.read_text(encoding="utf-8")
        waiting += [(path.parent / target).resolve() for target in LINK.findall(text)]
    assert set(DOCS.rglob("*.md")) <= reached


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_seatrial_command_exists_with_its_options(path):
    context = click.Context(command_line, info_name="seatrial")
    for verb, *rest in commands(path, "seatrial"):
        command = command_line.get_command(context, verb)
        if isinstance(command, click.Group):
            command = command.get_command(context, rest[0])
        assert command is not None, verb
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_make_target_exists(path):
    text = path.read_text(encoding="utf-8")
    code = "\n".join([*blocks(path, "sh"), *re.findall(r"`([^`\n]+)`", text)])
    named = {target for found in TARGET.findall(code) for target in found.split()}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))


def test_make_knows_what_to_do_for_every_target_that_it_lists():
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = [line.split()[0] for line in listed.splitlines()]
    assert {"demo", "test", "check", "docs"} <= set(targets)
    subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, check=True)


def test_the_readme_calls_the_notebook_door_as_it_is():
    (text,) = blocks(README, "python")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    for call in calls:
        function = {"trial": seatrial.trial, "save": seatrial.NotebookTrial.save}[call.func.attr]
        bound = [None] * (len(call.args) + (call.func.attr == "save"))
        inspect.signature(function).bind(*bound, **{word.arg: None for word in call.keywords})


@pytest.mark.slow
def test_the_readme_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEATRIAL_TRIAL__TIME_BUDGET_S", "5")
    (text,) = blocks(README, "python")
    words = ["a good thing", "a poor thing"] * 20
    said = ["yes", "no"] * 20

    def model(texts):
        return ["yes" if "good" in one else "no" for one in texts]

    scope = {"model": model, "inputs": words, "labels": said, "sent": words, "said": said}
    exec(compile(text, "README.md", "exec"), scope)
    assert (tmp_path / "my-model" / "seatrial.toml").is_file()


def write_files(path, folder):
    for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
        name = re.search(r"file=(\S+)", block["info"])
        if name:
            (folder / name[1]).write_text(block["text"], encoding="utf-8")


def seatrial_command(*arguments):
    return CliRunner().invoke(command_line, [str(one) for one in arguments])


@pytest.fixture(scope="module", params=OWN, ids=lambda path: path.stem)
def own(request, tmp_path_factory):
    """A page's own model in a folder of its own, with the seatrial.toml that the page has."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    write_files(request.param, folder)
    told = commands(request.param, "seatrial")
    if not (folder / "seatrial.toml").exists():
        assert told == [["init", "my-model"], ["trial", "my-model"]]
        assert seatrial_command("init", folder).exit_code == 0
    else:
        assert told == [["trial", "my-model"]]
    return request.param.stem, folder


def test_there_is_a_page_for_every_kind_of_input():
    settings = (DOCS / "settings.md").read_text(encoding="utf-8")
    kinds = re.search(r"\| `input` \| ([a-z, ]+) \|", settings)[1].split(", ")
    assert [path.stem for path in OWN] == sorted(kinds)


def test_a_page_shows_a_model_of_its_kind_that_is_right_about_its_own_rows(own):
    kind, folder = own
    read = seatrial.core.settings.load(folder, environment={})
    assert read.model.input == kind
    rows = read_rows(folder / read.eval.data, input=read.eval.input, label=read.eval.label)
    model = runpy.run_path(str(folder / "model.py"))["load"]()
    answers = [one["output"] if isinstance(one, dict) else one for one in model(rows.inputs)]
    if read.model.task == "regression":
        assert answers == pytest.approx(rows.labels, abs=1.0)
    else:
        assert answers == rows.labels


def test_the_trial_of_a_page_runs(own):
    _, folder = own
    done = seatrial_command(
        *("trial", folder, "--only", "production-sample,batch-profile"),
        *("--time-budget", 5, "--json", "--quiet"),
    )
    assert done.exit_code in {0, 1}, done.output
    document = json.loads(done.stdout)
    items = {item["id"]: item for item in document["items"]}
    assert items["production-sample"]["status"] == "unmeasured"
    assert "failed" not in items["batch-profile"]["because"]
    assert done.exit_code == (1 if items["batch-profile"]["status"] == "fail" else 0)
    assert [failure["id"] for failure in document["failures"] if failure["found"]] in (
        [],
        ["row-loop"],
    )


def test_the_picture_is_drawn_from_the_data_beside_it(picture):
    kept = json.loads((DOCS / "gap.json").read_text(encoding="utf-8"))
    gap = picture["gap_of"](kept["gap"])
    assert waterfall_data(gap) == kept["waterfall"]
    assert waterfall_svg(gap) == (DOCS / "gap.svg").read_text(encoding="utf-8")
    assert sum(step.points for step in gap.steps) == pytest.approx(gap.drop_points, abs=1e-3)
    assert "docs/gap.svg" in README.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_picture_shows_what_the_demo_measures(picture):
    kept = json.loads((DOCS / "gap.json").read_text(encoding="utf-8"))["waterfall"]["bars"]
    now = picture["data_of"](picture["demo_gap"]())["waterfall"]["bars"]
    assert [(bar["label"], bar["kind"]) for bar in now] == [
        (bar["label"], bar["kind"]) for bar in kept
    ]
    for was, is_now in zip(kept, now, strict=True):
        assert is_now["end"] == pytest.approx(was["end"], abs=TOLERANCE), was["label"]
        if "points" in was:
            assert is_now["points"] == pytest.approx(was["points"], abs=TOLERANCE), was["label"]
