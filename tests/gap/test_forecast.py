"""What undoing changes without labels: nothing where the answer stays, else a forecast."""

from dataclasses import dataclass

import numpy as np
import pytest

from seatrial.gap.asking import Asker
from seatrial.gap.changes import Changes
from seatrial.gap.forecast import GAIN_SD, LEAST_ROWS, Forecast, forecast
from seatrial.gap.sureness import Sureness
from seatrial.models.answers import Answer

ROWS = 600


@dataclass
class Halves:
    """Every second row has a factor; undoing it changes the answer of every fourth."""

    draws = 1

    @property
    def masks(self):
        return np.arange(ROWS) % 2

    def undo(self, rows, pattern, draw):
        return [(int(row), pattern) for row in rows]


def answers(inputs):
    return [Answer("a" if pattern and row % 4 == 1 else "b", 0.8) for row, pattern in inputs]


SURE = Sureness.fit([Answer("ab"[n % 2], 0.8) for n in range(500)], np.repeat([1, 0], [400, 100]))


def foretold(*, answer=answers, limit=10**6, scores=None):
    labelled = np.arange(100)
    right = np.repeat([1.0, 0.0], [80, 20]) if scores is None else scores
    rng = np.random.default_rng(3)
    return forecast(
        Halves(), (0, 1), labelled, right, sureness=SURE, ask=Asker(answer), limit=limit, rng=rng
    )


def test_an_answer_that_stays_changes_no_score():
    found = foretold()
    stays = np.arange(ROWS) % 4 != 1
    assert (found.gain[stays] == 0).all()
    assert (found.noise[stays] == 0).all()
    assert (found.changed[~stays, 1] == 1).all()
    assert (found.gain[:, 0] == 0).all()


def test_one_that_changes_gains_what_both_answers_are_worth():
    found = foretold()
    assert found.gain[1, 1] == pytest.approx(0.8 - 0.2, abs=0.06)
    assert found.noise[1, 1] == pytest.approx(1 - found.gain[1, 1] ** 2)


def test_labels_that_say_otherwise_lower_it():
    assert foretold(scores=np.zeros(100)).gain[1, 1] < foretold().gain[1, 1] - 0.1


def test_rows_beyond_the_limit_are_not_known():
    found = foretold(limit=500)
    asked = (np.arange(ROWS) % 2 == 1) & found.known
    assert 0 < asked.sum() <= 250
    assert found.known[::2].all()
    assert found.known[1:100:2].all()


def test_rows_that_the_model_fails_on_are_not_known():
    def failing(inputs):
        return [
            None if row % 8 == 1 else one
            for (row, _), one in zip(inputs, answers(inputs), strict=True)
        ]

    found = foretold(answer=failing)
    assert not found.known[1::8].any()
    assert found.known[3::8].all()


def test_too_few_unlabelled_rows_are_of_no_use():
    labelled = np.arange(ROWS - LEAST_ROWS + 1)
    found = forecast(
        Halves(), (0, 1), labelled, np.ones(labelled.size), sureness=SURE, ask=Asker(answers),
        limit=10**6, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found is None


def changes(rest, *, rows=4000, share=0.2, gain=0.5):
    """A fifth of the rows change; the labelled ones say how far the forecast is off."""
    hit = np.arange(rows) < share * rows
    foreseen = np.stack([np.zeros(rows), np.where(hit, gain, 0.0)], axis=1)
    labelled = np.linspace(0, rows - 1, len(rest)).astype(int)
    actual = foreseen[labelled] + np.stack([np.zeros(len(rest)), rest], axis=1)
    found = Changes.of(
        Forecast(foreseen, np.stack([np.zeros(rows), hit], axis=1), np.ones(rows, dtype=bool)),
        actual,
        np.ones((rows, 2)),
        views=[0, 1],
        worlds=(0, 1),
        labelled=labelled,
        post=np.full(len(rest), 1 / len(rest)),
        production=np.ones(rows),
    )
    return found, found.mean(np.full(len(rest), 1 / len(rest)), np.ones(rows))


def test_a_forecast_that_labels_confirm_stands():
    found, mean = changes(np.zeros(200))
    assert mean == pytest.approx([0.0, 0.1])
    assert found.trust[0] == 1.0


def test_few_labels_move_it_a_little_and_many_decide():
    _, few = changes(np.full(40, -0.05))
    _, many = changes(np.full(4000, -0.05))
    assert 0.05 < few[1] < 0.1
    assert many[1] == pytest.approx(0.05, abs=1e-9)


def test_what_is_left_unknown_is_said():
    found, _ = changes(np.zeros(40))
    assert found.error[0, 0] == 0
    assert 0.3 * GAIN_SD * 0.2 < found.error[0, 1] < GAIN_SD * 0.2 * 1.01
    assert changes(np.zeros(4000))[0].error[0, 1] == pytest.approx(0.0, abs=1e-9)
