"""How far a mean may be trusted: the bootstrap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

DRAWS, SEED = 1000, 12345


class Interval(NamedTuple):
    """A mean, and the interval that holds it at 95 %."""

    mean: float
    low: float
    high: float


def mean_interval(values: ArrayLike, *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """The mean of items and its percentile bootstrap interval, items drawn with replacement.  Efron & Tibshirani 1993, chapter 13.

    ValueError for no items.
    """
    each = np.asarray(values, dtype=np.float64)
    if not each.size:
        raise ValueError("values: expected one at least; received none.")
    drawn = np.random.default_rng(seed).integers(0, each.size, (draws, each.size))
    low, high = np.percentile(each[drawn].mean(1), (2.5, 97.5))
    return Interval(float(each.mean()), float(low), float(high))
