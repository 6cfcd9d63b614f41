"""The benchmark on real data: its model, its draws, and what the gap says of a small one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from seatrial.evidence.gap import GapDocument
from seatrial.gap.gap import measure_gap
from seatrial.records.tables import read_rows

FOLDER = Path(__file__).parents[1] / "benchmarks" / "sentiment"
ROWS = 400
MODULES = ("cases", "damage", "prepare", "sources", "tables", "worlds")


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, which lie beside each other and in no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def drawn(bench, real_data):
    """A few production rows."""
    prepare = bench["prepare"]
    return prepare.draw(prepare.sources(real_data), rows=ROWS, seed=prepare.SEED)


def test_production_is_the_stated_mixture(drawn):
    counts = Counter(row.source for row in drawn.rows)
    assert counts == {
        "sst2": 60,
        "tweets, English": 140,
        "tweets, other languages": 100,
        "adversarial, short": 60,
        "counterfactual, long": 40,
    }
    assert drawn.repeated == ()


def test_other_languages_hold_no_english(drawn):
    assert {
        row.language == "en" for row in drawn.rows if row.source == "tweets, other languages"
    } == {False}


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(bench, real_data):
    prepare = bench["prepare"]
    parts = prepare.sources(real_data)
    first, again, other = (prepare.draw(parts, rows=ROWS, seed=seed).rows for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_source_that_is_too_small_is_drawn_from_with_replacement_and_named(bench):
    prepare, row = bench["prepare"], bench["sources"].Row("good", 1, "en", "few")
    drawn = prepare.draw([prepare.Source("few", 1.0, [row])], rows=3, seed=0)
    assert drawn == prepare.Drawn([row] * 3, ("few",))


def test_the_full_model_is_as_good_as_stated_and_its_ledger_sums_exactly(bench, real_data, drawn):
    sources = bench["sources"]
    model = bench["prepare"].train(sources.rows_of(real_data, sources.SST2, "", split="train"))
    evals = sources.rows_of(real_data, sources.SST2, "", split="test")
    maker = bench["cases"].CaseMaker(model, [r.text for r in evals], [r.label for r in evals])
    texts, labels = [row.text for row in drawn.rows], [row.label for row in drawn.rows]
    document = measure_gap(maker.case(texts, labels))
    assert 0.80 <= document.eval.accuracy <= 0.82
    assert abs(sum(step.points for step in document.steps) - document.drop_points) < 1e-9


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_says_the_gap_of_the_folder_that_prepare_writes(bench, real_data, tmp_path):
    prepare = bench["prepare"]
    drawn = prepare.prepare(tmp_path, real_data, rows=ROWS)
    read = read_rows(tmp_path / "production.parquet", input="text", label="label")
    assert read.inputs == [row.text for row in drawn.rows]
    command = [sys.executable, "-m", "seatrial", "gap", str(tmp_path), "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, check=True)
    document = msgspec.json.decode(done.stdout, type=GapDocument)
    assert 0.80 <= document.eval.accuracy <= 0.82
    assert document.production.n == ROWS
    assert abs(sum(step.points for step in document.steps) - document.drop_points) < 1e-9
    assert {"language", "source", "length"} <= {one.by for one in document.slices}


def test_without_data_a_script_says_what_is_missing_and_fails_nothing():
    bare = {name: value for name, value in os.environ.items() if name != "SEATRIAL_DATA"}
    command = [sys.executable, str(FOLDER / "run.py")]
    done = subprocess.run(command, capture_output=True, check=False, env=bare, text=True)
    assert done.returncode == 0
    assert "SEATRIAL_DATA is not set" in done.stderr


@pytest.mark.parametrize("name", ["pasted_html", "lookalike_letters", "typos", "cut_short"])
def test_planted_damage_changes_a_text_and_follows_its_seed(bench, name):
    change, text = getattr(bench["damage"], name), "a wonderfully honest and touching picture"
    once, twice = (change(text, np.random.default_rng(3)) for _ in range(2))
    assert once == twice != text


def test_points_of_two_faults_are_shared_as_shapley_would(bench):
    values = {
        frozenset(): 80.0,
        frozenset({0}): 70.0,
        frozenset({1}): 76.0,
        frozenset({0, 1}): 60.0,
    }
    # 0 costs 10 alone and 16 after 1; 1 costs 4 alone and 10 after 0.
    assert bench["worlds"].shapley(values, 2) == [-13.0, -7.0]


def test_a_column_that_lost_cells_is_named_with_what_it_cost(bench):
    tables, worlds = bench["tables"], bench["worlds"]
    rng = np.random.default_rng(5)
    training, evals = tables.records(rng, 1_000), tables.records(rng, 1_000)
    model = tables.TableModel(training)
    maker = bench["cases"].CaseMaker(
        model, [row for row, _ in evals], [label for _, label in evals], kind="record"
    )
    found = worlds.measure(
        maker,
        model,
        evals,
        [worlds.Planted("column:months", 0.4, tables.scaled("months", 30.0))],
        eval_accuracy=worlds.accuracy(model, evals),
        seed=0,
    )
    _, low, high = found.steps["column:months"]
    assert found.truth["column:months"] < -3.0
    assert low <= found.truth["column:months"] <= high
    assert abs(found.remainder) <= 2.0
