"""Slices count every request, by column and by what the inputs look like."""

import pytest

from seatrial.gap.gap import measure_gap


def found(document, by):
    return {one.value: one for one in document.slices if one.by == by}


def test_shares_and_accuracies_add_up(world, changed):
    case = world.case({"language": 0.3}, n=600)
    shops = ["a"] * 400 + ["b"] * 190 + ["c"] * 10
    document = measure_gap(changed(case, production={"columns": {"shop": shops}}))
    by_shop = found(document, "shop")
    assert set(by_shop) == {"a", "b"}
    assert by_shop["a"].share == pytest.approx(400 / 600)
    tongues = found(document, "language")
    assert set(tongues) == {"xx", "en"}
    total = sum(one.share * one.accuracy for one in tongues.values())
    assert total == pytest.approx(document.production.accuracy)
    assert tongues["xx"].accuracy < tongues["en"].accuracy
    assert all(one.low <= one.accuracy <= one.high for one in document.slices)


def test_a_factor_is_a_slice_where_some_row_has_it(world):
    document = measure_gap(world.case({"format": 0.3}, n=500))
    assert set(found(document, "format")) == {"yes", "no"}
    assert not found(document, "tampering")


def test_many_numbers_become_quarters(world, changed):
    case = world.case(n=800)
    column = [float(row) for row in range(799)] + [None]
    few = [row % 3 for row in range(800)]
    document = measure_gap(
        changed(case, production={"columns": {"age": list(range(800)), "few": few, "odd": column}})
    )
    assert [one.n for one in found(document, "age").values()] == [200] * 4
    assert set(found(document, "few")) == {"0", "1", "2"}


def test_what_was_not_answered_is_wrong_in_its_slice(world, changed):
    case = world.case(n=200)
    fate = ["failed"] * 100 + ["answered"] * 100
    document = measure_gap(
        changed(
            case,
            production={
                "fate": fate,
                "labels": [None] * 100 + list(case.production.labels[100:]),
                "columns": {"half": ["first"] * 100 + ["second"] * 100},
            },
        )
    )
    assert found(document, "half")["first"].accuracy == 0.0
    assert found(document, "half")["second"].accuracy > 0.7
