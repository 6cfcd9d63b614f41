"""The notebook door, opened with everything that people have in notebooks."""

import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import urllib.request

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import seatrial
from seatrial.core.errors import DataError, ModelRaisedError, UnknownNameError, UsageError

GOOD = re.compile(r"\bgood\b")
QUICK = {"trial": {"time_budget_s": 5}, "serving": {"workers": 1}}
COUNTED = "production-sample"
"""An item that needs the model and the rows, and no server."""

TEXTS = [f"{'good' if n % 3 else 'poor'} thing {n}" for n in range(60)]
LABELS = ["yes" if n % 3 else "no" for n in range(60)]


def clean(text):
    return text.lower()


def predict(texts):
    return [
        {"output": "yes" if GOOD.search(clean(text)) else "no", "confidence": 0.9} for text in texts
    ]


def first_column(rows):
    return [row[0] for row in rows]


def first_positive(rows):
    return np.where(rows[:, 0] > 0, 1, 0)


def tried(model=predict, inputs=TEXTS, labels=LABELS, **options):
    return seatrial.trial(model, inputs, labels, **{"only": COUNTED, "settings": QUICK, **options})


def frame():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(80, 2)), columns=["age", "height"])
    rows["city"] = rng.choice(["Oslo", "Rome"], 80)
    rows["old"] = np.where(rows["age"] > 0, "yes", "no")
    rows.loc[::5, "height"] = np.nan
    rows.loc[::7, "city"] = None
    return rows


