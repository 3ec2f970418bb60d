"""What is asked of pairs of source and target (`regard check`): sides that were exchanged, each written in the words of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Block, Check, Finding, Hits
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FilesToRead
from regard.check.look import Look
from regard.check.task_checks import TaskChecks
from regard.data.file_format import RecognizedFile
from regard.data.pairs import each_pair

LEARNT = 20_000  # rows by which the words of each side are known
LEAST = 5  # times that a word must be seen there


class ExchangedSides:
    """Counts, in each pair, the words that stand nearly always on the other side."""

    def __init__(self, case: Case) -> None:
        texts = case.manner("source") == case.manner("target") == "text"
        self._looks = {"source", "target"} <= set(case.profiles) and texts
        self._source, self._target = frozenset[str](), frozenset[str]()
        self._hits = {"exchanged": Hits(), "source": Hits(), "target": Hits()}
        self._rows = 0

    def feed(self, block: Block) -> None:
        if not self._looks:
            return
        sides = block.cells["source"], block.cells["target"]
        if not self._rows:
            one, other = (Counter(" ".join(side[:LEARNT]).lower().split()) for side in sides)
            self._source, self._target = _own(one, other), _own(other, one)
        self._rows += len(block.lines)
        wrong = [[_share(cell, away) for cell in side] for side, away in zip(sides, (self._target, self._source), strict=True)]
        for i, (a, b) in enumerate(zip(*wrong, strict=True)):
            if a > 2 and b > 2:
                self._hits["exchanged"].add(block.at("source", i))
            elif a > 3 or b > 3:
                side = "source" if a > 3 else "target"
                self._hits[side].add(block.at(side, i))

    def findings(self) -> Iterator[Finding]:
        told = {
            "exchanged": "pairs have their sides exchanged: each is in the language of the other",
            "source": "sources are in the language of the targets",
            "target": "targets are in the language of the sources",
        }
        for kind, hits in self._hits.items():
            if hits.count < 0.3 * self._rows:
                level = "warning" if kind == "exchanged" or hits.count > 0.005 * self._rows else "note"
                do = "Exchange them." if kind == "exchanged" else "Not translated? Correct or remove them."
                yield from hits.report("mixed-up", level, f"{hits.count:,} {told[kind]}.", do)


def _own(here: Counter[str], there: Counter[str]) -> frozenset[str]:
    """Words of one side that the other hardly has."""
    return frozenset(word for word, count in here.items() if count >= LEAST and there[word] * 20 < count and word.isalpha())


def _share(cell: str, away: frozenset[str]) -> int:
    """How many words of a cell are the other side's own; 0 where they are not nearly all that could be."""
    words = cell.lower().split()
    there = sum(word in away for word in words)
    return there if there * 2 > len(words) else 0


class TransduceChecks(TaskChecks):
    """Of a task that writes a target for each source."""

    translates = True
    noted = ("features-column", "swapped")

    def sure(self, look: Look) -> int:
        """Whatever no other task takes; a pronouncing dictionary, and a table with features, before most others."""
        if look.kind != "table":
            return 1
        features = look.table.width > 1 and any(held.manner == "features" for held in look.table.held)
        return 11 if look.table.format == "cmudict" else 7 if features else 1

    def named(self, given: StatedForm, said: RecognizedFile) -> StatedForm:
        features = said.features if given.features is None else given.features
        return replace(given, source=said.source, target=said.target, features=features)

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        bundles = [i for i in free if form.profiles[i].manner == "features"]
        if "features" not in roles and bundles and form.width > 2:
            roles["features"] = bundles[-1]
            free.remove(bundles[-1])

    def checks(self, case: Case, bad: RecordErrors, files: Sequence[str]) -> list[Check]:
        return [*super().checks(case, bad, files), ExchangedSides(case)]

    def items(self, read: FilesToRead) -> Iterable[Any]:
        return each_pair(read.files, read.layout())
