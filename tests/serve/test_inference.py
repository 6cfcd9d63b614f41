"""What the model answers is recorded and said, or neither; one answer spoils no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

ODD = '''
import datetime

class Model:
    """Some answers are of types that JSON does not know."""

    def predict(self, inputs):
        return [self.one(value) for value in inputs]

    def one(self, value):
        kinds = {
            "bytes": b"\\xff\\xfe",
            "date": datetime.date(2026, 1, 2),
            "complex": [1j],
            "set": {"a"},
            "large": 2**70,
            "surrogate": "\\ud800",
            "keys": {1: "one"},
        }
        return kinds.get(value, value)

def load():
    return Model()
'''


def test_whatever_a_model_answers_its_caller_is_told_and_others_are_not_disturbed(serve):
    """200 where JSON can say it, else an error of the model's; the record says the same."""
    server = serve("--workers", "1", model=ODD)
    odd = ["bytes", "date", "complex", "set", "large", "surrogate", "keys"]
    with ThreadPoolExecutor(14) as callers:
        asked = {value: callers.submit(server.predict, value) for value in odd}
        plain = [callers.submit(server.predict, f"text {n}") for n in range(7)]
        answers = {value: at.result() for value, at in asked.items()}
        assert [at.result().status for at in plain] == [200] * 7
    for value, answer in answers.items():
        assert answer.status in {200, 500}, value
        record = server.record_of(answer)
        assert record["status"] == ("answered" if answer.status == 200 else "failed"), value
