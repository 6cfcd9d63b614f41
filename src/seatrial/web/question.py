"""What reviewers are asked about each row of one project, and which answers are labels."""

from __future__ import annotations

import string
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from seatrial.core.errors import InputError, SeatrialError, nearest
from seatrial.core.settings import InputKind, Settings, Task
from seatrial.records.tables import read_rows
from seatrial.stats.scores import missing
from seatrial.web.runs import FORMLESS, JOINERS, LAYOUT
from seatrial.web.shown import plain

Mode = Literal["choices", "typed", "number", "judged"]
"""A key for each class; a class typed with completion; a number; right, or what would have been."""

CHOICES_MAX = 10
"""As many as there are digits."""

DIGITS = "1234567890"

TAGS = ("wrong language", "made-up number", "incomplete", "cannot be told")
"""Offered with a key each; others are typed. What accuracy does not say, but people see."""

NAME_MAX = 40
TAG_MAX = 60
TAGS_MAX = 12
LABEL_MAX = 4_000
"""Longest name, tag and label, in characters; most tags of a row."""

TAG_SEPARATOR = ";"

UNKNOWN_RIGHT = ""
"""The label where an answer is wrong and nobody knows what would have been right."""


class Question(Struct, frozen=True, kw_only=True):
    """What the page asks.

    Attributes:
        name: Of the model.
        kind: What an input is.
        mode: How a label is given.
        ask: The question, in words.
        classes: Known labels; empty where they are numbers or free text.
        names: Of the classes, as shown.
        keys: One per class where ``mode`` is ``choices``.
        tags: Offered ones.
    """

    name: str
    kind: InputKind
    task: Task
    mode: Mode
    ask: str
    classes: list[Any] = []
    names: list[str] = []
    keys: list[str] = []
    tags: tuple[str, ...] = TAGS


ASKS: dict[Mode, str] = {
    "choices": "What is the right answer?",
    "typed": "What is the right answer?",
    "number": "What is the right number?",
    "judged": "Is the answer right?",
}


def question(
    settings: Settings, folder: Path, *, outputs: Iterable[Any] = (), labels: Iterable[Any] = ()
) -> Question:
    """Return what is asked about the rows of a folder.

    Args:
        settings: Of the folder.
        folder: The project folder.
        outputs: Answers of the model, for classes where the eval set cannot be read.
        labels: Given already; new classes among them are known from now on.
    """
    task = settings.model.task
    classes = _classes(settings, folder, outputs, labels) if task == "classification" else []
    mode = _mode(task, classes)
    return Question(
        name=settings.model.name,
        kind=settings.model.input,
        task=task,
        mode=mode,
        ask=ASKS[mode],
        classes=classes,
        names=[plain(value) for value in classes],
        keys=keys_of(classes) if mode == "choices" else [],
    )


def _mode(task: Task, classes: Sequence[Any]) -> Mode:
    if task == "regression":
        return "number"
    if task == "generation":
        return "judged"
    return "choices" if 0 < len(classes) <= CHOICES_MAX else "typed"


def _classes(
    settings: Settings, folder: Path, outputs: Iterable[Any], labels: Iterable[Any]
) -> list[Any]:
    column = settings.eval.label
    try:
        known = read_rows(folder / settings.eval.data, input=column).inputs
    except SeatrialError:
        known = []
    found = [value for value in known if not missing(value)] or list(outputs)
    unique = {plain(value): value for value in [*labels, *found] if _is_class(value)}
    return sorted(unique.values(), key=lambda value: (family(value), _order(value)))


def _is_class(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float)) and not missing(value)


