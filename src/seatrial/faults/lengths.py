"""Makes texts shorter, keeping the gist, or longer by what says nothing."""

from __future__ import annotations

from seatrial.faults.corruption import Family, Rng
from seatrial.faults.letters import each

NEUTRAL = (
    "I read this on the train yesterday.",
    "The page has a table and two pictures.",
    "It was the second Tuesday of the month.",
    "There were about forty people in the room.",
    "He put the keys on the desk and sat down.",
    "The file has twelve columns.",
    "She asked what time it was.",
    "The road goes past the station and along the river.",
    "We met at the office at nine.",
    "This was written in reply to a question.",
    "The letter came in a brown envelope.",
    "They moved the meeting to the other building.",
    "He said that he would call later.",
    "The window looks out on the yard.",
    "It took two hours to get there.",
    "The box holds paper and some pens.",
)
"""Sentences that judge nothing and belong to no trade."""

PADDED_MAX = 10
"""Sentences added at severity 1: a page of which a line matters."""


def _head(text: str, severity: float, _: Rng) -> str:
    words = text.split(" ")
    return " ".join(words[: max(1, round((1.0 - severity) * len(words)))])


def _tail(text: str, severity: float, _: Rng) -> str:
    words = text.split(" ")
    return " ".join(words[-max(1, round((1.0 - severity) * len(words))) :])


def _middle_out(text: str, severity: float, _: Rng) -> str:
    words = text.split(" ")
    kept = max(2, round((1.0 - severity) * len(words)))
    return " ".join([*words[: kept // 2], "...", *words[len(words) - (kept - kept // 2) :]])


def _padded(text: str, severity: float, rng: Rng) -> str:
    some = [str(rng.choice(NEUTRAL)) for _ in range(max(1, round(PADDED_MAX * severity)))]
    some.insert(int(rng.integers(len(some) + 1)), text)
    return " ".join(some)


def _twice(text: str, severity: float, _: Rng) -> str:
    return " ".join([text] * (1 + max(1, round(3 * severity))))


CUT = Family(
    "cut",
    ("text",),
    {"head": each(_head), "tail": each(_tail), "middle-out": each(_middle_out)},
    severities=(0.3, 0.6, 0.9),
)

PADDING = Family("padding", ("text",), {"neutral": each(_padded), "repeated": each(_twice)})
