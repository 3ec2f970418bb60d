"""Correlation: how well numbers agree with those that are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def number_figures(found: Sequence[float], right: Sequence[float]) -> dict[str, float]:
    """`pearson` and `spearman`, from -1 to 1, and `mse`."""
    a, b = np.asarray(found, dtype=np.float64), np.asarray(right, dtype=np.float64)
    return {"pearson": pearson(a, b), "spearman": pearson(ranks(a), ranks(b)), "mse": float(np.mean((a - b) ** 2))}


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation; 0 where one side is all the same, or there are fewer than two."""
    x, y = (np.asarray(side, dtype=np.float64) for side in (a, b))
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))


def kendall(a: ArrayLike, b: ArrayLike) -> float:
    """Kendall's tau-b: of all pairs of places how many both sides order alike, less those they order otherwise; ties are left out of each
    side's count.  Kendall 1945.  0 where one side is all the same, or there are fewer than two."""
    x, y = (np.sign(np.subtract.outer(side, side)) for side in (np.asarray(a, np.float64), np.asarray(b, np.float64)))
    untied = float(np.sqrt(float(np.count_nonzero(x)) * np.count_nonzero(y)))
    return float((x * y).sum()) / untied if untied else 0.0


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """The rank of each value from 1; equal ones share the mean of theirs, as Spearman's correlation wants."""
    each = np.asarray(values, dtype=np.float64)
    _, which, counts = np.unique(each, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: NDArray[np.float64] = (ends - (counts - 1) / 2)[which.reshape(-1)]
    return shared
