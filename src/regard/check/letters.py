"""Letters that are not what they look like: scripts, look-alikes, the IPA and its stand-ins, spaces, and what no eye sees."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

ODD_SPACES = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0085\x0b\x0c"
UNSEEN = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\u180e"
JOINERS = "\u200c\u200d"
CONTROL = "\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f"
SCRIPTS = (
    *("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "DEVANAGARI", "THAI", "GEORGIAN", "HANGUL", "HIRAGANA"),
    *("KATAKANA", "CJK", "BENGALI", "TAMIL", "ETHIOPIC", "CHEROKEE", "KHMER", "LAO", "TIBETAN", "MYANMAR"),
)
JAPANESE = frozenset({"HIRAGANA", "KATAKANA", "CJK"})
CYRILLIC = dict(zip("асеорхуіјѕԁһԛԝАВСЕНІЈКМОРЅТХҮ", "aceopxyijsdhqwABCEHIJKMOPSTXY", strict=True))
LATIN_OF = CYRILLIC | dict(  # letters of Cyrillic, Greek and Armenian that look like a Latin one
    zip("οαενικρτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսհոՕ", "oaevikptuxABEZHIKMNOPTYXouhnO", strict=True)
)
OF_LATIN = {
    "CYRILLIC": dict(zip("aceopxyijsABCEHIJKMOPSTX", "асеорхуіјѕАВСЕНІЈКМОРЅТХ", strict=True)),
    "GREEK": dict(zip("ovABEZHIKMNOPTYX", "ονΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True)),
}
STAND_INS = {  # of the IPA: what is typed for it, and what it is
    **dict(zip("g:'\u2019εǝәαı?ӡϕ", "ɡːˈʼɛəəɑɪʔʒɸ", strict=True)),
    **{"ʦ": "t͡s", "ʧ": "t͡ʃ", "ʤ": "d͡ʒ", "ʣ": "d͡z", "ʨ": "t͡ɕ", "ʥ": "d͡ʑ", "ɩ": "ɪ", "ɷ": "ʊ"},
    **CYRILLIC,  # none of them is a letter of the IPA; some of the Greek ones are
}


@lru_cache(1 << 17)
def script(letter: str) -> str:
    """The script of a letter by its name in Unicode; "" for what is no letter, or belongs to several."""
    if not letter.isalpha() or letter in "ªº":
        return ""
    name = unicodedata.name(letter, "")
    first = name.partition(" ")[0]
    if first in ("HALFWIDTH", "FULLWIDTH"):
        first = name.split()[1]
    if first.startswith("MODIFIER") or "MODIFIER LETTER" in name:
        return ""
    if name.startswith("KATAKANA-HIRAGANA"):
        return "KATAKANA"
    return first if first in SCRIPTS else ""


def scripts(text: str) -> dict[str, int]:
    """How many letters of each script a text has."""
    found: dict[str, int] = {}
    for letter in text:
        if name := script(letter):
            found[name] = found.get(name, 0) + 1
    return found


def name_character(symbol: str) -> str:
    """A symbol as people read it, with its code point where the eye may be deceived."""
    if len(symbol) == 1 and (not symbol.isascii() or not symbol.isprintable()):
        shown = symbol if symbol.isprintable() and not unicodedata.combining(symbol) else ""
        return f"{shown}{' ' * bool(shown)}U+{ord(symbol):04X}"
    return symbol
