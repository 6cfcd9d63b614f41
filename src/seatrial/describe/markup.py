"""What a text is wrapped in: HTML, JSON, Markdown, links; each can be taken off."""

from __future__ import annotations

import html
import re
from typing import Any

import msgspec

ROUNDS = 4
"""Most times that markup inside markup is looked for (escaped tags in escaped JSON...)."""

NAMES = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|cite|code|col|"
    "colgroup|dd|del|details|div|dl|dt|em|fieldset|figcaption|figure|font|footer|form|h[1-6]|head|"
    "header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|mark|meta|nav|o:p|object|"
    "ol|option|p|pre|q|s|samp|script|section|select|small|span|strike|strong|style|sub|summary|"
    "sup|svg|table|tbody|td|textarea|tfoot|th|thead|time|title|tr|tt|u|ul|var|video|wbr"
)
"""Elements that pasted pages and e-mails hold; "<3" and "a < b" are no tags."""

NOT_SHOWN = ("script", "style", "head", "title")
"""Elements whose content is not shown."""

DECLARATION = re.compile(r"<!doctype[^<>]*>|<\?xml[^<>]*>|<!\[CDATA\[|\]\]>", re.I)
BREAK = re.compile(
    r"</?(?:p|div|br|li|ul|ol|tr|table|td|th|h[1-6]|hr|blockquote|section|article|pre|dd|dt|option)"
    r"\b[^<>]*>",
    re.I,
)
TAG = re.compile(rf"</?(?:{NAMES})(?:\s[^<>]*|/)?>|</[a-z][\w:.-]*\s*>", re.I)
CUT_TAG = re.compile(rf"<(?:{NAMES})\s[^<>]*$|^[^<>]*[\w\"']\s*/?>(?=.*</)", re.I)
PAIR = re.compile(r"<([a-z][\w:.-]*)(\s[^<>]*)?>(?=.{0,2000}?</\1\s*>)", re.I | re.S)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")

ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt](?![a-z])|\\[\"'/]")
SURROGATES = (0xD800, 0xDFFF)
"""Halves of a character, which mean nothing alone."""

PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){1,64}")
MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122]+")
"""UTF-8 read as Windows-1252: a letter with an accent, then what no word holds."""

BODY_KEYS = (
    *("text", "message", "body", "content", "comment", "review", "description", "question"),
    *("query", "input", "prompt", "utterance", "sentence", "msg", "note", "notes", "feedback"),
    *("answer", "value", "data"),
)
"""Names under which a text is sent inside JSON, likeliest first."""

FIELD = re.compile(r'"(\w+)"\s*:\s*"((?:[^"\\]|\\.)*)')

FENCE = re.compile(r"^[ \t]*(?:```|~~~)[\w+-]*[ \t]*$\n?", re.M)
HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(?=\S)", re.M)
BULLET = re.compile(r"^[ \t]*[-*+\u2022][ \t]+(?=\S)", re.M)
RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$\n?", re.M)
EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3}|_{2,3}|~~)(?=[^\s*_~])(.{1,300}?)(?<=[^\s*_~])\1(?![\w*])", re.S
)
TICKS = re.compile(r"(?<!`)(`{1,2})(?=[^\s`])([^`\n]+?)(?<=[^\s`])\1(?!`)")
REFERENCE = re.compile(r"!?\[([^\]\[]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
CELL = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.M)

LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|\bmailto:(?=\S)", re.I)
MENTION = re.compile(r"(?<![\w@])@\w+")
HASHTAG = re.compile(r"(?<![\w&])#(?=[^\W\d])")


def without_html(text: str) -> str:
    """Return the text as a page would show it, without what it quotes.

    >>> without_html("<p>Fish &amp; chips <b>please</b></p>")
    'Fish & chips please'
    """
    for _ in range(ROUNDS):
        if "<" not in text and "&" not in text and "/>" not in text:
            return text
        before = text
        if "<" in text or ">" in text:
            text = _untagged(text)
        if "&" in text:
            text = ENTITY.sub(lambda match: html.unescape(match[0]), text)
        if text == before:
            return text
    return text


def _untagged(text: str) -> str:
    shown = DECLARATION.sub("", _without_hidden(text))
    unquoted = _without_quoted(shown)
    if TAG.sub("", unquoted).strip():
        shown = unquoted
    shown = PAIR.sub("", shown) if "</" in shown else shown
    lines = TAG.sub("", BREAK.sub("\n", shown))
    lines = CUT_TAG.sub("", lines) if lines.count("<") != lines.count(">") else lines
    return lines if lines == text else "\n".join(_lines(lines))


def _without_hidden(text: str) -> str:
    """Cut comments and elements whose content is not shown; what is never closed stays."""
    text = _without_spans(text, "<!--", "-->")
    for name in NOT_SHOWN:
        text = _without_spans(text, f"<{name}", f"</{name}>")
    return text


