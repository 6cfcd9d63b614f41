"""Of many unlabelled rows some are described, and stand for the others."""

from dataclasses import replace

import numpy as np
import pytest

from seatrial.core.clock import TimeBudget
from seatrial.gap import describing
from seatrial.gap.accuracy import score_production
from seatrial.gap.describing import describe_rows
from seatrial.gap.gap import measure_gap


def test_all_labelled_rows_and_some_others(world, rng, monkeypatch):
    monkeypatch.setattr(describing, "MOST_ROWS", 100)
    case = world.case({"language": 0.3}, n=1000, n_eval=50, labelled=200)
    scores = score_production(case)
    found = describe_rows(case, case.production, scores, rng=rng)
    assert len(found.rows) == 300
    assert set(np.flatnonzero(scores.labelled)) <= set(found.rows)
    assert found.weights.sum() == pytest.approx(1000)
    document = measure_gap(case)
    shares = [one.share for one in document.slices if one.by == "language"]
    assert sum(shares) == pytest.approx(1.0)
    assert sum(step.points for step in document.steps) == pytest.approx(document.drop_points)


def test_without_a_describer_nothing_is_seen(world, rng):
    case = replace(world.case(n=50, n_eval=50), describer=None)
    assert describe_rows(case, case.production, score_production(case), rng=rng).blind
    document = measure_gap(case)
    assert [step.id for step in document.steps][-1] == "remainder"
    assert any("not described" in text for text in document.criticisms)


def test_a_spent_budget_is_admitted(world):
    class Late:
        def now_s(self):
            return 0.0

        def utc(self):
            raise NotImplementedError

    case = replace(world.case({"format": 0.5}, n=400), budget=TimeBudget(0.0, clock=Late()))
    document = measure_gap(case)
    assert any("time budget" in text for text in document.criticisms)
    assert sum(step.points for step in document.steps) == pytest.approx(document.drop_points)