def _order(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def keys_of(classes: Sequence[Any]) -> list[str]:
    """Return the key of each class: its own digit where classes are digits, else its place.

    >>> keys_of([0, 1]), keys_of(["no", "yes"])
    (['0', '1'], ['1', '2'])
    """
    own = [plain(value) for value in classes]
    if all(len(name) == 1 and name in string.digits for name in own):
        return own
    return list(DIGITS[: len(classes)])


def family(value: Any) -> str:
    """Return what a label is compared as; labels of two families are never equal.

    >>> family(1), family(1.5), family(True), family("1")
    ('number', 'number', 'truth value', 'text')
    """
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def checked_label(asked: Question, label: Any, *, new: bool) -> Any:
    """Return a label as it is written down.

    Args:
        asked: What the reviewer was asked.
        label: What came.
        new: Whether a class that is not known was given on purpose.

    Raises:
        InputError: It is no answer to the question.
    """
    if asked.mode == "number":
        return _number(label)
    for known in asked.classes:
        if family(known) == family(label) and known == label:
            return known
    if isinstance(label, str):
        judged = asked.mode == "judged"
        label = checked_text(label, what="label", longest=LABEL_MAX, empty=judged, lines=judged)
    return label if asked.mode == "judged" else _unknown_class(asked, label, new=new)


def _number(label: Any) -> float | int:
    if family(label) != "number" or not abs(label) <= sys.float_info.max:
        raise InputError(
            f"the label is {plain(label)[:40]}; accepted is a finite number.",
            hint="Write it like 12.5 or 3e4.",
        )
    number: float | int = label
    return number


def _unknown_class(asked: Question, label: Any, *, new: bool) -> Any:
    families = sorted({family(value) for value in asked.classes})
    if not _is_class(label) or (families and family(label) not in families):
        raise InputError(
            f"the label {plain(label)[:40]!r} is a {family(label)}; "
            f"accepted is a {' or a '.join(families) or 'text or number'}.",
            hint="Labels are of the type of the model's answers.",
        )
    if not new and asked.classes:
        more = ", …" if len(asked.names) > CHOICES_MAX else ""
        raise InputError(
            f"the label {plain(label)[:40]!r} is none of the {len(asked.classes)} known ones: "
            f"{', '.join(asked.names[:CHOICES_MAX])}{more}.",
            hint=nearest(plain(label), asked.names) or "Say that it is new, if it is.",
        )
    return label


def checked_text(
    text: str, *, what: str, longest: int, empty: bool = False, lines: bool = False
) -> str:
    r"""Return a short text by a reviewer, without space around it.

    Args:
        text: What came.
        what: It is called in messages.
        longest: Characters accepted.
        empty: Whether it may be empty.
        lines: Whether it may have several.

    Raises:
        InputError: It is empty, too long, or has characters that cannot be seen.

    >>> checked_text(" anna ", what="name", longest=40)
    'anna'
    >>> checked_text("an\u202ena", what="name", longest=40)
    Traceback (most recent call last):
    seatrial.core.errors.InputError: the name holds '\u202e', which cannot be seen. Leave it out.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not (text or empty):
        raise InputError(f"the {what} is empty.", hint=f"Give a {what}.")
    if len(text) > longest:
        raise InputError(
            f"the {what} has {len(text)} characters; accepted are {longest}.", hint="Shorten it."
        )
    allowed = JOINERS + LAYOUT if lines else JOINERS
    for character in text:
        if unicodedata.category(character) in FORMLESS and character not in allowed:
            raise InputError(
                f"the {what} holds {character!a}, which cannot be seen.", hint="Leave it out."
            )
    return text


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags, each once, in their order.

    Raises:
        InputError: One cannot be written down, or there are too many.
    """
    if any(TAG_SEPARATOR in tag for tag in tags):
        raise InputError(
            f"a tag holds {TAG_SEPARATOR!r}, which separates tags.", hint="Give two tags."
        )
    if len(tags) > TAGS_MAX:
        raise InputError(
            f"there are {len(tags)} tags; accepted are {TAGS_MAX}.", hint="Leave some out."
        )
    return tuple(dict.fromkeys(checked_text(tag, what="tag", longest=TAG_MAX) for tag in tags))
