"""Rows that do not belong together are refused before anything is measured."""

from dataclasses import replace

import pytest

from seatrial.core.errors import DataError
from seatrial.gap.case import EvalRows, fate_codes, outputs
from seatrial.models.answers import Answer


def test_an_empty_eval_set_is_refused(world):
    with pytest.raises(DataError, match="0 rows"):
        replace(world.case(n=5, n_eval=5), eval=EvalRows([], [], []))


def test_each_list_has_one_value_per_input(world, changed):
    case = world.case(n=5, n_eval=5)
    with pytest.raises(DataError, match="eval labels: received 1 values for 5"):
        changed(case, evals={"labels": [1]})
    with pytest.raises(DataError, match="production fate: received 1 values for 5"):
        changed(case, production={"fate": ["answered"]})
    with pytest.raises(DataError, match="column 'shop'"):
        changed(case, production={"columns": {"shop": ["a"]}})


def test_fates_are_known_words():
    assert fate_codes(["answered", "failed", "abstained"], 3).tolist() == [0, 2, 1]
    assert fate_codes(None, 2).tolist() == [0, 0]
    with pytest.raises(DataError, match="'lost'"):
        fate_codes(["lost"], 1)


def test_an_absent_answer_is_an_absent_output():
    assert outputs([Answer(1), None]) == [1, None]
