"""Messages whose mood is known, made on the spot: in several languages, kinds, lengths and forms.

Every message holds one word of mood, which decides its label; the rest is filler. What shifts, and
what a model makes of it, is in :mod:`seatrial.testing.bank.shifts`. The corruptions here share no
code with the repairs that are tried on them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct


class Tongue(Struct, frozen=True):
    """How messages of one language or kind are put together.

    Attributes:
        frames: Sentences with ``{thing}`` and ``{mood}`` in them.
        things: What they are about.
        moods: Per class, the words that decide it.
        fillers: Sentences without a mood.
    """

    frames: tuple[str, ...]
    things: tuple[str, ...]
    moods: tuple[tuple[str, ...], ...]
    fillers: tuple[str, ...]


def _tongue(frames: str, things: str, moods: Sequence[str], fillers: str) -> Tongue:
    return Tongue(
        tuple(frames.split(" | ")),
        tuple(things.split()),
        tuple(tuple(words.split()) for words in moods),
        tuple(fillers.split(" | ")),
    )


ENGLISH = _tongue(
    "My {thing} came and it is {mood} | I think the {thing} that you sent is {mood} | the {thing} "
    "was {mood} when it arrived at my house | we find this {thing} rather {mood} | after a week "
    "with it the {thing} seems {mood} to me | your {thing} is {mood} and my wife says so too",
    "order parcel invoice refund chair table lamp jacket phone charger printer keyboard carpet",
    (
        "broken late wrong terrible damaged useless dirty faulty torn",
        "good great perfect lovely quick clean excellent superb wonderful",
        "average ordinary acceptable plain usual normal standard common",
    ),
    "please have a look at it when you can | I can send a photo of it | thank you for your time | "
    "I bought it in your shop last month | the number is on the bill | my neighbour took it in | "
    "can you tell me what to do about that | it was a present for my sister | I have been a "
    "customer for many years | you have my address already",
)

LANGUAGES: Mapping[str, Tongue] = {
    "de": _tongue(
        "Meine Bestellung ist da und {thing} ist leider {mood} | ich finde, dass {thing} wirklich "
        "{mood} ist | wir haben gestern {thing} bekommen und sind der Meinung, es ist {mood}",
        "Lampe Rechnung Tisch Stuhl Jacke Drucker Teppich Handy",
        (
            "kaputt falsch schrecklich schmutzig nutzlos",
            "gut wunderbar perfekt sauber ausgezeichnet",
            "normal durchschnittlich gewöhnlich üblich",
        ),
        "bitte schauen Sie sich das einmal an | ich habe das letzten Monat bei Ihnen gekauft | "
        "vielen Dank für Ihre Mühe | was soll ich jetzt damit machen",
    ),
    "fr": _tongue(
        "j'ai reçu votre colis et {thing} est {mood} | nous pensons que {thing} est vraiment "
        "{mood} cette fois | depuis une semaine {thing} me semble {mood}",
        "lampe facture table chaise veste imprimante tapis",
        (
            "cassé mauvais horrible sale inutile",
            "bon parfait magnifique propre excellent",
            "normal moyen ordinaire courant",
        ),
        "pouvez-vous regarder cela s'il vous plaît | je l'ai acheté chez vous le mois dernier | "
        "merci beaucoup pour votre aide | qu'est-ce que je dois faire maintenant",
    ),
    "es": _tongue(
        "ha llegado el pedido y {thing} está {mood} | creemos que {thing} es realmente {mood} para "
        "nosotros | después de una semana {thing} me parece {mood}",
        "lámpara factura mesa silla chaqueta impresora alfombra",
        (
            "roto malo terrible sucio inútil",
            "bueno perfecto maravilloso limpio excelente",
            "normal corriente habitual regular",
        ),
        "por favor mírelo cuando pueda | lo compré en su tienda el mes pasado | muchas gracias por "
        "su ayuda | qué tengo que hacer ahora con esto",
    ),
    "nl": _tongue(
        "mijn bestelling is gekomen en de {thing} is {mood} | wij vinden dat de {thing} echt "
        "{mood} is | na een week lijkt de {thing} mij nogal {mood}",
        "lamp rekening tafel stoel jas printer tapijt telefoon",
        (
            "kapot verkeerd vreselijk vuil nutteloos",
            "goed prachtig perfect schoon uitstekend",
            "gewoon gemiddeld normaal gebruikelijk",
        ),
        "wilt u er alstublieft naar kijken | ik heb het vorige maand bij u gekocht | hartelijk "
        "dank voor uw moeite | wat moet ik hier nu mee doen",
    ),
    "pt": _tongue(
        "a encomenda chegou e {thing} está {mood} | nós achamos que {thing} é mesmo {mood} para "
        "toda a família | depois de uma semana {thing} parece-me {mood}",
        "lâmpada fatura mesa cadeira impressora tapete",
        (
            "quebrado errado terrível sujo inútil",
            "bom perfeito maravilhoso limpo excelente",
            "normal comum habitual regular",
        ),
        "por favor veja isso quando puder | comprei na sua loja no mês passado | muito obrigado "
        "pela sua ajuda | o que devo fazer agora com isto",
    ),
}

KINDS: Mapping[str, Tongue] = {
    "films": _tongue(
        "the {thing} of this film is {mood} from the first scene on | a {mood} {thing} by a "
        "director who made three thrillers before | critics called its {thing} {mood} at the "
        "festival in Venice",
        "plot cast soundtrack ending dialogue screenplay photography",
        (
            "dull shallow clumsy tedious bloodless",
            "gripping moving dazzling witty haunting",
            "watchable conventional modest serviceable",
        ),
        "it opened in cinemas this autumn | the story follows two brothers in Naples | shot in "
        "black and white on a small budget | the sequel is being filmed already",
    ),
    "restaurants": _tongue(
        "we had the {thing} with roast potatoes and it tasted {mood} | their {thing} is {mood}, "
        "said everybody at our table on the terrace | a {mood} {thing}, served with a glass of "
        "local wine",
        "soup risotto steak dessert salad lasagne starter sauce",
        (
            "bland greasy stale overcooked soggy",
            "delicious tender fresh tasty heavenly",
            "filling edible simple decent",
        ),
        "we were six and had booked for eight o'clock | the waiter brought bread and olives | "
        "the terrace looks over the harbour | they close on Mondays in winter",
    ),
    "patients": _tongue(
        "the patient reports that the {thing} is {mood} since the operation | on examination the "
        "{thing} appears {mood} on both sides | {thing} {mood} under the present medication",
        "knee breathing pulse wound appetite sleep hearing",
        (
            "painful swollen infected irregular worsening",
            "healed improved stable painless recovering",
            "unchanged moderate comparable borderline",
        ),
        "no allergies are known | dose of ten milligrams in the evening | discharged to the care "
        "of the family doctor | blood samples were taken at admission",
    ),
}


class Message(Struct, frozen=True):
    """One message, its class, and the word that decides it."""

    text: str
    label: int
    word: str


def message(tongue: Tongue, rng: np.random.Generator, *, classes: int, fillers: int = 1) -> Message:
    """Return one message of one sentence with a mood and some without."""
    label = int(rng.integers(classes))
    word = str(rng.choice(tongue.moods[label]))
    said = str(rng.choice(tongue.frames)).format(thing=rng.choice(tongue.things), mood=word)
    beside = [str(one) for one in rng.choice(tongue.fillers, fillers)]
    place = int(rng.integers(len(beside) + 1))
    parts = [*beside[:place], said, *beside[place:]]
    return Message(", ".join(parts), label, word)


def _in_tags(text: str, word: str, rng: np.random.Generator) -> str:
    tag = str(rng.choice(("b", "em", "span", "strong")))
    return f"<div><p>{text.replace(word, f'<{tag}>{word}</{tag}>')}</p><br/></div>"


def _in_capitals(text: str, word: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    return text.upper()


def _in_marks(text: str, word: str, rng: np.random.Generator) -> str:
    mark = str(rng.choice(("**", "__", "~~")))
    return f"# Message\n\n- {text.replace(word, f'{mark}{word}{mark}')}\n\n> sent from my desk"


def _in_json(text: str, word: str, rng: np.random.Generator) -> str:
    words = text.replace(word, f"{word}\n").split(" ")
    ticket = {"id": int(rng.integers(1_000_000)), "channel": "web", "text": "\n".join(words)}
    return json.dumps(ticket)


FORMS: Mapping[str, Callable[[str, str, np.random.Generator], str]] = {
    "html": _in_tags,
    "capitals": _in_capitals,
    "markdown": _in_marks,
    "json": _in_json,
}
"""What a message may come wrapped in; the word that decides it is touched by the wrapping."""

ALIKE = str.maketrans("aeopcxyi", "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456")
"""Latin letters and the Cyrillic ones that look like them."""

DIGITS = str.maketrans("aeios", "43105")


def _look_alikes(word: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    return word.translate(ALIKE)


def _hidden(word: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(1, len(word)))
    return f"{word[:place]}\u200b{word[place:]}"


def _digits(word: str, rng: np.random.Generator) -> str:  # noqa: ARG001
    return word.translate(DIGITS)


def _slip(word: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(1, len(word) - 1))
    return f"{word[:place]}{word[place + 1]}{word[place]}{word[place + 2 :]}"


TRICKS: Mapping[str, Callable[[str, np.random.Generator], str]] = {
    "look-alike letters": _look_alikes,
    "hidden characters": _hidden,
    "digits for letters": _digits,
    "slips of the keyboard": _slip,
}
"""What may be done to a word that people still read."""

TRICKED_SHARE = 0.5
"""Of the other long words that are tampered with as well."""

LONG_WORD = 4


def tampered(
    one: Message, trick: Callable[[str, np.random.Generator], str], rng: np.random.Generator
) -> str:
    """Return the message with the word that decides it, and some others, tampered with."""
    words = one.text.split(" ")
    return " ".join(
        trick(word, rng)
        if word == one.word
        or (word.isalpha() and len(word) > LONG_WORD and rng.random() < TRICKED_SHARE)
        else word
        for word in words
    )


def plain(text: str) -> str:
    """Return a text as a careful model reads it: unwrapped, small letters, tricks undone.

    >>> plain("<p>It is <b>br\u043eken</b></p>")
    'it is broken'
    """
    import re
    import unicodedata

    if text.startswith("{"):
        text = str(json.loads(text)["text"])
    text = re.sub(r"<[^>]*>", " ", text)
    text = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
    )
    back = {number: letter for letter, number in ALIKE.items()}
    return " ".join(re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text.translate(back).lower()))
