"""Labels: balance, rare ones, twins that differ in case or by a letter, and those of validation alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from regard.check.case import Case
from regard.check.column_profile import NUMBER
from regard.check.finding import FIX, Block, Finding, FindingPlace, list_words, short
from regard.core.plural import many

MOST = 100_000


class Labels:
    """Counts each label, in training and in validation."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._role = next((r for r in case.profiles if case.labelled(r)), "")
        self.counts = {False: Counter[str](), True: Counter[str]()}
        self._first: dict[str, FindingPlace] = {}
        self.spellings: dict[str, str] = {}  # of labels that are written in several ways, the most frequent

    def feed(self, block: Block) -> None:
        cells = block.cells.get(self._role)
        if cells is None or len(self._first) > MOST:
            return
        stripped = [cell.strip() for cell in cells]  # as a training takes them
        here = Counter(stripped)
        for label in here.keys() - self._first.keys():
            self._first[label] = block.at(self._role, stripped.index(label))
        self.counts[block.valid].update(here)

    def findings(self) -> Iterator[Finding]:
        train, valid = self.counts[False], self.counts[True]
        if not train:
            return
        yield from (*self._balance(train), *self._alike(train), *self._rare(train))
        new = [label for label in valid if label not in train]
        if new:
            count = sum(valid[label] for label in new)
            what = f"{many(len(new), 'label occurs', 'labels occur')} in validation only: {list_words(new)}."
            level = "error" if len(new) == len(valid) else "warning"
            do = "No net can give them: correct them, or move rows to training."
            yield Finding("label-only-valid", level, what, count, self.first(new), do, quiet=True)
        if len(train) > 0.5 * train.total() and train.total() >= 20:
            what = f"{len(train):,} different labels in {train.total():,} rows: is {self.case.column(self._role)} the label?"
            yield Finding("many-labels", "error", what, len(train), (), "Name the right column: data.target.", trains=True)

    def first(self, labels: Sequence[str]) -> tuple[FindingPlace, ...]:
        """The first places of some labels."""
        return tuple(self._first[label] for label in labels[:3] if label in self._first)

    def _balance(self, train: Counter[str]) -> Iterator[Finding]:
        label, most = train.most_common(1)[0]
        if len(train) == 1:
            what = f"There is one label only: {short(label)!r}."
            yield Finding("one-label", "error", what, most, self.first([label]), "Is this the right column (data.target)?")
        elif most > 0.95 * train.total():
            what = f"{most / train.total():.1%} have one label, {short(label)!r}: always to say it would seem good."
            lines = self.case.own.majority
            do = "Watch macro_f1, not accuracy" + "".join(f"; set {line}" for line in lines[:1]) + "."
            yield Finding("majority", "warning", what, most, (), do, False, lines)

    def _alike(self, train: Counter[str]) -> Iterator[Finding]:
        groups = self.group(train, lambda label: " ".join(label.split()).casefold().replace("_", " ").replace("-", " "))
        told = list_words([" | ".join(map(repr, group)) for group in groups])
        what = f"{many(len(groups), 'label is', 'labels are')} written in several ways (case, blanks, hyphens): {told}."
        yield from self.several(train, what)

    def group(self, train: Counter[str], fold: Callable[[str], str]) -> list[list[str]]:
        """Those that are one when they are folded, the most frequent spelling of each first, which `spellings` keeps."""
        folded: dict[str, list[str]] = {}
        for label in train:
            folded.setdefault(fold(label), []).append(label)
        groups = [sorted(group, key=lambda label: -train[label]) for group in folded.values() if len(group) > 1]
        self.spellings = {label: group[0] for group in groups for label in group[1:]}
        return groups

    def several(self, train: Counter[str], what: str) -> Iterator[Finding]:
        """What is said of spellings, where there are several."""
        if rare := list(self.spellings):
            count, do = sum(train[x] for x in rare), f"{FIX}: the most frequent."
            yield Finding("label-spelling", "warning", what, count, self.first(rare), do, True)

    def _rare(self, train: Counter[str]) -> Iterator[Finding]:
        rare = [label for label, count in train.items() if count < 3]
        if not rare or train.total() < 30 or len(train) > 0.5 * train.total():
            return
        frequent = [label for label, count in train.items() if count >= 5]
        slips = [(a, b) for a in rare for b in frequent if len(a) > 3 and a.casefold() != b.casefold() and near(a, b)]
        if slips:
            told = list_words([f"{a!r} for {b!r}?" for a, b in slips])
            what = f"{many(len(slips), 'rare label looks', 'rare labels look')} like a slip: {told}"
            yield Finding("label-slip", "warning", what, len(slips), self.first([a for a, _ in slips]), "Correct them.")
        what = f"Labels with fewer than 3 items: {len(rare):,} of {len(train):,} ({list_words(rare)})."
        level = "note" if len(train) > 20 else "warning"
        do = "Too few to learn from: join or remove them."
        yield Finding("rare-label", level, what, len(rare), self.first(rare), do, quiet=True)


def near(a: str, b: str) -> bool:
    """Whether one letter was left out, added or changed, or two were exchanged."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    if NUMBER.fullmatch(a or "0") and NUMBER.fullmatch(b or "0"):
        return False
    swapped = len(a) == len(b) and len(a) > 1 and a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b or a == b[1:] or a[1:] == b[1:]
