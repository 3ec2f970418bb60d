"""Cells without what was found in them: each kind of finding that `--fix` can undo is a function from text to text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from regard.check.case import Case
from regard.check.letters import CONTROL, JOINERS, LATIN_OF, ODD_SPACES, OF_LATIN, STAND_INS, UNSEEN, script
from regard.check.patterns import ENTITY, MARKUP
from regard.check.spelling import MIXED
from regard.check.symbols import BRACKETS, LANGUAGE

PHONES = re.compile(r"\s+[~|/]\s+|\s*[,;]\s+")  # between readings of phones
READINGS = re.compile(r"\s*[~|/]\s*|[,;]\s*")  # between readings of words
WIDE = re.compile("[\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a\uff10-\uff19]+")
SOUNDS = ("phones", "transcription", "symbols")
FOLLOW = "\x80-\xbf" + bytes(n for n in range(0x80, 0xC0) if n not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)).decode("cp1252")
# A letter as its bytes of UTF-8.
TWICE = re.compile(f"[\xc2-\xdf][{FOLLOW}]|[\xe0-\xef][{FOLLOW}]{{2}}|[\xf0-\xf4][{FOLLOW}]{{3}}")
Change = Callable[[str], str]


def _taken(regex: str, by: str = "") -> Change:
    compiled = re.compile(regex)
    return lambda cell: compiled.sub(by, cell)


def _unescaped(cell: str) -> str:
    return re.sub(ENTITY, lambda match: html.unescape(match[0]), cell)


def _decoded(cell: str) -> str:
    """UTF-8 that was read as Windows-1252 or Latin-1, read again: each letter by itself, since others may be right."""
    return TWICE.sub(_once, cell)


def _once(match: re.Match[str]) -> str:
    raw = b"".join(c.encode("latin-1" if c <= "\xff" else "cp1252") for c in match[0])
    try:
        return raw.decode()
    except UnicodeError:
        return match[0]


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 2 and cell[0] == cell[-1] == '"' else cell


def _one_script(cell: str) -> str:
    """Words of two scripts in that of most of their letters."""

    def word(match: re.Match[str]) -> str:
        counts = Counter(filter(None, map(script, match[0])))
        main = counts.most_common(1)[0][0]
        if main == "LATIN":
            return "".join(LATIN_OF.get(c, c) for c in match[0])
        return "".join(OF_LATIN.get(main, {}).get(c, c) for c in match[0])

    return MIXED.sub(word, cell)


def _of_ipa(cell: str) -> str:
    """Letters of the IPA for what was typed for them; an apostrophe behind a letter is an ejective, else stress."""
    cell = re.sub(r"(?<=\S)['\u2019]", "ʼ", cell).replace("'", "ˈ").replace("\u2019", "ˈ")
    for typed, meant in STAND_INS.items():
        cell = cell.replace(typed, meant) if typed not in "'\u2019" else cell
    return cell


CHANGES: Mapping[str, Change] = {  # in the order in which they are made
    "mojibake": _decoded,
    "html-entity": _unescaped,
    "markup": _taken(MARKUP),
    "bom-inside": _taken("\ufeff"),
    "control": _taken(f"[{CONTROL}\ufffe\uffff]"),
    "cr-left": _taken("\r"),
    "zero-width": _taken(f"[{UNSEEN}]"),
    "joiner": _taken(f"(?<![\u0600-\u08ff\u0900-\u0dff\u1780-\u17ff\U0001f300-\U0001faff\ufe0f\u2600-\u27bf])[{JOINERS}]"),
    "csv-quotes": _unquoted,
    "compatibility": lambda cell: WIDE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), cell),
    "normal-forms": partial(unicodedata.normalize, "NFC"),
    "look-alike": _one_script,
    "odd-space": _taken(f"[{ODD_SPACES}]", " "),
    "ends": str.strip,
    "double-blank": _taken(r"[^\S\n]{2,}", " "),
}
OF_SOUNDS: Mapping[str, Change] = {
    "language-mark": _taken(LANGUAGE.pattern),
    "brackets": lambda cell: cell.strip()[1:-1] if BRACKETS.match(cell) else cell,
    "ipa-mixed": _of_ipa,
    "ipa-stand-in": _of_ipa,
}


class Cells:
    """Cleans cells of one role by what was found.  After that: how many cells each kind changed."""

    def __init__(self, case: Case, kinds: frozenset[str], role: str) -> None:
        own = role == "target" and case.manner(role) in SOUNDS
        self._changes = [(kind, change) for kind, change in CHANGES.items() if kind in kinds]
        self._changes += [(kind, change) for kind, change in OF_SOUNDS.items() if kind in kinds and own]
        self._changes += [("ends", str.strip)] if own and kinds & set(OF_SOUNDS) else []
        self._several = (PHONES if own else READINGS) if "several-readings" in kinds and role == "target" else None
        if self._several is READINGS and case.manner(role) == "text":
            self._several = re.compile(r"\s[~|/]\s")
        self.changed: Counter[str] = Counter()
        self.renamed: Mapping[str, str] = {}

    def clean(self, cell: str) -> str:
        """One cell."""
        for kind, change in self._changes:
            made = change(cell)
            if made != cell:
                self.changed[kind] += 1
                cell = made
        if cell in self.renamed:
            self.changed["label-spelling"] += 1
            return self.renamed[cell]
        return cell

    def readings(self, cell: str) -> list[str]:
        """One cell, or each of the readings in it."""
        cell = self.clean(cell)
        if self._several is None:
            return [cell]
        parts = [part.strip() for part in self._several.split(cell) if part.strip()]
        if len(parts) > 1:
            self.changed["several-readings"] += 1
            return list(dict.fromkeys(map(self.clean, parts)))  # a reading that stands there twice is one
        return [cell]
