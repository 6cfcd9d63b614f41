from seatrial.report.gravity import GRAVITY, gravity
from seatrial.trials.items import ITEMS


def test_nothing_is_in_two_tiers():
    names = [name for tier in GRAVITY for name in tier]
    assert len(names) == len(set(names))


def test_what_nobody_ranked_comes_last():
    assert gravity("an-item-of-a-plug-in") == len(GRAVITY)


def test_every_item_that_can_hurt_a_user_is_ranked():
    housekeeping = {"unit-cost", "unit-margin", "growth-plan", "production-sample", "data-quality",
                    "slo-alerts", "review-sample", "separate-metrics", "beta-program"}  # fmt: skip
    assert {item.id for item in ITEMS if gravity(item.id) == len(GRAVITY)} == housekeeping
