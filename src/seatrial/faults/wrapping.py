"""Puts texts into what they are sent in: markup, JSON, mails, posts. The text itself stays."""

from __future__ import annotations

import html
import json

from seatrial.faults.corruption import Family, Rng
from seatrial.faults.letters import each

NAMES = ("alex", "sam_82", "priya", "jo.b", "mika", "user4711", "the_real_kim", "noor")
TOPICS = ("monday", "news", "update", "today", "tv", "london", "nowwatching", "fyi", "weekend")
FACES = ("\U0001f600", "\U0001f914", "\U0001f440", "\u2728", "\U0001f4fa", ":)", ":/")


def _html(text: str, severity: float, rng: Rng) -> str:
    words = [
        f"<b>{html.escape(word)}</b>" if rng.random() < severity / 3 else html.escape(word)
        for word in text.split(" ")
    ]
    size = int(rng.integers(9, 16))
    body = ("&nbsp;" if severity > 0.5 else " ").join(words)  # noqa: PLR2004
    return f'<div class="msg"><p style="font-size:{size}px">{body}</p><br/></div>'


def _json(text: str, severity: float, rng: Rng) -> str:
    about: dict[str, object] = {"text": text}
    extra = {"id": int(rng.integers(10**6)), "lang": "en", "source": "web", "retry": False}
    kept = round(severity * len(extra))
    return json.dumps({**dict(list(extra.items())[:kept]), **about})


def _markdown(text: str, severity: float, rng: Rng) -> str:
    words = [f"**{word}**" if rng.random() < severity / 4 else word for word in text.split(" ")]
    return f"## Comment\n\n- {' '.join(words)}\n"


def _mail(text: str, severity: float, rng: Rng) -> str:
    name = str(rng.choice(NAMES))
    quoted = "> " if rng.random() < severity else ""
    return f"On Tue, {name} wrote:\n{quoted}{text}\n--\nSent from my phone"


def _post(text: str, severity: float, rng: Rng) -> str:
    before = [f"@{rng.choice(NAMES)}" for _ in range(round(3 * severity * rng.random()))]
    after = [f"#{rng.choice(TOPICS)}" for _ in range(round(4 * severity * rng.random()))]
    if rng.random() < severity:
        after.append(f"http://t.co/{''.join(rng.choice(list('abcXYZ019'), 8))}")
    return " ".join([*before, text, *after])


def _hashtags(text: str, severity: float, rng: Rng) -> str:
    return " ".join(
        f"#{word}" if word.isalpha() and rng.random() < severity / 2 else word
        for word in text.split(" ")
    )


def _faces(text: str, severity: float, rng: Rng) -> str:
    words = text.split(" ")
    for _ in range(max(1, round(4 * severity))):
        words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(FACES)))
    return " ".join(words)


WRAPPING = Family(
    "wrapping",
    ("text",),
    {"html": each(_html), "json": each(_json), "markdown": each(_markdown), "mail": each(_mail)},
    severities=(0.3, 0.9),
)

SOCIAL = Family(
    "social",
    ("text",),
    {"post": each(_post), "hashtags": each(_hashtags), "faces": each(_faces)},
    severities=(0.4, 1.0),
)
