"""E-mail threads: the newest message, without what it answers."""

from __future__ import annotations

import re

WROTE = (
    r"wrote|writes|schrieb|schreef|a \u00e9crit|\u00e9crit|escribi\u00f3|escreveu|ha scritto|"
    r"napisa\u0142\(?a?\)?|skrev|kirjoitti|napsal|\u043f\u0438\u0448\u0435\u0442|"
    r"\u043d\u0430\u043f\u0438\u0441\u0430\u043b|yazd\u0131"
)
"""How mail programs introduce the message that is answered."""

INTRODUCTION = re.compile(
    rf"^[^\n]{{0,160}}(?:\n[^\n]{{0,80}})?\b(?:{WROTE})\b[^\n]{{0,30}}:\s*$", re.M
)

DIVIDER = re.compile(
    r"^[ \t>]*-{3,}[^\n]*[^\W_][^\n]*-{3,}[ \t]*$"
    r"|^[ \t>]*-{2,}[ \t]*(?:original|forwarded|urspr\u00fcngliche|weitergeleitete|message|mensaje|"
    r"mensagem|messaggio|doorgestuurd|oorspronkelijk|begin forwarded)[^\n]*$"
    r"|^[ \t]*(?:_{5,}|={5,}|-{8,}|\*{5,})[ \t]*$",
    re.M | re.I,
)
"""Lines between messages."""

FIELD = (
    r"(?:from|to|cc|bcc|sent|date|subject|re|fwd?|reply-to|von|an|gesendet|datum|betreff|de|\u00e0|"
    r"envoy\u00e9|objet|date|para|enviado|asunto|assunto|fecha|data|da|a|inviato|oggetto|van|aan|"
    r"verzonden|onderwerp|order|ref)"
)
HEADER = re.compile(rf"^[ \t]*\*?{FIELD}\*?[ \t]*:[^\n]*$", re.I)

TRANSCRIPT = re.compile(
    r"(?:^[ \t]*[\[(]?\d{1,2}:\d{2}(?::\d{2})?[\])]?[^\n:]{0,60}:[^\n]*\n?){2,}", re.M
)
"""Two or more lines of a chat, each with its time and its speaker."""

SIGNATURE = re.compile(r"^-- ?$", re.M)
SENT_FROM = re.compile(
    r"^(?:sent (?:from|with|via)|get outlook|gesendet (?:von|mit)|envoy\u00e9 (?:de|depuis)|"
    r"enviado d?esde|enviado do|inviato da)\b[^\n]{0,60}$",
    re.M | re.I,
)
QUOTE = re.compile(r"^[ \t]*(?:>|\|[ \t])")
HEADERS_MIN = 2
"""Header lines in a row that make a header: one alone may be a sentence ("To: my landlord")."""


def newest(text: str) -> str:
    r"""Return the newest message of a thread, or the text itself where there is no thread.

    Quoted lines, what follows a divider or an introduction ("On Monday Ada wrote:"), header
    lines and the signature go; where nothing would be left, the text stays.

    >>> newest("It is still missing.\n\nOn Monday Ada wrote:\n> Has it come?")
    'It is still missing.'
    """
    if "\n" not in text:
        return text
    own = SENT_FROM.sub("", SIGNATURE.split(_cut(_unheaded(text)))[0])
    lines = [line.strip() for line in own.split("\n") if not QUOTE.match(line)]
    found = "\n".join(line for line in lines if line)
    plain = "\n".join(line.strip() for line in text.split("\n") if line.strip())
    return text if not found or found == plain else found


def _unheaded(text: str) -> str:
    """Take a header off the top; a single "Re: ..." line counts as one."""
    lines = text.lstrip().split("\n")
    count = 0
    while count < len(lines) and HEADER.match(lines[count]):
        count += 1
    subject = count == 1 and re.match(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv)\s*:", lines[0], re.I)
    return "\n".join(lines[count:]) if count >= HEADERS_MIN or subject else text


def _cut(text: str) -> str:
    """Cut at the first sign of an older message that leaves something before it."""
    ends = [match.start() for match in INTRODUCTION.finditer(text)]
    ends += [match.start() for match in DIVIDER.finditer(text)]
    ends += [match.start() for match in TRANSCRIPT.finditer(text)]
    ends += _header_starts(text)
    for end in sorted(ends):
        if text[:end].strip(" \t\n>-_"):
            return text[:end]
    return text


def _header_starts(text: str) -> list[int]:
    starts, run, at, first = [], 0, 0, 0
    for line in text.split("\n"):
        if HEADER.match(line.lstrip("> ")):
            first = at if run == 0 else first
            run += 1
            if run == HEADERS_MIN:
                starts.append(first)
        else:
            run = 0
        at += len(line) + 1
    return starts
