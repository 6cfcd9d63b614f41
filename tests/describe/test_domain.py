"""Distance to the reference."""

import json

import numpy as np
import pytest

from seatrial.describe.domain import Domain
from seatrial.describe.vocabulary import Vocabulary

ELSEWHERE = [
    "The treaty obliges both parliaments to ratify the amended protocol within a decade.",
    "Photosynthesis converts carbon dioxide and sunlight into glucose inside chloroplasts.",
    "Cardinals elected another pontiff beneath frescoes after several inconclusive conclaves.",
    "Gradient descent minimises the loss by following its steepest direction downwards.",
]


@pytest.fixture(scope="module")
def domain(reference):
    return Domain.fit(reference, Vocabulary.fit(reference))


def test_texts_of_another_domain_lie_far_away(domain, held_out):
    far = domain.distances(ELSEWHERE)
    assert far.min() > np.quantile(domain.distances(held_out), 0.95)
    assert np.median(domain.intensity(far)) >= 0.5


def test_texts_of_the_same_domain_are_rarely_called_far(domain, held_out):
    assert (domain.intensity(domain.distances(held_out)) >= 0.5).mean() < 0.03


def test_a_text_of_the_reference_is_measured_against_the_other_ones(domain, reference, held_out):
    ours = domain.intensity(domain.distances(reference))
    others = domain.intensity(domain.distances(held_out))
    assert ours.mean() == pytest.approx(others.mean(), abs=0.03)
    assert (ours >= 0.5).mean() == pytest.approx(0.02, abs=0.005)


def test_a_text_is_measured_alone_as_in_company(domain, held_out):
    together = domain.distances(held_out[:130])
    alone = [domain.distances([text])[0] for text in held_out[:130]]
    assert together.tolist() == alone


def test_positions_are_quantiles_of_the_reference(domain):
    found = domain.positions(np.array([-100.0, float(domain.quantiles[50]), 100.0]))
    assert found[0] == 0.0
    assert found[1] == pytest.approx(0.5, abs=0.02)
    assert found[2] == 1.0


def test_a_text_without_words_is_not_far(domain):
    assert domain.distances(["", "123 !"]).tolist() == [0.0, 0.0]


def test_a_tiny_reference_calls_nothing_far():
    tiny = Domain.fit(["one", "two"], Vocabulary.fit(["one", "two"]))
    assert tiny.intensity(tiny.distances(ELSEWHERE)).tolist() == [0.0] * 4


def test_identical_reference_texts_are_no_trouble():
    same = Domain.fit(["the same words"] * 30, Vocabulary.fit(["the same words"] * 30))
    found = same.intensity(same.distances(["the same words", ELSEWHERE[0]]))
    assert found[0] == 0.0
    assert found[1] > 0.9


def test_what_was_frozen_gives_equal_numbers(domain, held_out):
    document = json.loads(json.dumps(domain.to_document()))
    again = Domain.from_document(document, domain.vocabulary)
    assert np.array_equal(domain.distances(held_out), again.distances(held_out))


def test_measuring_needs_no_sklearn(domain):
    import subprocess
    import sys

    code = (
        "import sys, seatrial.describe.text, seatrial.describe.table; "
        "sys.exit('sklearn' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
