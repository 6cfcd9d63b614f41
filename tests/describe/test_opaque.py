"""Inputs that nothing can describe."""

import pytest

from seatrial.core.errors import UnknownNameError
from seatrial.describe.describer import describer_for, describer_from


@pytest.mark.parametrize("kind", ["image", "chat"])
def test_no_factor_is_named_and_the_reason_is_given(kind):
    describer = describer_for(kind, [object()])
    assert describer.factor_ids == ()
    assert describer.factors([object()]) == describer.describe([object()]) == {}
    assert "cannot be described" in describer.why
    assert describer_from(describer.to_document()).factors([1]) == {}


def test_there_is_nothing_to_undo():
    with pytest.raises(UnknownNameError, match="unknown factor 'format'; known: none"):
        describer_for("image", [1]).repair("format", [1])