def _without_spans(text: str, opening: str, closing: str) -> str:
    """Cut from each opening to the next closing, in one pass."""
    low = text.lower()
    if len(low) != len(text) or opening not in low:
        return text
    kept: list[str] = []
    at = 0
    while True:
        start = low.find(opening, at)
        end = low.find(closing, start) if start >= 0 else -1
        if end < 0:
            return "".join([*kept, text[at:]])
        kept.append(text[at:start])
        at = end + len(closing)


def _without_quoted(text: str) -> str:
    """Cut from the first quotation to the end of the last: what the message answers."""
    low = text.lower()
    start, end = low.find("<blockquote"), low.rfind("</blockquote")
    if len(low) != len(text) or not 0 <= start < end:
        return text
    return f"{text[:start]}\n{text[end:]}"


def without_json(text: str) -> str:
    """Return the text that a JSON document carries, or the text itself.

    >>> without_json('{"id": 7, "message": "where is it?"}')
    'where is it?'
    """
    for _ in range(ROUNDS):
        bare = text.strip()
        if bare[:1] not in {"{", "[", '"'} or ('"' not in bare):
            return text
        inner = _carried(bare)
        if inner is None:
            return text
        text = inner
    return text


def _carried(document: str) -> str | None:
    try:
        value = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        return _from_fields(document) if document[0] in "{[" else None
    return _longest(value)


def _from_fields(document: str) -> str | None:
    """Read what looks like fields: JSON that was cut off."""
    fields = FIELD.findall(document)
    if not fields:
        return None
    named = [value for key, value in fields if key.lower() in BODY_KEYS]
    found: str = max(named or [value for _, value in fields], key=len)
    return found.replace("\\n", "\n").replace('\\"', '"')


def _longest(value: Any) -> str | None:
    """Return the text under the likeliest key, else the longest text anywhere inside."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        lower = {str(key).lower(): inner for key, inner in value.items()}
        for key in BODY_KEYS:
            found = _longest(lower.get(key))
            if found and " " in found.strip():
                return found
        value = list(value.values())
    if isinstance(value, list):
        texts = [text for text in map(_longest, value) if text]
        return max(texts, key=len, default=None)
    return None


def without_escapes(text: str) -> str:
    r"""Return the text with escape sequences as the characters they stand for.

    Backslash escapes, percent escapes of a whole address, and UTF-8 read as Windows-1252.

    >>> without_escapes(r"don\u2019t \"worry\"") == "don\u2019t \"worry\""
    True
    """
    if not text.isascii():
        text = MOJIBAKE.sub(_reread, text)
    if "%" in text and " " not in text.strip():
        text = PERCENT.sub(_unquoted, text.replace("+", " "))
    return ESCAPE.sub(_character, text) if "\\" in text else text


def _reread(match: re.Match[str]) -> str:
    try:
        return match[0].encode("cp1252").decode("utf-8")
    except UnicodeError:
        return match[0]


def _unquoted(match: re.Match[str]) -> str:
    try:
        return bytes.fromhex(match[0].replace("%", "")).decode("utf-8")
    except UnicodeError:
        return match[0]


def _character(match: re.Match[str]) -> str:
    if match[1]:
        code = int(match[1], 16)
        return match[0] if SURROGATES[0] <= code <= SURROGATES[1] else chr(code)
    return "\n" if match[0] in {"\\n", "\\r"} else " " if match[0] == "\\t" else match[0][1:]


def without_markdown(text: str) -> str:
    """Return the text without Markdown's signs.

    >>> without_markdown("**two** [links](http://x.y)")
    'two links'
    """
    if text.isalnum():
        return text
    bare = RULE.sub("", FENCE.sub("", text))
    bare = HEADING.sub("", bare)
    bare = TICKS.sub(r"\2", REFERENCE.sub(r"\1", bare))
    bare = EMPHASIS.sub(r"\2", EMPHASIS.sub(r"\2", bare))
    bare = CELL.sub(lambda match: match[0].strip().strip("|").replace("|", " "), bare)
    return BULLET.sub("", bare) if "\n" in bare or bare != text else bare


def without_links(text: str) -> str:
    """Return the text without web addresses and @mentions, and hashtags as words.

    >>> without_links("@shop see https://x.y/z #Sale")
    'see Sale'
    """
    if "://" not in text and "@" not in text and "#" not in text and "www." not in text.lower():
        return text
    bare = HASHTAG.sub("", MENTION.sub(" ", LINK.sub(" ", text)))
    return text if bare == text else "\n".join(_lines(bare))


def _lines(text: str) -> list[str]:
    """Return the lines that hold something, spaces within them made single."""
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]
