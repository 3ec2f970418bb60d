"""What was taken for what: answers that are no texts of their own (labels, tags) against those that are right, as two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from regard.metrics.edits import write_table

COLUMNS = ("place", "source", "right", "answered", "score", "mistakes", "operations")
KIND_COLUMNS = ("kind", "right", "answered", "count", "share", "items", "examples")
EXAMPLES = 5


class Confusion(NamedTuple):
    """One label or tag that was taken for another; its text is its kind, `B-from→B-to`."""

    right: str
    answered: str

    def __str__(self) -> str:
        return f"{self.right}→{self.answered}"


class Mistake(NamedTuple):
    """An item that was answered wrong.  place: FILE:LINE; each: what was taken for what, in the order of the item, with what it says
    (a token, or the whole text)."""

    place: str
    source: str
    right: str
    answered: str
    score: float | None
    each: Sequence[tuple[str, Confusion]]


def write_mistakes(path: Path, kinds: Path, found: Sequence[Mistake]) -> Counter[str]:
    """Write two TSVs with a header, and return how often each kind occurs, the commonest first.

    `path`: a line for each item that is wrong; `operations` says what was taken for what, `word:right→answered`.  `kinds`: a line for
    each kind, the commonest first; `share` is its part of all mistakes.  RegardError where the disk refuses.
    """
    counts = Counter(taken for mistake in found for _, taken in mistake.each)
    ranked = sorted(counts, key=lambda taken: (-counts[taken], str(taken)))
    write_table(path, COLUMNS, map(_row, found))
    write_table(kinds, KIND_COLUMNS, _kind_rows(found, counts, ranked))
    return Counter({str(taken): counts[taken] for taken in ranked})


def _row(mistake: Mistake) -> tuple[object, ...]:
    operations = " ".join(f"{said}:{taken}" for said, taken in mistake.each) if len(mistake.each) > 1 else str(mistake.each[0][1])
    score = "" if mistake.score is None else f"{mistake.score:.4f}"
    return (mistake.place, mistake.source, mistake.right, mistake.answered, score, len(mistake.each), operations)


def _kind_rows(found: Sequence[Mistake], counts: Counter[Confusion], ranked: Sequence[Confusion]) -> Iterator[tuple[object, ...]]:
    having: dict[Confusion, list[str]] = {taken: [] for taken in ranked}
    items: Counter[Confusion] = Counter()
    for mistake in found:
        items.update({taken for _, taken in mistake.each})
        for said, taken in mistake.each:
            having[taken].append(f"{said} ({mistake.place})")
    for taken in ranked:
        share = f"{counts[taken] / counts.total():.4f}"
        yield taken, taken.right, taken.answered, counts[taken], share, items[taken], ", ".join(having[taken][:EXAMPLES])