def table_pipeline(rows):
    columns = make_column_transformer(
        (SimpleImputer(), ["age", "height"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
    )
    fitted = make_pipeline(columns, LogisticRegression())
    return fitted.fit(rows[["age", "height", "city"]], rows["old"])


def test_a_function_goes_with_what_it_refers_to_and_its_rows_are_counted():
    trial = tried(production=(TEXTS, [*LABELS[:20], *[None] * 40]))
    assert trial.items[COUNTED].figure == "60 rows, 20 with a label"
    assert trial.trial.release.startswith("notebook@")
    written = (trial.folder / "model.py").read_text()
    assert "def clean" in written
    assert "_re.compile" in written


def test_an_estimator_takes_a_data_frame_with_missing_values():
    rows = frame()
    trial = tried(table_pipeline(rows), rows, "old", production=rows.drop(columns="old").head(10))
    assert trial.items[COUNTED].figure == "10 rows, 0 with a label"


def test_a_function_takes_arrays():
    rows = np.random.default_rng(0).normal(size=(30, 3))
    trial = tried(first_positive, rows, (rows[:, 0] > 0).astype(int), production=rows)
    assert trial.items[COUNTED].figure == "30 rows, 0 with a label"


def test_production_labels_may_be_partial_and_the_gap_says_on_how_many_it_rests():
    given = [label if n % 2 else None for n, label in enumerate(LABELS)]
    trial = tried(
        production=[text.replace("good", "fine") for text in TEXTS],
        production_labels=given,
        slices={"third": [n % 3 for n in range(60)]},
        only="production-evaluation",
    )
    production = trial.gap.production
    assert (trial.gap.eval.accuracy, production.state, production.n) == (1.0, "measured", 30)
    assert production.accuracy == pytest.approx(1 / 3, abs=0.05)
    assert sum(step.points for step in trial.gap.steps) == pytest.approx(trial.gap.drop_points)
    assert {one.value for one in trial.gap.slices if one.by == "third"} <= {"0", "1", "2"}
    assert trial.waterfall._repr_html_().startswith("<svg")


def test_a_regression_is_right_within_a_tolerance_and_unknown_without_labels():
    rows = np.random.default_rng(0).normal(size=(60, 2))
    labels = rows[:, 0] + np.where(np.arange(60) < 45, 0.0, 9.0)
    trial = tried(
        first_column,
        rows,
        labels,
        metric="within:0.5",
        production=rows,
        only=["production-evaluation"],
    )
    assert trial.gap.metric == "within:0.5"
    assert trial.gap.eval.accuracy == 0.75
    assert (trial.gap.production.state, trial.gap.steps) == ("unknown", None)
    assert "none of 60 production rows has a label" in trial.items["production-evaluation"].because


def test_it_works_inside_a_running_event_loop():
    async def cell():
        return tried(only="end-to-end-latency")

    trial = asyncio.run(cell())
    assert trial.evidence[0].kind == "latency"
    assert trial.evidence[0].table("rates")


def test_it_shows_its_report_and_says_what_to_type_next():
    trial = tried()
    shown = trial._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/html"].startswith("<iframe")
    assert '.save("notebook"), then in a terminal: seatrial serve notebook' in repr(trial)
    assert str(trial.folder) not in repr(trial)


def test_the_temporary_folder_goes_with_the_object():
    trial = tried()
    folder = trial.folder
    assert (folder / "seatrial.toml").is_file()
    del trial
    gc.collect()
    assert not folder.exists()


def test_nothing_is_left_behind_by_a_trial_that_fails(tmp_path, monkeypatch):
    def broken(texts):
        raise ValueError(f"cannot read {len(texts)}")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ModelRaisedError, match="cannot read"):
        tried(broken)
    with pytest.raises(DataError):
        tried(labels=LABELS[1:])
    with pytest.raises(UnknownNameError):
        tried(only="batch-profil")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_folder_says_how_to_serve_it_and_is_not_written_over(tmp_path):
    trial = tried()
    saved = trial.save(tmp_path / "kept")
    report = (saved / ".seatrial" / "report.html").read_text(encoding="utf-8")
    assert f"seatrial serve {saved}" in report
    assert str(trial.folder) not in report
    with pytest.raises(UsageError, match="replace=True"):
        trial.save(saved)
    (saved / ".seatrial" / "log").mkdir()
    assert trial.save(saved, replace=True) == saved
    assert (saved / ".seatrial" / "log").is_dir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        trial.save(tmp_path / "mine", replace=True)


def test_a_named_folder_is_kept_and_may_be_written_again(tmp_path):
    place = tmp_path / "words"
    for _ in range(2):
        trial = tried(folder=place, name="words")
    assert trial.trial.next == f"seatrial serve {place}"
    assert trial.save(place) == place
    del trial
    gc.collect()
    assert (place / "seatrial.toml").is_file()


@pytest.mark.slow
def test_the_command_line_takes_the_saved_folder(tmp_path):
    saved = tried(production=(TEXTS, LABELS)).save(tmp_path / "words")
    command = [sys.executable, "-m", "seatrial"]
    gap = subprocess.run(
        [*command, "gap", saved, "--json"], capture_output=True, check=True, timeout=120
    )
    assert json.loads(gap.stdout)["production"]["accuracy"] == 1.0
    with subprocess.Popen(
        [*command, "serve", saved, "--port", "0", "--json"], stdout=subprocess.PIPE
    ) as server:
        try:
            url = json.loads(server.stdout.readline())["url"]
            request = urllib.request.Request(
                f"{url}/predict",
                b'{"inputs": ["a good thing"]}',
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert json.load(answer)["results"][0]["output"] == "yes"
        finally:
            server.terminate()


SLOW = """
    import os, time
    import seatrial


    def predict(texts):
        import time

        time.sleep(0.05)
        return ["yes"] * len(texts)


    class Told:
        def stage(self, sentence):
            print(sentence, flush=True)

        def note(self, sentence):
            pass


    try:
        seatrial.trial(
            predict, ["a", "b"] * 30, ["yes", "no"] * 30, only="end-to-end-latency", progress=Told()
        )
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_an_interrupt_ends_all_that_was_started(tmp_path):
    (tmp_path / "cells.py").write_text(textwrap.dedent(SLOW))
    with subprocess.Popen(
        [sys.executable, "cells.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    ) as python:
        said = iter(python.stdout.readline, "")
        assert any(line.startswith("measuring latency") for line in said)
        while len(started := psutil.Process(python.pid).children(recursive=True)) < 3:
            assert python.poll() is None
        python.send_signal(signal.SIGINT)
        assert "interrupted\n" in list(said)
        assert python.wait(60) == 0
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
    assert [path.name for path in tmp_path.iterdir()] == ["cells.py"]
