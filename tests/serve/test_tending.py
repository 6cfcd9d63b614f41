from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.core.settings import LogSettings, ModelSettings, ReviewSettings, Settings
from seatrial.records.log import LogWriter
from seatrial.records.places import Places
from seatrial.records.query import Log
from seatrial.records.record import Record
from seatrial.records.reviewing import ReviewSample
from seatrial.records.sealing import Sealing, seal
from seatrial.serve.events import Events
from seatrial.serve.tending import BEHIND_MAX, EVERY_S, MARK, Tending, tend
from seatrial.testing.clock import ManualClock

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MODEL = ModelSettings(adapter="load", location="m:m")


@pytest.fixture
def settings():
    return Settings(
        model=MODEL,
        log=LogSettings(keep_inputs_days=7, keep_rows_days=30),
        review=ReviewSettings(first_share=1.0),
    )


@pytest.fixture
def folder(tmp_path):
    for age in (40, 10, 2, 2):
        time = NOW - timedelta(days=age)
        with LogWriter(tmp_path, clock=ManualClock(start=time)) as writer:
            writer.append(
                [
                    Record(
                        id=f"{age}-{n}",
                        time=time,
                        origin="user",
                        release="m@1",
                        status="answered",
                        input="x",
                        output="y",
                    )
                    for n in range(2)
                ]
            )
        seal(tmp_path)
    return tmp_path


def told(said: io.StringIO) -> dict[str, object]:
    found: dict[str, object] = {}
    for line in said.getvalue().splitlines():
        found.update(json.loads(line))
    return found


def test_what_was_sealed_is_drawn_for_review_by_the_settings(folder, settings) -> None:
    said = io.StringIO()
    tend(folder, settings, events=Events(said), due=False, clock=ManualClock(start=NOW))
    with ReviewSample(folder) as sample:
        assert len(sample.rows()) == 8
    assert told(said)["drawn_for_review"] == 8
    assert Log(folder).summary().total.rows == 8


def test_what_is_due_is_let_go_and_small_files_are_put_together(folder, settings) -> None:
    said = io.StringIO()
    tend(folder, settings, events=Events(said), due=True, clock=ManualClock(start=NOW))
    found = told(said)
    assert found["rows_let_go"] == 2
    assert found["inputs_forgotten"] == 2
    assert found["files_put_together"] == 2
    assert "problems" not in found
    assert Log(folder).summary().total.rows == 6
    assert (Places.of(folder).root / MARK).exists()


def test_what_cannot_be_done_is_said_and_the_rest_is_done(folder, settings) -> None:
    review = Places.of(folder).review
    review.parent.parent.mkdir(exist_ok=True)
    review.parent.write_text("in the way")
    said = io.StringIO()
    tend(folder, settings, events=Events(said), due=True, clock=ManualClock(start=NOW))
    assert "cannot be written" in said.getvalue()
    assert told(said)["rows_let_go"] == 2


def test_a_quiet_log_is_tended_by_nobody(tmp_path) -> None:
    tending = Tending(tmp_path, clock=ManualClock(start=NOW))
    assert not tending._due(tended=False)
    tending.after(Sealing())
    assert not list(tmp_path.iterdir())


def test_it_is_due_after_the_first_sealing_and_then_once_an_hour(tmp_path) -> None:
    clock = ManualClock(start=NOW)
    tending = Tending(tmp_path, clock=clock)
    assert tending._due(tended=True)
    clock.advance(EVERY_S - 1)
    assert not tending._due(tended=True)
    clock.advance(2)
    assert tending._due(tended=False)


def test_a_server_that_starts_anew_does_not_tend_what_was_tended_just_now(tmp_path) -> None:
    mark = Places.of(tmp_path).root / MARK
    mark.parent.mkdir(parents=True)
    mark.touch()
    assert not Tending(tmp_path)._due(tended=True)


def test_a_process_of_its_own_does_it(folder, settings) -> None:
    (folder / "seatrial.toml").write_text(
        '[model]\nload = "m:m"\n[review]\nfirst_share = 1.0\n[log]\nkeep_rows_days = 1\n'
    )
    with Tending(folder) as tending:
        tending.after(Sealing(segments=1))
        assert tending._running is None
        tending.after(Sealing())
        assert tending._running is not None
        tending._running.process.wait(60)
        tending.after(Sealing())
        assert tending._running is None
    assert (Places.of(folder).root / MARK).exists()
    with ReviewSample(folder) as sample:
        assert sample.progress().rows == Log(folder).summary().total.rows


def test_it_does_not_outlive_who_asked_for_it(folder) -> None:
    (folder / "seatrial.toml").write_text('[model]\nload = "m:m"\n')
    with Tending(folder) as tending:
        for _ in range(BEHIND_MAX):
            assert tending._running is None
            tending.after(Sealing(segments=1))
        assert tending._running is not None
        process = tending._running.process
    assert process.returncode is not None
