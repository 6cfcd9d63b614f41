"""Takes out of inputs what may not be written down: e-mail addresses, numbers of cards and phones.

What is built in is done before a record is written, by patterns that take time in proportion to
the text. A hook of the user's own is run when rows are sealed, never where requests are answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

MASK = "[{}]"
"""What stands in the place of what was taken out: its kind, so that texts stay readable."""

PHONE_DIGITS = (9, 15)
"""Digits of a phone number: fewer are dates and amounts, more no country has (E.164)."""

IBAN_REST = 97


def _luhn(text: str) -> bool:
    """Say whether the digits carry the check digit of card numbers (ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in reversed(text) if sign.isdigit()]
    doubled = [digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(d - 9 * (d > 9) for d in doubled)) % 10 == 0  # noqa: PLR2004


def _iban(text: str) -> bool:
    """Say whether the check digits of an account number fit (ISO 13616)."""
    signs = text.replace(" ", "").upper()
    number = "".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])
    return int(number) % IBAN_REST == 1


def _phone(text: str) -> bool:
    """Say whether it is written as a phone number is, and not as a date or a bare number."""
    digits = sum(sign.isdigit() for sign in text)
    told = text.startswith(("+", "0", "(")) or any(sign in text for sign in " -/")
    told = told or text.count(".") > 1
    date = re.match(r"(19|20)\d\d-\d\d-\d\d", text) is not None
    return PHONE_DIGITS[0] <= digits <= PHONE_DIGITS[1] and told and not date


PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[str], bool] | None]] = {
    "email": (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), None),
    "iban": (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban),
    "card": (re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)"), _luhn),
    "ip": (
        re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\.)|(?![\d.]))){4}"),
        None,
    ),
    "phone": (
        re.compile(r"(?<![\w.,])(?:\+|00)?\(?\d{1,5}\)?(?:[ ./-]{0,2}\(?\d{2,5}\)?){1,6}(?!\w)"),
        _phone,
    ),
}
"""Kind -> its form and, where the form alone would catch too much, a check. In this order: an
account number may look like a card's, and both like a phone's."""


class Redaction:
    """Takes out what is of some kinds.

    Args:
        kinds: Names in :data:`PATTERNS`.

    >>> Redaction(["email", "card"])({"text": "ann@example.org paid with 4111 1111 1111 1111"})
    {'text': '[email] paid with [card]'}
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._chosen = [(name, *found) for name, found in PATTERNS.items() if name in kinds]

    def __call__(self, value: Any) -> Any:
        """Return the value without them; texts in lists and objects included, their keys not."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self(one) for one in value]
        if isinstance(value, dict):
            return {name: self(one) for name, one in value.items()}
        return value

    def _text(self, text: str) -> str:
        for name, pattern, check in self._chosen:

            def masked(
                found: re.Match[str], mask: str = MASK.format(name), check: Any = check
            ) -> str:
                return mask if check is None or check(found[0]) else found[0]

            text = pattern.sub(masked, text)
        return text


class HookRedaction:
    """Runs the user's own function over the inputs of rows that are being sealed.

    Where it raises, or returns what JSON does not know, the row loses its input: what may not be
    kept is not kept because of a mistake.

    Args:
        hook: Input -> what of it may be kept.

    Attributes:
        failures: Rows that lost their input so far.
        last: What was raised last.
    """

    def __init__(self, hook: Callable[[Any], Any]) -> None:
        self._hook = hook
        self.failures = 0
        self.last = ""

    def __call__(self, rows: list[dict[str, Any]]) -> None:
        """Change flat rows in place."""
        for row in rows:
            text = row.get("input")
            if text is None:
                continue
            try:
                kept = self._hook(msgspec.json.decode(text))
                row["input"] = None if kept is None else msgspec.json.encode(kept).decode()
            except Exception as error:  # noqa: BLE001  (the user's code raises what it likes)
                row["input"] = None
                self.failures += 1
                self.last = f"{type(error).__name__}: {error}"
