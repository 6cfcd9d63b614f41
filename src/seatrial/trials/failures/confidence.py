"""confident-wrong, overconfidence, survivorship: what a model says of itself, held against labels.

The first is a matter of the *surest* answers, which nobody looks at twice; the second of confidence
as a whole; the third of the requests that got no answer, which an accuracy of answers leaves out.
"""

from __future__ import annotations

from seatrial.core.settings import Settings
from seatrial.evidence.documents import Evidence, Value
from seatrial.evidence.findings import FailureResult
from seatrial.trials.failures.result import result

EXCESS = 0.05
"""By how much confidence may exceed accuracy where the user set no ``calibration_error``."""

SURE_EXCESS = 0.1
"""The same among the surest answers: at a confidence of 0.95, three errors for one promised."""

FLATTERY_POINTS = 5.0
"""By how much the accuracy of answers may flatter where the user set no ``gap_points``."""

SURE_ROWS = 30
"""Sure answers below which it cannot be told how many of them are wrong."""

PLACES = ("production", "eval")
"""Where to look, what users get first."""


def judge_confident_wrong(evidence: Evidence, settings: Settings) -> FailureResult:  # noqa: ARG001  (the signature of every judge)
    """Say whether the surest answers are wrong far more often than they say."""
    name = "confident-wrong"
    for place in PLACES:
        known = _of(evidence, f"sure_accuracy_{place}")
        said = _of(evidence, f"sure_said_{place}")
        if known is None or said is None or (known.n or 0) < SURE_ROWS:
            continue
        promised, high = said.value or 0.0, known.high if known.high is not None else 1.0
        figure = (
            f"{place}: answers given with a mean confidence of {promised:.2f} are right in "
            f"{100 * (known.value or 0):.1f} % of cases ({100 * (known.low or 0):.1f} to "
            f"{100 * high:.1f}, n = {known.n})"
        )
        if high < promised - SURE_EXCESS:
            contained = (
                "a threshold cannot withhold these: gate the requests that they are answers to, or "
                "answer by the correctness model (seatrial gap)"
            )
            return result(name, evidence, found=True, figure=figure, contained_by=contained)
        return result(name, evidence, found=False, figure=figure)
    why = f"fewer than {SURE_ROWS} labelled answers are sure enough to be judged"
    return result(name, evidence, found=None, figure=why)


def judge_overconfidence(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether mean confidence surely exceeds accuracy by more than it may."""
    name = "overconfidence"
    limit = settings.budget.calibration_error
    limit = EXCESS if limit is None else limit
    known = [(place, _of(evidence, f"excess_{place}")) for place in PLACES]
    given = [(place, one) for place, one in known if one is not None]
    if not given:
        why = "no labelled answer came with a confidence"
        return result(name, evidence, found=None, figure=why)
    for place, one in given:
        if one.low is not None and one.low > limit:
            return result(
                name,
                evidence,
                found=True,
                figure=_excess(place, one),
                contained_by=_mended(evidence, place),
            )
    unsure = [(place, one) for place, one in given if one.high is None or one.high > 2 * limit]
    place, one = (unsure or given)[0]
    return result(name, evidence, found=None if unsure else False, figure=_excess(place, one))


def judge_survivorship(evidence: Evidence, settings: Settings) -> FailureResult:
    """Say whether accuracy among answers hides what users without an answer got."""
    name = "survivorship"
    share, right = _of(evidence, "answered_share"), _of(evidence, "accuracy_answered")
    everybody = _of(evidence, "correct_of_all")
    if share is None or right is None or everybody is None:
        why = "nobody knows how often production answers are right"
        return result(name, evidence, found=None, figure=why)
    limit = settings.budget.gap_points
    limit = FLATTERY_POINTS if limit is None else limit
    given, correct, all_of_them = (100 * (one.value or 0) for one in (share, right, everybody))
    figure = (
        f"{given:.1f} % of requests are answered, {correct:.1f} % of those right: "
        f"{all_of_them:.1f} % of all (n = {share.n})"
    )
    surely = 100.0 * (1.0 - (share.high or 1.0)) * (right.low or 0.0)
    if surely > limit:
        contained = "report correct of all requests; answer or route what is given up or fails"
        return result(name, evidence, found=True, figure=figure, contained_by=contained)
    return result(name, evidence, found=False, figure=figure)


def _of(evidence: Evidence, name: str) -> Value | None:
    return evidence.value(name) if evidence.has(name) else None


def _excess(place: str, one: Value) -> str:
    low, high = (f"{100 * (end or 0.0):+.1f}" for end in (one.low, one.high))
    return (
        f"{place}: mean confidence exceeds accuracy by {100 * (one.value or 0):+.1f} points "
        f"({low} to {high}, n = {one.n})"
    )


def _mended(evidence: Evidence, place: str) -> str:
    temperature = _of(evidence, f"temperature_{place}")
    if temperature is None:
        return "confidence calibrated on reviewed rows (seatrial gap shows the map)"
    return f"confidence calibrated on reviewed rows: a temperature of {temperature.value:.2f}"
