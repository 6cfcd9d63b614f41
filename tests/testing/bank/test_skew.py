"""The planted services are named through their URL, their healthy twins are not."""

import pytest

from seatrial.core.settings import parse
from seatrial.evidence.recorder import conditions
from seatrial.measure.skew import measure_skew
from seatrial.models.subject import subject_of
from seatrial.models.url import UrlSubject
from seatrial.testing.bank.skew import SERVING_SKEW, STYLES
from seatrial.testing.service import predict_route, serving
from seatrial.trials.failures.skew import judge_skew

SETTINGS = parse({"model": {"load": "model:load"}}, environment={})
SEEDS = range(2 * len(STYLES))


def judged(parameters, model):
    with serving(predict_route(model)) as url:
        service = UrlSubject.native(url)
        try:
            evidence = measure_skew(
                subject_of(SERVING_SKEW.notebook(parameters)),
                service,
                SERVING_SKEW.inputs(parameters),
                at=conditions("planted@0"),
            )
        finally:
            service.close()
    return judge_skew(evidence, SETTINGS), evidence


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_that_prepares_inputs_otherwise_is_named(seed):
    result, evidence = judged(*sides(SERVING_SKEW.sick, seed))
    assert result.id == "serving-skew"
    assert result.found is True
    assert "of 60 rows answer otherwise" in result.figure
    assert evidence.table("examples")


@pytest.mark.parametrize("seed", SEEDS)
def test_its_healthy_twin_raises_nothing(seed):
    result, _ = judged(*sides(SERVING_SKEW.healthy, seed))
    assert result.found is False
    assert result.figure == "60 rows answer the same in process and over HTTP"


def sides(twin, seed):
    parameters = SERVING_SKEW.draw(seed)
    return parameters, twin(parameters)


def test_neighbouring_seeds_go_through_all_styles():
    assert {SERVING_SKEW.draw(seed).style for seed in range(len(STYLES))} == set(STYLES)


@pytest.mark.parametrize(
    ("style", "cause"),
    [
        ("truncates", "cuts texts to"),
        ("lower-cases", "lower-cases texts"),
        ("reads UTF-8 as Latin-1", "reads UTF-8 as Latin-1"),
        ("drops None", "drops missing values"),
        ("float32", "reads numbers as float32"),
        ("locale", "loses the decimal point"),
    ],
)
def test_what_the_service_does_is_found_out(style, cause):
    result, _ = judged(*sides(SERVING_SKEW.sick, STYLES.index(style)))
    assert cause in result.figure
