"""How a token is written, said and measured in a picture, whatever its script.

A token as the tokenizer gives it is not always something that can be seen: a space, a combining tilde on its own, half a
Korean syllable, the end of the sentence.  Each gets a sign that stands on its own, and a name that a screen reader can say.
"""

from __future__ import annotations

import unicodedata

from regard.core.printable import printable

END, START, UNKNOWN, SPACE = "</s>", "<s>", "<unk>", "▁"

MARKS = {  # token: how it is written, how it is said
    END: ("⏎", "end of sentence"),
    START: ("↦", "start of sentence"),
    UNKNOWN: ("�", "unknown symbol"),
    SPACE: ("␣", "space"),
}
JAMO = {"CHOSEONG": "LETTER", "JUNGSEONG": "LETTER", "JONGSEONG": "LETTER"}
LEFT_TO_RIGHT_MARK = "\u200e"


def show_token(token: str) -> str:
    """The token as something visible that stands on its own: `</s>` ⏎, a lone tilde ◌̃, a space ␣, a control character by its number."""
    if token in MARKS:
        return MARKS[token][0]
    if not token:
        return "∅"
    if len(token) == 1:
        return _one(token)
    text = printable("".join(f"[U+{ord(c):04X}]" if c in "\t\n" else c for c in token))
    return "◌" + text if combining(text[0]) else text


def say_token(token: str) -> str:
    """The token as a screen reader should say it: marks and single unseen characters by name, text as it is."""
    if token in MARKS:
        return MARKS[token][1]
    if len(token) == 1 and show_token(token) != token:
        return unicodedata.name(token, f"character U+{ord(token):04X}").lower()
    return printable(token.removeprefix(SPACE)) or "nothing"


def _one(character: str) -> str:
    category = unicodedata.category(character)
    if combining(character):
        return "◌" + character
    if character.isspace() and category == "Zs":
        return MARKS[SPACE][0]
    if category in ("Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co", "Cs"):
        return f"U+{ord(character):04X}"
    kind, _, rest = unicodedata.name(character, "").removeprefix("HANGUL ").partition(" ")
    if kind in JAMO:  # half a syllable has no width of its own: its compatibility letter has
        try:
            return unicodedata.lookup(f"HANGUL {JAMO[kind]} {rest}")
        except KeyError:
            return character
    return character


def combining(character: str) -> bool:
    """True for marks that are drawn on the character before them."""
    return unicodedata.category(character) in ("Mn", "Me", "Mc")


def clusters(text: str) -> list[str]:
    """The text cut into what stands in one place: a character with its combining marks and joiners."""
    parts: list[str] = []
    for c in text:
        joined = parts and (combining(c) or unicodedata.category(c) == "Cf" or parts[-1].endswith("\u200d"))
        if joined:
            parts[-1] += c
        else:
            parts.append(c)
    return parts


def columns(text: str) -> int:
    """Terminal columns of the text: 2 for wide and fullwidth characters, 0 for marks and joiners, else 1."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or 0x1160 <= ord(character) <= 0x11FF:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def right_to_left(text: str) -> bool:
    """True where the text has letters that are written from right to left (Hebrew, Arabic, Syriac, ...)."""
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)
