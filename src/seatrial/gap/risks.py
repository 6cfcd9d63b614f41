"""What each factor puts at risk: the shift is tested, and the cost looked for, with labels or not.

With labels, rows that clearly have a factor are held against rows that do not, the other factors
and production's own level held; where rows were re-scored with the factor undone, what that won
back is the cost. Each end of an interval holds at 95 % for all factors together. (The ledger shares
out the whole drop and gives faint traces their part; here only rows that have a factor count, so
that none is named for what lies beside it.)

Without labels: a factor that can be undone is undone in some rows, and the answers that change
bound what it costs, whatever the labels are. A language that cannot be undone shows in how the
model behaves there: it answers nearly everything alike, or says itself that it is less sure. Domain
and length show in nothing of the kind that could be trusted; only labels tell their cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seatrial.evidence.documents import Evidence
from seatrial.evidence.gap import GapDocument
from seatrial.evidence.recorder import encodable
from seatrial.evidence.risks import Risk
from seatrial.gap.accuracy import EvalScores, ProductionScores
from seatrial.gap.asking import Asker
from seatrial.gap.case import GapCase, ProductionRows, outputs
from seatrial.gap.comparison import LEAST_ROWS, PRESENT, Effect, compared
from seatrial.gap.describing import Described
from seatrial.gap.material import Undone
from seatrial.gap.undoing import FIRST
from seatrial.stats.intervals import LEVEL, wilson
from seatrial.stats.scores import row_scores

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

KIND = "risks"

FACTORS = ("language", "domain", "length", "format", "tampering")
"""Looked at, where the describer knows them; columns of tables have steps of their own."""

UNDONE = 0.5
"""Part of the labelled rows with a factor in which it must have been undone, for what that won back
to be its cost."""

FLIP_ROWS = 200
"""Rows asked with the factor undone: a share of 5 % is then known to 3 points either way."""

BEHAVIOUR_ROWS = 50
"""Rows on either side below which nobody can say that the model behaves otherwise."""

COLLAPSED = 0.5
"""Part of the usual entropy of the answers below which they have collapsed: of two balanced
classes, one then takes nine answers in ten."""

LESS_SURE = 0.1
"""Mean confidence lost in rows of a language from which the model says itself that it is lost."""


def risks(
    case: GapCase,
    rows: ProductionRows,
    evals: EvalScores,
    scores: ProductionScores,
    described: Described,
    *,
    undone: Sequence[Undone] | None,
    rng: np.random.Generator,
) -> tuple[Risk, ...]:
    """Return what is known of each factor; nothing where inputs have none of them.

    Args:
        case: What is measured; without labels the model is asked again about some rows.
        rows: Production rows.
        evals: Scores of the eval rows.
        scores: Scores of the production rows.
        described: What the rows look like.
        undone: Factors that were undone in labelled rows; ``None`` where there are no labels.
        rng: Decides which rows are asked again.
    """
    names = [name for name in FACTORS if name in described.intensity]
    seen = scores.taken(described.rows)
    settled = _settled(undone or (), seen, described)
    effects = compared(names, evals, seen, described, settled=settled)
    found = []
    for name in names:
        shift = _shift(name, described, len(names))
        if name in settled:
            labelled = int(seen.labelled.sum())
            found.append(_by_undoing(shift, settled[name], labelled, len(names)))
        elif name in effects:
            found.append(_beside(shift, effects[name], len(names)))
        elif undone is None and name in FIRST:
            found.append(_by_flips(shift, case, rows, evals, described=described, rng=rng))
        elif undone is None and name == "language":
            found.append(_by_behaviour(shift, case, rows, scores, described))
        else:
            found.append(shift)
    return tuple(found)


def risk_evidence(gap: GapDocument) -> Evidence | None:
    """Return the risks of a gap as evidence to be judged; ``None`` where there are none."""
    if not gap.risks:
        return None
    rows = tuple(msgspec.structs.asdict(one) for one in gap.risks)
    return Evidence(
        kind=KIND,
        release=gap.release,
        machine=gap.machine,
        started=gap.started,
        duration_s=gap.duration_s,
        seed=gap.seed,
        tables={"factors": tuple(encodable(row) for row in rows)},
    )


def _shift(name: str, described: Described, factors: int) -> Risk:
    """Test whether the factor is stronger in production than on eval (Welch, one side)."""
    before, here, weights = described.before[name], described.intensity[name], described.weights
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    mean = float(np.average(here, weights=weights))
    spread = float(np.average(np.square(here - mean), weights=weights))
    error = np.sqrt(spread / max(effective - 1, 1) + before.var() / max(before.size - 1, 1))
    rise = mean - float(before.mean())
    p = float(stats.norm.sf(rise / error)) if error > 0 else float(rise <= 0)
    return Risk(
        factor=name,
        eval_share=float((before >= PRESENT).mean()),
        production_share=float(np.average(here >= PRESENT, weights=weights)),
        p=min(1.0, factors * p),
        n=int(here.size),
        why="only labels could tell what it costs",
    )


def _settled(
    undone: Sequence[Undone], seen: ProductionScores, described: Described
) -> dict[str, Undone]:
    """Return the factors that were undone in most of the labelled rows that have them."""
    found = {}
    for one in undone:
        having = (described.intensity[one.id] >= PRESENT) & seen.labelled
        if one.causal and one.rows >= max(LEAST_ROWS, UNDONE * having.sum()):
            found[one.id] = one
    return found


def _by_undoing(shift: Risk, one: Undone, labelled: int, factors: int) -> Risk:
    """Take what re-scoring won back, over all labelled rows."""
    share = min(1.0, one.rows / labelled)
    reach = float(stats.norm.isf((1 - LEVEL) / factors)) * one.gain_error
    return _with(
        shift,
        known_by="labels",
        points=-100.0 * share * one.gain,
        low=-100.0 * share * (one.gain + reach),
        high=-100.0 * share * (one.gain - reach),
        n=one.rows,
        why=f"re-scored with it undone: {100 * one.gain:+.1f} points in {one.rows:,} labelled rows",
    )


def _beside(shift: Risk, effect: Effect, factors: int) -> Risk:
    """Take the effect of having it times how much commoner the factor became."""
    rise = max(0.0, shift.production_share - shift.eval_share)
    reach = float(stats.norm.isf((1 - LEVEL) / factors)) * effect.error
    return _with(
        shift,
        known_by="labels",
        points=100.0 * rise * effect.effect,
        low=100.0 * rise * (effect.effect - reach),
        high=100.0 * rise * (effect.effect + reach),
        n=effect.n,
        why=f"{100 * effect.accuracy:.1f} % right in the {effect.n:,} labelled rows that have it, "
        f"{100 * effect.effect:+.1f} points beside like rows without",
    )


def _by_flips(
    shift: Risk,
    case: GapCase,
    rows: ProductionRows,
    evals: EvalScores,
    *,
    described: Described,
    rng: np.random.Generator,
) -> Risk:
    """Undo the factor and count the answers that change.

    Of answers that change, the undone one is right as often as on eval, ``a``, and the other one
    at best where it is wrong: the cost is ``share x flips x (2a - 1)``; never more than
    ``share x flips``, whatever the labels are.
    """
    asked = _asked_again(shift.factor, case, rows, described, rng)
    if asked is None:
        return shift
    changed, n = asked
    ends = wilson(changed, n, level=1 - (1 - LEVEL) / len(FACTORS))
    share, worth = shift.production_share, max(0.0, 2.0 * float(evals.reached.mean()) - 1.0)
    return _with(
        shift,
        known_by="flips",
        points=-100.0 * share * worth * changed / n,
        low=-100.0 * share * ends.high,
        high=-100.0 * share * worth * ends.low,
        flips=ends.low,
        n=n,
        why=f"{changed:.0f} of {n} answers to rows that have it change when it is undone",
    )


def _asked_again(
    name: str,
    case: GapCase,
    rows: ProductionRows,
    described: Described,
    rng: np.random.Generator,
) -> tuple[float, int] | None:
    if case.answer is None or case.describer is None:
        return None
    having = np.flatnonzero(described.intensity[name] >= PRESENT)
    chosen = np.sort(rng.permutation(having)[:FLIP_ROWS])
    given = [rows.inputs[int(described.rows[row])] for row in chosen]
    undone = case.describer.repair(name, given) if given else None
    if not undone:
        return None
    pairs = [pair for pair in zip(given, undone, strict=True) if pair[0] != pair[1]]
    if len(pairs) < UNDONE * len(given):  # the rest has it still, and nobody knows what it does
        return None
    ask = Asker(case.answer, budget=case.budget)
    before, after = ask([one for one, _ in pairs]), ask([other for _, other in pairs])
    n = min(len(before), len(after))
    if not n:
        return None
    same = row_scores(
        outputs(after[:n]), outputs(before[:n]), metric=case.metric, custom=case.score
    )
    return float((1.0 - np.nan_to_num(same, nan=1.0)).sum()), n


def _by_behaviour(
    shift: Risk,
    case: GapCase,
    rows: ProductionRows,
    scores: ProductionScores,
    described: Described,
) -> Risk:
    """Compare the answers to rows of other languages with those to all others, eval's included."""
    answers = [rows.answers[int(row)] for row in described.rows]
    has = described.intensity[shift.factor] >= PRESENT
    answered = scores.answered[described.rows] & np.array([one is not None for one in answers])
    there = [one for one, mine in zip(answers, has & answered, strict=True) if mine]
    others = [one for one, mine in zip(answers, ~has & answered, strict=True) if mine]
    others += [one for one in case.eval.original if one is not None]
    n = len(there)
    if min(n, len(others)) < BEHAVIOUR_ROWS:
        return _with(shift, n=n)
    if case.task == "classification":
        usual, here = _entropy(outputs(others)), _entropy(outputs(there))
        if usual > 0 and here <= COLLAPSED * usual:
            most, count = Counter(map(str, outputs(there))).most_common(1)[0]
            why = f"{count} of {n} answers to rows that have it are {most!r}: they have collapsed"
            return _with(shift, known_by="behaviour", otherwise=True, n=n, why=why)
    lost = _lost_confidence([a.confidence for a in others if a], [a.confidence for a in there if a])
    if lost is not None and lost >= LESS_SURE:
        why = f"the model is less sure of rows that have it, by {100 * lost:.0f} points at least"
        return _with(shift, known_by="behaviour", otherwise=True, n=n, why=why)
    return _with(shift, n=n)


def _entropy(answers: Sequence[Any]) -> float:
    counts = np.array(list(Counter(map(str, answers)).values()), dtype=float)
    return float(stats.entropy(counts))


def _lost_confidence(others: Sequence[float | None], there: Sequence[float | None]) -> float | None:
    """Return by how much the mean confidence is surely lower there; ``None`` without any."""
    usual = np.array([one for one in others if one is not None], dtype=float)
    here = np.array([one for one in there if one is not None], dtype=float)
    if min(usual.size, here.size) < BEHAVIOUR_ROWS:
        return None
    error = float(np.sqrt(usual.var() / usual.size + here.var() / here.size))
    sure = float(stats.norm.ppf(1 - (1 - LEVEL) / len(FACTORS)))
    return float(usual.mean() - here.mean()) - sure * error


def _with(risk: Risk, **changes: Any) -> Risk:
    found: Risk = msgspec.structs.replace(risk, **changes)
    return found
