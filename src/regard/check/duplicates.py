"""Rows that are there twice, sources with several answers, and sources that training and validation share; 64 bits of memory a row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, FindingPlace, short
from regard.check.raw_lines import RawLines
from regard.core.plural import many

Numbers = NDArray[np.int64]


class Duplicates:
    """A hash of each row and of what is asked in it.  Two rows of a million share one by chance once in 40 million files."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._asked = [r for r in ("source", "second", "features", "tokens", "passage", "question") if r in case.profiles]
        self._answer = [r for r in ("target", "tags", "label") if r in case.profiles]
        self._hashes = {valid: (array("q"), array("q")) for valid in (False, True)}
        self._lines = {valid: array("Q") for valid in (False, True)}
        self._files: list[str] = []
        self._equal = 0
        self._same: list[FindingPlace] = []

    def feed(self, block: Block) -> None:
        asked, whole = self._hashes[block.valid]
        sides = [block.cells[role] for role in self._asked if role in block.cells]
        if not sides:
            return
        asked.extend(map(hash, zip(*sides, strict=True)))
        answers = [block.cells[role] for role in self._answer if role in block.cells]
        whole.extend(map(hash, zip(*sides, *answers, strict=True)))
        file = block.files[self._asked[0]]
        if file not in self._files:
            self._files.append(file)
        start = self._files.index(file) << 40
        self._lines[block.valid].extend(start + line for line in block.lines)
        self._copies(block)

    def _copies(self, block: Block) -> None:
        if self._case.own.translates and {"source", "target"} <= set(block.cells):
            for i, (a, b) in enumerate(zip(block.cells["source"], block.cells["target"], strict=True)):
                if a == b:
                    self._equal += 1
                    if len(self._same) < 3:
                        self._same.append(block.at("source", i))

    def findings(self) -> Iterator[Finding]:
        asked, whole = (np.frombuffer(side, dtype=np.int64) for side in self._hashes[False])
        if len(asked):
            yield from self._repeated(asked, whole)
        valid = np.frombuffer(self._hashes[True][0], dtype=np.int64)
        if len(valid) and len(asked):
            yield from self._shared(asked, valid)
        rows = len(asked) + len(valid)
        if self._equal and rows:
            share = self._equal / rows
            what = f"{many(self._equal, 'target')} ({share:.0%}) {'is' if self._equal == 1 else 'are'} the same as the source."
            text = self._case.manner("target") == "text"
            do = "Not translated? Remove them." if text else "Right where a form does not change."
            level = "warning" if text and share > 0.05 else "note"
            yield Finding("copies", level, what, self._equal, tuple(self._same), do, quiet=True)

    def _repeated(self, asked: Numbers, whole: Numbers) -> Iterator[Finding]:
        again = _later(whole)
        if len(again) and self._answer:
            what = f"{many(len(again), 'row is', 'rows are')} there a second time."
            level = "warning" if len(again) > 0.2 * len(whole) and len(whole) > 50 else "note"
            fixed = self._case.own.tabular
            do = f"{FIX}: each once." if fixed else "Take them out, if they are there by mistake."
            yield Finding("duplicates", level, what, len(again), self._seen(again, False), do, fixed)
        elif len(again) and not self._answer:
            what = f"{many(len(again), 'text is', 'texts are')} there a second time."
            yield Finding("duplicates", "note", what, len(again), self._seen(again, False), "Often right, as in a dialogue.")
        if not self._answer:
            return
        first = np.setdiff1d(np.arange(len(whole)), again)
        several = _later(asked[first])
        if len(several):
            sources, firsts = np.unique(asked[first][several], return_index=True)
            rows = first[several[firsts]]
            yield self._contradiction(len(sources), len(np.unique(asked)), rows)

    def _contradiction(self, count: int, of: int, rows: Numbers) -> Finding:
        seen = self._seen(np.sort(rows), False)
        if self._case.labelled("target") or "tags" in self._answer:
            one, more = self._case.own.unit
            what = f"{many(count, f'{one} has', f'{more} have')} several labels at different places."
            level = "warning" if count > 0.03 * of and count > 3 else "note"
            do = "Decide on one: a net cannot learn both."
        else:
            what = f"{many(count, 'source has', 'sources have')} several targets ({count / of:.1%})."
            level = "warning" if count > 0.5 * of and of > 50 else "note"
            do = "Each counts as right in evaluate. Is something missing that tells them apart (data.features)?"
        return Finding("contradictions", level, what, count, seen, do, quiet=True)

    def _shared(self, asked: Numbers, valid: Numbers) -> list[Finding]:
        both = np.flatnonzero(np.isin(valid, asked))
        if not len(both):
            return []
        share = len(both) / len(valid)
        what = f"{len(both):,} of {len(valid):,} validation items ({share:.1%}) are asked in training too."
        level = "warning" if share > 0.05 and len(both) > 3 and self._answer else "note"
        do = "The figures will be too good: take them out of one of the sets."
        return [Finding("shared", level, what, len(both), self._seen(both, True), do, quiet=True)]

    def _seen(self, rows: Numbers, valid: bool) -> tuple[FindingPlace, ...]:
        packed = (self._lines[valid][int(row)] for row in rows[:3])
        places = [(self._files[place >> 40], place & ((1 << 40) - 1)) for place in packed]
        return tuple(FindingPlace(file, line, text_at(file, line)) for file, line in places)


def _later(hashes: Numbers) -> Numbers:
    """The rows whose hash an earlier one has, in order."""
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1]) + 1
    return np.sort(order[same])


def text_at(file: str, line: int) -> str:
    """A line of a file, read again: what is found at the end has only its number."""
    with closing(RawLines(file).pieces()) as pieces:
        for number, lines in pieces:
            if line < number + len(lines):
                return short(lines[line - number])
    return ""
