"""The checklist."""

from collections import Counter

from seatrial.core import plugins
from seatrial.trials.items import BY_ID, ITEMS


def test_there_are_24_items_in_six_odd_weeks():
    assert len(ITEMS) == len(BY_ID) == 24
    assert Counter(item.week for item in ITEMS) == dict.fromkeys((1, 3, 5, 7, 9, 11), 4)


def test_every_proof_belongs_to_an_item():
    assert set(plugins.proofs.names()) <= set(BY_ID)


def test_every_item_says_what_would_prove_it():
    for item in ITEMS:
        assert len(item.proven_by) > 20, item
