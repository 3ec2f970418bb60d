"""Lengths: pairs that do not go together, shifted lines, outliers, and targets that a bound of decoding cuts."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from regard.check.case import Case
from regard.check.duplicates import text_at
from regard.check.finding import Block, Finding, FindingPlace, Hits
from regard.core.plural import many

WINDOW = 200  # rows in which lengths are compared
SHIFTS = (-3, -2, -1, 1, 2, 3)
FAR = 3  # the farthest of them
Floats = NDArray[np.float64]


class Lengths:
    """Letters of each source and target; a pair of 4-byte numbers a row."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._pair = [r for r in ("source", "target") if r in case.profiles] if case.own.translates else []
        texts = [r for r in case.profiles if r not in case.numeric and r not in ("features", "tags") and not case.labelled(r)]
        self._roles = list(dict.fromkeys((*texts, *self._pair)))
        self._sizes: dict[str, array[int]] = {role: array("I") for role in self._roles}
        self._places: dict[str, array[int]] = {role: array("Q") for role in self._roles}
        self._files: list[str] = []
        self._above = Hits()
        self._needed = 0  # the extra that would let the longest be written

    def feed(self, block: Block) -> None:
        for role in self._roles:
            if role not in block.cells or block.valid:
                continue
            file = block.files[role]
            if file not in self._files:
                self._files.append(file)
            start = self._files.index(file) << 40
            self._sizes[role].extend(map(len, block.cells[role]))
            self._places[role].extend(start + line for line in block.lines)
        if len(self._pair) == 2 and self._case.given.max_ratio is not None and self._case.given.max_extra is not None:
            self._bounded(block)

    def _bounded(self, block: Block) -> None:
        ratio, extra = self._case.given.max_ratio or 0, self._case.given.max_extra or 0
        parted = [word in ("space", "word") for word in (self._case.given.source_tokenizer, self._case.given.target_tokenizer)]
        for i, (source, target) in enumerate(zip(block.cells["source"], block.cells["target"], strict=True)):
            ahead = len(target.split()) if parted[1] else len(target)
            needed = math.ceil(ahead - ratio * (len(source.split()) if parted[0] else len(source)))
            if needed > extra:
                self._above.add(block.at("target", i))
                self._needed = max(self._needed, needed)

    def findings(self) -> Iterator[Finding]:
        what = f"{self._case.many(self._above.count, 'target')} longer than decode.max_ratio and decode.max_extra let be written."
        do = f"Raise decode.max_extra, {self._needed} would do: they can never be right."
        level = "error" if self._above.count > 0.2 * len(self._sizes.get("target", ())) else "warning"
        yield from self._above.report("out-of-bound", level, what, do, trains=True, quiet=True)
        for role in self._roles:
            yield from self._long(role)
        if len(self._pair) == 2:
            source, target = (np.frombuffer(self._sizes[r], dtype=np.uint32).astype(np.float64) for r in self._pair)
            if len(source) == len(target) >= 60:
                shifted = self._shifted(source, target)
                yield from shifted or self._apart(source, target)

    def _place(self, role: str, row: int) -> FindingPlace:
        place = self._places[role][row]
        file, line = self._files[place >> 40], place & ((1 << 40) - 1)
        return FindingPlace(file, line, text_at(file, line))

    def _long(self, role: str) -> list[Finding]:
        sizes = np.frombuffer(self._sizes[role], dtype=np.uint32)
        if len(sizes) < 50:
            return []
        usual = float(np.quantile(sizes, 0.99))
        far = np.flatnonzero(sizes > max(6 * usual, 5 * usual + 60))
        if not len(far):
            return []
        what = f"{self._case.many(len(far), role)} far longer than the others"
        what += f" ({int(sizes.max()):,} letters; 99 of 100 have at most {usual:.0f})."
        level = "warning" if len(far) < 0.005 * len(sizes) + 1 else "note"
        seen = tuple(self._place(role, int(row)) for row in far[:3])
        return [Finding("very-long", level, what, len(far), seen, "Are line ends missing there?")]

    def _shifted(self, source: Floats, target: Floats) -> list[Finding]:
        """Where the lengths of sources go with those of targets some lines further on, from some line to the end."""
        a, b = (np.log1p(side) for side in (source, target))
        if min(a.std(), b.std()) < 0.05:
            return []
        n, size = len(a), min(WINDOW, max(60, len(a) // 3))
        best = _shifts(a, b, size)
        for window, by in enumerate(best):
            if by and best[min(window + 1, len(best) - 1)] == by:  # a chance of one window does not last
                start = FAR + window * (size // 2)
                row = _break(a, b, max(0, start - size), min(n, start + size), by)
                what = f"From line {self._place('target', row).line:,} on, sources go with targets {many(abs(by), 'line')}"
                what += f" {'later' if by > 0 else 'earlier'}: a line is missing or too many there."
                seen = (self._place("source", row), self._place("target", row))
                do = "Look at the lines just before: both sides must have the same number of lines, in the same order."
                return [Finding("shifted", "error", what, n - row, seen, do, trains=True)]
        return []

    def _apart(self, source: Floats, target: Floats) -> Iterator[Finding]:
        a, b = np.log1p(source), np.log1p(target)
        if min(a.std(), b.std()) < 0.05:
            return
        whole = _correlation(a, b)
        texts = all(self._case.manner(role) in ("text", "unspaced text", "phones") for role in self._pair)
        texts = texts or self._case.form.format == "lines"
        if whole < 0.1 and len(a) >= 200 and min(a.std(), b.std()) > 0.2 and texts:
            what = f"The lengths of sources and targets do not go together (correlation {whole:.2f}): are the lines aligned?"
            do = "Look at some pairs: line 7 of one must belong to line 7 of the other."
            yield Finding("unaligned", "warning", what, len(a), (), do)
        ratio = b - a
        middle, spread = float(np.median(ratio)), float(np.median(np.abs(ratio - np.median(ratio)))) * 1.4826
        far = np.flatnonzero((np.abs(ratio - middle) > max(6 * spread, 1.1)) & (np.maximum(source, target) > 15))
        if len(far) and whole > 0.3:
            pairs = many(len(far), "pair whose lengths", "pairs whose lengths")
            what = f"{pairs} do not go together (one side is far longer than its like)."
            seen = tuple(self._place("source", int(row)) for row in far[:3])
            yield Finding("odd-lengths", "note", what, len(far), seen, "Is a part missing, or two lines in one?")


def _correlation(a: Floats, b: Floats) -> float:
    """Pearson's; 0 where a side is constant."""
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _shifts(a: Floats, b: Floats, size: int) -> list[int]:
    """Of each window of rows, of which each overlaps half of the next, the shift by which it fits far better than as it stands; 0: none."""
    each = np.array([_windowed(a, b, size, by) for by in SHIFTS])
    here, best = _windowed(a, b, size, 0), each.max(0)
    chance = 5 / size**0.5  # five deviations of a correlation that is 0
    far = (best > max(0.45, 0.9 * chance)) & (best - here > max(0.35, chance))
    return [int(by) for by in np.where(far, np.array(SHIFTS)[each.argmax(0)], 0)]


def _windowed(a: Floats, b: Floats, size: int, by: int) -> Floats:
    """Pearson's correlation of rows with those `by` rows further on, in each window; 0 where a side is constant."""
    half = size // 2
    count = (len(a) - 2 * FAR) // half
    x, y = a[FAR : FAR + count * half].reshape(count, half), b[FAR + by : FAR + by + count * half].reshape(count, half)
    sums = [part.sum(1) for part in (x, y, x * x, y * y, x * y)]
    sx, sy, xx, yy, xy = (part[:-1] + part[1:] for part in sums)
    n = 2 * half
    spread = np.sqrt(np.maximum(xx - sx * sx / n, 0) * np.maximum(yy - sy * sy / n, 0))
    return np.divide(xy - sx * sy / n, spread, out=np.zeros_like(spread), where=spread > 1e-9)


def _break(a: Floats, b: Floats, first: int, last: int, by: int) -> int:
    """The row from which on the shift fits better than none."""
    a, b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    low, high = max(first, -by), min(last, len(a) - by)
    rows = np.arange(low, high)
    gain = np.abs(a[rows] - b[rows]) - np.abs(a[rows] - b[rows + by])  # > 0: the shift fits better
    after = np.cumsum(gain[::-1])[::-1]
    return int(low + np.argmax(after))
