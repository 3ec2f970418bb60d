"""The symbols of columns: those that occur once, those that validation alone has, marks that are no phones, several readings in a cell."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, FindingPlace, Hits, list_words, short
from regard.check.letters import name_character
from regard.check.patterns import matching

MOST = 100_000  # different symbols that are counted; of a column with more, they are words
LETTERS = 0x110000


class SymbolCounts:
    """Counts letters, and in cells of symbols parted by blanks these, in training and in validation."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._segmented = [r for r, held in case.profiles.items() if held.segmented]
        counted = case.profiles.keys() - case.numeric - {"features", "tags"}
        self._roles = [role for role in case.profiles if role in counted and not case.labelled(role)]
        self._letters: dict[tuple[str, bool], NDArray[np.int64]] = {}
        self._tokens: dict[tuple[str, bool], Counter[str]] = {}
        self._first: dict[tuple[str, bool, str], FindingPlace] = {}
        self._full: set[str] = set()

    def feed(self, block: Block) -> None:
        for role in self._roles:
            if role not in block.cells or role in self._full:
                continue
            if role in self._segmented:
                self._count_tokens(block, role)
            else:
                self._count_letters(block, role)

    def _count_tokens(self, block: Block, role: str) -> None:
        counts = self._tokens.setdefault((role, block.valid), Counter())
        tokens = Counter(" ".join(block.cells[role]).split())
        new = tokens.keys() - counts.keys()
        counts.update(tokens)
        if len(counts) > MOST:
            self._full.add(role)
            return
        if new:
            for i, cell in enumerate(block.cells[role]):
                for token in cell.split():
                    if token in new:
                        self._first.setdefault((role, block.valid, token), block.at(role, i))

    def _count_letters(self, block: Block, role: str) -> None:
        text, cells = block.joined(role)
        codes = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
        counts = self._letters.setdefault((role, block.valid), np.zeros(LETTERS, dtype=np.int64))
        here = np.bincount(codes, minlength=LETTERS)
        for code in np.flatnonzero((counts == 0) & (here > 0)):
            at = text.index(chr(code))
            row = text.count("\n", 0, at)
            if row < len(cells):
                self._first.setdefault((role, block.valid, chr(code)), block.at(role, row))
        counts += here

    def findings(self) -> Iterator[Finding]:
        for role in self._roles:
            if role in self._full:
                continue
            train, valid = self._counted(role, False), self._counted(role, True)
            yield from self._rare(role, train)
            yield from self._unseen(role, train, valid)

    def _counted(self, role: str, valid: bool) -> dict[str, int]:
        if role in self._segmented:
            return dict(self._tokens.get((role, valid), {}))
        counts = self._letters.get((role, valid))
        if counts is None:
            return {}
        return {chr(code): int(counts[code]) for code in np.flatnonzero(counts) if not chr(code).isspace()}

    def _rare(self, role: str, train: dict[str, int]) -> list[Finding]:
        once = [symbol for symbol, count in train.items() if count == 1]
        if not once or sum(train.values()) < 100:
            return []
        once.sort(key=lambda symbol: (symbol.isalnum() and symbol.isascii(), len(symbol)), reverse=True)
        seen = tuple(self._seen(role, False, symbol) for symbol in once[:3])
        told = list_words([name_character(short(symbol, 20)) for symbol in once], 10)
        what = f"{self._unit(role).capitalize()} that occur once in {self._case.column(role)}, {len(once):,} of {len(train):,}: {told}."
        do = "Look at them: a typing error is often the only one of its kind."
        return [Finding("symbol-once", "note", what, len(once), seen, do)]

    def _unseen(self, role: str, train: dict[str, int], valid: dict[str, int]) -> list[Finding]:
        new = sorted((symbol for symbol in valid if symbol not in train), key=lambda symbol: -valid[symbol])
        if not new or not train:
            return []
        seen = tuple(self._seen(role, True, symbol) for symbol in new[:3])
        told = list_words([name_character(short(symbol, 20)) for symbol in new], 10)
        units = f"{self._unit(role).capitalize()} of {self._case.column(role)}"
        what = f"{units} that occur in validation only, {len(new):,}: {told}."
        times = sum(valid[symbol] for symbol in new)
        most = 0.01 if role in self._segmented else 0.05
        level = "warning" if times > most * sum(valid.values()) and times > 10 else "note"
        return [Finding("symbol-only-valid", level, what, len(new), seen, "The net can neither read nor write them.")]

    def _unit(self, role: str) -> str:
        return "symbols" if role in self._segmented else "letters"

    def _seen(self, role: str, valid: bool, symbol: str) -> FindingPlace:
        return self._first.get((role, valid, symbol), FindingPlace(self._case.column(role), 0))


