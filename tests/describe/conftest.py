"""One reference of real writing, described once for all tests of this package."""

import json
from pathlib import Path

import pytest

from seatrial.describe.describer import describer_for

TICKETS = Path(__file__).parents[2] / "examples" / "tickets"


def rows(name):
    text = (TICKETS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="session")
def reference():
    return [row["text"] for row in rows("eval")]


@pytest.fixture(scope="session")
def held_out():
    """Clean messages by the same writers that the reference does not hold."""
    return [row["text"] for row in rows("train")]


@pytest.fixture(scope="session")
def production():
    """Messages as users sent them: rows with text, language and form."""
    return rows("production")


@pytest.fixture(scope="session")
def tickets(reference):
    return describer_for("text", reference)


TOKENISED = [
    "the film is n't good , but it 's short",
    "a fine , warm and funny picture",
    "what 's the point of it all ?",
    "you 'll laugh , and you wo n't forget it",
    "the director ca n't decide , so the story drags",
    "an hour too long , and not half as clever",
]


@pytest.fixture(scope="session")
def tokenised():
    """A reference that was lower-cased and split into tokens, without full stops."""
    subjects = ["drama", "comedy", "western", "thriller", "musical", "sequel", "remake"]
    return [f"{text} , this {subject}" for text in TOKENISED for subject in subjects] * 6
