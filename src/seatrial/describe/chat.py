"""Chat speak: other spellings of the same words, and signs that stand for no word."""

from __future__ import annotations

import re
from collections.abc import Container

SPELLINGS = {
    "u": "you", "ya": "you", "yu": "you", "ur": "your", "urs": "yours", "r": "are", "pls": "please",
    "plz": "please", "plss": "please", "thx": "thanks", "thanx": "thanks",
    "tnx": "thanks", "thnx": "thanks", "thnks": "thanks", "cuz": "because", "coz": "because",
    "cos": "because", "bc": "because", "bcuz": "because", "tho": "though", "thru": "through",
    "tmrw": "tomorrow", "tmr": "tomorrow", "tmrow": "tomorrow", "2moro": "tomorrow",
    "2morrow": "tomorrow", "2day": "today", "2nite": "tonight", "tonite": "tonight",
    "yday": "yesterday", "msg": "message", "msgs": "messages", "acct": "account",
    "acc": "account", "pw": "password", "pwd": "password", "addy": "address", "b4": "before",
    "gr8": "great", "l8r": "later", "l8": "late", "m8": "mate", "w8": "wait", "wk": "week",
    "wks": "weeks", "yr": "year", "yrs": "years", "hrs": "hours", "mins": "minutes", "abt": "about",
    "ppl": "people", "smth": "something", "sth": "something", "sum1": "someone", "any1": "anyone",
    "every1": "everyone", "no1": "nobody", "luv": "love", "rly": "really", "rlly": "really",
    "srsly": "seriously", "prob": "probably", "probs": "probably", "def": "definitely",
    "defo": "definitely", "obv": "obviously", "diff": "different", "pic": "picture",
    "pics": "pictures", "soz": "sorry", "sry": "sorry", "wont": "won't",
    "cant": "can't", "dont": "don't", "didnt": "didn't", "doesnt": "doesn't", "isnt": "isn't",
    "wasnt": "wasn't", "arent": "aren't", "werent": "weren't", "havent": "haven't",
    "hasnt": "hasn't", "hadnt": "hadn't", "couldnt": "couldn't", "wouldnt": "wouldn't",
    "shouldnt": "shouldn't", "im": "I'm", "ive": "I've", "thats": "that's", "whats": "what's",
    "theres": "there's", "youre": "you're", "theyre": "they're", "youve": "you've", "hes": "he's",
    "shes": "she's", "gud": "good", "wat": "what", "wot": "what", "dat": "that", "dis": "this",
    "nite": "night", "lil": "little", "bday": "birthday", "fav": "favourite", "n": "and",
    "bout": "about",
}  # fmt: skip
"""Chat spelling to the same word as books spell it; nothing is added and no slang translated."""

SLANG = frozenset({
    "lol", "lmao", "lmfao", "rofl", "omg", "omfg", "wtf", "tf", "smh", "idk", "idc", "ikr",
    "btw", "tbh", "imo", "imho", "ngl", "fyi", "asap", "brb", "afk", "irl", "nvm", "rn", "fr",
    "istg", "gonna", "wanna", "gotta", "kinda", "sorta", "dunno", "gimme", "lemme", "tryna",
    "finna", "ima", "imma", "yall", "bruh", "bruv", "dude", "sup", "yo", "hiya", "heya", "nope",
    "yep", "yup", "nah", "yeah", "ugh", "meh", "hmm", "hmmm", "grr", "argh", "haha", "hahaha",
    "hehe", "xoxo", "xx", "xxx", "pfft", "welp", "yikes", "woah", "whoa", "aww", "oops", "cya",
    "ttyl", "hmu", "dm", "dms", "ily", "jk", "lolz", "omw",
})  # fmt: skip
"""Words that are at home in a chat and stand for none of a book's words."""

TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
LONG = re.compile(r"([^\W\d_])\1{2,}")
MARKS = re.compile(r"([!?])[!?]*\1|([!?])[!?]+")
EMOJI = re.compile(
    "[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]"
    "|(?<!\\w)[:;=8xX]['\u2019]?-?[)(DPpOo3/|\\\\*\\]\\[](?!\\w)|<3+|\\^_\\^|-_-"
)
"""Emoji and the faces made of marks."""


def signs(text: str) -> int:
    """Count emoji, slang words, runs of marks and stretched words.

    >>> signs("lol where is it???"), signs("Where is it?")
    (2, 0)
    """
    found = len(EMOJI.findall(text)) + len(LONG.findall(text)) + len(MARKS.findall(text))
    return found + sum(word in SLANG for word in text.lower().split())


def spelt_out(text: str, known: Container[str]) -> str:
    """Return the text with chat spellings as the reference spells them.

    A spelling that the reference knows stays, and so does one whose plain word it does not know.

    Args:
        text: Text in English; the spellings are.
        known: Lower-cased words of the reference.

    >>> spelt_out("Can u waaait", {"you", "wait"})
    'Can you wait'
    """
    if LONG.search(text):
        text = TOKEN.sub(lambda match: _shortened(match[0], known), text)
    return TOKEN.sub(lambda match: _spelt(match[0], known), text)


def _spelt(word: str, known: Container[str]) -> str:
    low = word.lower()
    plain = SPELLINGS.get(low)
    if plain is None or low in known or not _within(plain, known):
        return word
    return plain[0].upper() + plain[1:] if word[0].isupper() else plain


def _within(plain: str, known: Container[str]) -> bool:
    """Say whether the reference has the word, whole or split as taggers split it ("do n't")."""
    low = plain.lower()
    if low in known:
        return True
    stem, mark, rest = low.partition("'")
    if not mark:
        return False
    return (stem in known and rest in known) or (
        low.endswith("n't") and "n't" in known and low[:-3] in known
    )


def _shortened(word: str, known: Container[str]) -> str:
    """Return a stretched word as the reference has it, with one or two of the letter."""
    if not LONG.search(word) or word.lower() in known:
        return word
    for kept in (r"\1\1", r"\1"):
        shorter = LONG.sub(kept, word)
        if shorter.lower() in known:
            return shorter
    return word