LANGUAGE = re.compile(r"\([a-z]{2,3}(?:-[a-z]+)?\)")  # espeak's mark of a language: (en)
BRACKETS = re.compile(r"^\s*(?:/[^/\n]+/|\[[^\]\n]+\])\s*$", re.MULTILINE)
MARKS = re.compile(r"[~/\\\[\](){}<>*?#=+_^$%&\"“”«»…;!0-9]|(?<=\s)[,.\-–](?=\s|$)|^[,.\-–](?=\s)", re.MULTILINE)
TONED = re.compile(MARKS.pattern.replace("0-9", ""), re.MULTILINE)  # where digits are tones or stress
SEVERAL = re.compile(r"\S\s+[~|]\s+\S|\S\s+/\s+\S|\S[ \t]*[,;][ \t]+\S|\S\s+or\s+\S", re.MULTILINE)


class Phones:
    """What stands among phones and is none; transcriptions that hold several; and cells that are not parted where all others are."""

    def __init__(self, case: Case) -> None:
        self._case = case
        sounds = ("phones", "symbols", "transcription")
        self._roles = {r: held for r, held in case.profiles.items() if held.manner in sounds and r in ("source", "target")}
        self._found = defaultdict[tuple[str, str], Hits](Hits)
        self._rows = 0

    def feed(self, block: Block) -> None:
        self._rows += len(block.lines)
        for role, text, cells in block.texts(self._roles):
            held = self._roles[role]
            if role != "target" and held.manner == "symbols":
                continue
            marks = TONED if held.arpabet > 0.9 or held.manner == "symbols" else MARKS
            looks = (("language-mark", LANGUAGE), ("brackets", BRACKETS), ("several-readings", SEVERAL), ("no-phones", marks))
            for kind, regex in looks:
                hits = self._found[kind, role]
                for i in matching(regex, text, cells):
                    if kind != "no-phones" or _odd(cells[i], marks):
                        hits.add(block.at(role, i))
            if held.segmented:
                self._unparted(block, role, cells)

    def _unparted(self, block: Block, role: str, cells: Sequence[str]) -> None:
        hits = self._found["unsegmented", role]
        for i, cell in enumerate(cells):
            blanks = cell.strip().count(" ")
            few = len(cell) > 12 and blanks < 0.12 * len(cell) and max(map(letters, cell.split())) > 6
            if few or (not blanks and letters(cell) > 3):
                hits.add(block.at(role, i))

    def findings(self) -> Iterator[Finding]:
        told = {
            "language-mark": ("Marks of a language, as (en), stand among the phones", f"{FIX}: they are taken out.", True),
            "brackets": ("Slashes or brackets stand around the transcription", f"{FIX}: they are taken off.", True),
            "several-readings": ("Several readings stand", f"{FIX}: a line for each.", True),
            "no-phones": ("Marks that are no phones stand among them", "Correct the lines, or take the marks out.", False),
            "unsegmented": ("No blanks stand between the symbols", "Part them as in the other lines.", False),
        }
        for (kind, role), hits in self._found.items():
            what, do, fixable = told[kind]
            usual = kind in ("no-phones", "several-readings") and hits.count > 0.3 * self._rows
            if not (usual and kind == "no-phones"):
                what = f"{what} in {self._case.many(hits.count, role)}."
                yield from hits.report(kind, "note" if usual else "warning", what, do, fixable)


def _odd(cell: str, marks: re.Pattern[str]) -> bool:
    """Whether marks stand there beside those that have a kind of their own."""
    cell = cell.strip()[1:-1] if BRACKETS.match(cell) else cell
    rest = SEVERAL.sub("", LANGUAGE.sub("", cell)) if SEVERAL.search(cell) or LANGUAGE.search(cell) else cell
    return marks.search(rest) is not None


def letters(text: str) -> int:
    """Letters of a text; marks that stand on a letter or modify it do not count."""
    return sum(unicodedata.category(c) in ("Ll", "Lu", "Lo") for c in text)


class Readings:
    """Several readings in one cell, of targets that are no phones: `a ~ b`, `a / b`, `a | b`."""

    def __init__(self, case: Case) -> None:
        manner = case.manner("target")
        self._case, self._hits, self._rows = case, Hits(), 0
        self._looks = case.own.translates and manner in ("words", "transcription", "text") and "target" in case.profiles
        self._regex = re.compile(
            r"\S\s[~|]\s\S|\S\s/\s\S" if manner == "text" else r"\S\s*[~|]\s*\S|\S\s*/\s*\S|\S,\s*\S|\S;\s*\S"
        )

    def feed(self, block: Block) -> None:
        if self._looks and "target" in block.cells:
            self._rows += len(block.lines)
            text, cells = block.joined("target")
            if not set("~|/,;").isdisjoint(text):
                for i in matching(self._regex, text, cells):
                    self._hits.add(block.at("target", i))

    def findings(self) -> Iterator[Finding]:
        what = f"Several readings stand in {self._case.many(self._hits.count, 'target')}."
        level = "note" if self._case.manner("target") == "text" or self._hits.count > 0.3 * self._rows else "warning"
        yield from self._hits.report("several-readings", level, what, f"{FIX}: a line for each.", True)
