"""Whether two systems differ by more than the choice of test items explains: paired tests on counts of items.

One implementation for every figure that `item_counts` holds.  Of BLEU, chrF and TER the counts and the figures are sacrebleu's own, and so
are the p-values, to sampling error (tests/reference/test_significance.py; sacrebleu 2.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.metrics.item_counts import ItemCounts

TRIALS, RESAMPLES = 10_000, 1_000  # as sacrebleu has them
PART = 2_000_000  # cells of a table of random numbers that is held at a time
SEED = 12345  # of sacrebleu
NEAR = 1e-12  # relative: differences that are equal but for rounding


@dataclass(frozen=True)
class PairedResult:
    """How far a system is from a baseline.  difference: its figure less the baseline's; low, high: where 95 of 100 such differences lie
    when items are drawn anew; randomization, bootstrap: two-sided p-values."""

    difference: float
    low: float
    high: float
    randomization: float
    bootstrap: float


def compare_paired(system: ItemCounts, baseline: ItemCounts, *, trials: int = TRIALS, resamples: int = RESAMPLES) -> PairedResult:
    """Both tests of a system against a baseline.  The items are the same, in the same order.

    Approximate randomization (Noreen 1989, Computer-intensive methods for testing hypotheses, chapter 2; Riezler & Maxwell 2005, On some
    pitfalls in automatic evaluation and significance testing for MT): each item is swapped between the two, or not, by a coin; p is the
    share of trials in which they differ at least as much as in truth, the truth counted among them.
    Bootstrap (Koehn 2004, Statistical significance tests for machine translation evaluation; the p-value as in sacrebleu and Moses): items
    are drawn with replacement; p is the share of resamples whose distance, less the mean distance, is at least the true one.  Where two
    systems hardly differ this p is near one half, not one.  (sacrebleu counts what is above the true one alone, in both tests, so that two
    systems that answer alike differ for sure there.)
    """
    difference = system.figure - baseline.figure
    swapped = _swap(system, baseline, trials)
    least = abs(difference) - NEAR * max(abs(system.figure), abs(baseline.figure))  # equal but for rounding counts as equal
    randomization = (int((np.abs(swapped) >= least).sum()) + 1) / (trials + 1)
    drawn = _draw(system, baseline, resamples)
    distance = np.abs(drawn)
    bootstrap = (int((distance - distance.mean() >= least).sum()) + 1) / (resamples + 1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return PairedResult(difference, float(low), float(high), randomization, bootstrap)


def pool_seeds(runs: Sequence[ItemCounts]) -> ItemCounts:
    """The counts of several runs of one system, which differ by their seeds, summed item by item.

    So an item is swapped, or drawn, with all its runs together: runs answer the same items, and counting each run's answer as one more
    item would make differences look surer than they are.  Figures that are means over items become means over runs, too.
    What is tested is whether these runs, in the mean, would differ on other items; that other seeds would differ likewise is seen in
    the spread over runs alone.
    """
    first = runs[0]
    return ItemCounts(np.sum([run.rows for run in runs], axis=0), first.rule, first.names, first.settings)


def correct_holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family of tests, each made so large that the chance of any false alarm among them all stays below what is asked of
    one (Holm 1979, A simple sequentially rejective multiple test procedure)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


def _swap(a: ItemCounts, b: ItemCounts, trials: int) -> NDArray[np.float64]:
    """The difference in each trial.  Items that count alike for both are left out of the drawing: to swap them changes nothing."""
    apart = (a.rows != b.rows).any(1)
    same, mine, theirs = a.rows[~apart].sum(0), a.rows[apart], b.rows[apart]
    by, found = np.random.default_rng(SEED), list[NDArray[np.float64]]()
    for count in _parts(trials, len(mine)):
        kept = by.integers(2, size=(count, len(mine))).astype(np.float64)
        first = same + kept @ mine + (1 - kept) @ theirs
        found.append(a.figures(first) - a.figures(2 * same + mine.sum(0) + theirs.sum(0) - first))
    return np.concatenate(found)


def _draw(a: ItemCounts, b: ItemCounts, resamples: int) -> NDArray[np.float64]:
    """The difference in each resample."""
    by, found, items = np.random.default_rng(SEED), list[NDArray[np.float64]](), len(a.rows)
    for count in _parts(resamples, items):
        drawn = by.multinomial(items, np.full(items, 1 / items), size=count).astype(np.float64)  # how often each item is there
        found.append(a.figures(drawn @ a.rows) - a.figures(drawn @ b.rows))
    return np.concatenate(found)


def _parts(rows: int, columns: int) -> list[int]:
    """So many rows in parts of few cells."""
    most = max(1, PART // max(columns, 1))
    return [min(most, rows - i) for i in range(0, rows, most)]
