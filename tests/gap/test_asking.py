"""A row that the model cannot answer takes no other row with it."""

from seatrial.core.clock import TimeBudget
from seatrial.core.errors import ModelRaisedError
from seatrial.gap.asking import BATCH, Asker
from seatrial.models.answers import Answer


def picky(inputs):
    if 13 in inputs:
        raise ModelRaisedError("the model raised ValueError: 13")
    return [Answer(value) for value in inputs]


def test_only_the_row_that_fails_is_lost():
    answers = Asker(picky)(range(40))
    assert [row for row, answer in enumerate(answers) if answer is None] == [13]
    assert answers[14].output == 14


def test_batches_are_bounded():
    sizes = []

    def count(inputs):
        sizes.append(len(inputs))
        return [Answer(0)] * len(inputs)

    ask = Asker(count)
    ask(range(BATCH + 1))
    assert (sizes, ask.asked) == ([BATCH, 1], BATCH + 1)


def test_a_spent_budget_ends_it():
    class Clock:
        def __init__(self):
            self.time = 0.0

        def now_s(self):
            self.time += 1.0
            return self.time

        def utc(self):
            raise NotImplementedError

    ask = Asker(picky, budget=TimeBudget(1.5, clock=Clock()))
    answers = ask([0] * (3 * BATCH))
    assert 0 < len(answers) < 3 * BATCH
    assert ask.cut
