"""What a figure is counted from, item by item, so that it can be counted anew over other items: what tests of significance need.

A figure here is a function of sums over items: of `edits` and `tokens`, say.  Whoever keeps the counts of each item can swap items between
two systems, or draw items anew, and has the figure of each such corpus without judging a text again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sums = NDArray[np.float64]  # "R C": sums of counts, a row for each corpus


@dataclass(frozen=True)
class ItemCounts:
    """The counts of each item, and the rule by which a figure comes from their sums.

    rows: (items, counts).  rule: a word of `RULES`, or bleu, chrf or ter.  names: what pairs of counts are of, where a rule needs it: two
    systems have the same.  settings: of sacrebleu's metric.
    """

    rows: NDArray[np.float64]
    rule: str = "ratio"
    names: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def figures(self, sums: Sums) -> NDArray[np.float64]:
        """The figure of each row of sums."""
        return RULES[self.rule](sums) if self.rule in RULES else _of_sacrebleu(self.rule, self.settings, sums)

    @property
    def figure(self) -> float:
        """The figure of all items."""
        return float(self.figures(self.rows.sum(0)[None])[0])

    def like(self, other: ItemCounts) -> bool:
        """Whether both count the same things of as many items, so that they can be compared item by item."""
        return (self.rule, self.names, dict(self.settings), self.rows.shape) == (
            *(other.rule, other.names),
            *(dict(other.settings), other.rows.shape),
        )


def in_the_mean(values: ArrayLike) -> ItemCounts:
    """A figure that is the mean of a number of each item, such as whether it is right."""
    each = np.asarray(values, np.float64)
    return ItemCounts(np.stack([each, np.ones_like(each)], 1))


def in_ratio(above: ArrayLike, below: ArrayLike) -> ItemCounts:
    """A figure that is a sum over items over another one, such as edits over tokens."""
    return ItemCounts(np.stack([np.asarray(above, np.float64), np.asarray(below, np.float64)], 1))


def in_classes(found: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> ItemCounts:
    """`macro_f1` of labels: of each how often it is both found and right, and how often it is either, summed."""
    names = tuple(sorted({*labels, *found, *right}))
    place = {name: 2 * i for i, name in enumerate(names)}
    rows = np.zeros((len(found), 2 * len(names)))
    for row, a, b in zip(rows, found, right, strict=True):
        row[place[a]] += a == b
        row[place[a] + 1] += 1
        row[place[b] + 1] += 1
    return ItemCounts(rows, "macro_f1", names)


def in_correlation(found: ArrayLike, right: ArrayLike) -> ItemCounts:
    """Pearson's correlation of a number of each item with the one that is right."""
    x, y = (np.asarray(side, np.float64) for side in (found, right))
    middle = y.mean() if len(y) else 0.0  # the same for all systems; sums of squares far from zero would lose digits
    x, y = x - middle, y - middle
    return ItemCounts(np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1), "pearson")


def _ratio(sums: Sums) -> NDArray[np.float64]:
    return sums[:, 0] / np.maximum(sums[:, 1], 1)


def _f1(sums: Sums) -> NDArray[np.float64]:
    """Counts: found and right, found, right."""
    return 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1)


def _macro_f1(sums: Sums) -> NDArray[np.float64]:
    both, either = sums[:, ::2], sums[:, 1::2]
    return (2 * both / np.maximum(either, 1)).sum(1) / np.maximum((either > 0).sum(1), 1)


def _pearson(sums: Sums) -> NDArray[np.float64]:
    n, x, y, xx, yy, xy = sums.T
    spread = np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0)
    return np.where(
        spread > 1e-12 * np.maximum(n * n * xx * yy, 1e-300), (n * xy - x * y) / np.sqrt(np.maximum(spread, 1e-300)), 0.0
    )


def _exp(sums: Sums) -> NDArray[np.float64]:
    return np.exp(np.minimum(_ratio(sums), 700))


RULES: Mapping[str, Callable[[Sums], NDArray[np.float64]]] = {
    "ratio": _ratio,
    "exp": _exp,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "pearson": _pearson,
}


def _of_sacrebleu(name: str, settings: Mapping[str, Any], sums: Sums) -> NDArray[np.float64]:
    """As `sacrebleu.significance` makes figures of sums of statistics."""
    metric = sacrebleu_metric(name, settings)
    return np.array([metric._aggregate_and_compute([row]).score for row in sums])


def sacrebleu_metric(name: str, settings: Mapping[str, Any]) -> Any:
    """sacrebleu's bleu, chrf or ter."""
    from sacrebleu.metrics import BLEU, CHRF, TER  # here, because who only trains should not wait for it

    return {"bleu": BLEU, "chrf": CHRF, "ter": TER}[name](**settings)
