import msgspec

from seatrial.evidence.gap import Unknown
from seatrial.report.ledger import ledger


def test_the_ledger_reads_from_eval_to_production(gap):
    lines = ledger(gap)
    assert [line.name for line in lines if line.total] == ["eval", "eval, as served", "production"]
    assert lines[0].figure == "81.3 %"
    assert lines[0].interval == "79.5 to 83.1"
    assert lines[-1].figure == "64.0 %"
    assert [line.name for line in lines[1:4]] == ["precision", "serving", "eval, as served"]


def test_every_step_is_there_with_its_kind(gap):
    steps = [line for line in ledger(gap) if not line.total]
    assert [(line.name, line.kind) for line in steps] == [(s.id, s.kind) for s in gap.steps]
    assert next(line for line in steps if line.name == "remainder").share == "9 %"


def test_an_unknown_production_is_unknown_and_says_why(unknown_gap):
    last = ledger(unknown_gap)[-1]
    assert (last.figure, last.interval) == ("unknown", "")
    assert last.why == "no production row has a label"


def test_a_sample_of_labels_says_of_how_many_rows(gap):
    production = msgspec.structs.replace(gap.production, n=200, rows=4000)
    last = ledger(msgspec.structs.replace(gap, production=production))[-1]
    assert last.why.startswith("n = 200, of 4,000 rows")


def test_a_factor_without_a_figure_stands_before_the_remainder_that_holds_it(gap):
    unknown = (Unknown(id="format", why="not asked for want of time"),)
    lines = ledger(msgspec.structs.replace(gap, unknown=unknown))
    assert [line.name for line in lines[-3:]] == ["format", "remainder", "production"]
    assert (lines[-3].figure, lines[-3].interval, lines[-3].share) == ("unknown", "", "")
    assert lines[-3].why == "not asked for want of time"
