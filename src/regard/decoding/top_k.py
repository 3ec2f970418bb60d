"""The largest numbers of each row, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regard.core.errors import RegardError, message
from regard.core.library import Library, library

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# So few are looked for in one pass: of (160, 8,000) five take the compiled loops 0.2 ms and numpy, one after another, 0.35; 8 by
# PyTorch's topk, 11 by argpartition (one core).
FEW = 16


def top_k(x: Float[np.ndarray, "R N"], k: int) -> tuple[Float[np.ndarray, "R K"], Int[np.ndarray, "R K"]]:
    """The k largest of each row, the largest first, of equal ones the first; and their columns.  All of a row that has no more.

    May write over `x`.  RegardError for log-probabilities that are NaN: they can be compared with nothing, and a search would never end.
    """
    k = min(k, x.shape[1])
    if k > FEW:
        return _at_once(x, k)
    loops = library()
    return _one_by_one(x, k) if loops is None or x.dtype != np.float32 else _in_one_pass(loops, x, k)


def refuse_nan(gain: np.ndarray) -> None:
    """RegardError where a log-probability is NaN."""
    if np.isnan(gain).any():
        do = "Look whether the weights, and the numbers that were read, are finite and of a usual size."
        raise RegardError(message("what the net says of the next word", "log-probabilities", "nan", do))


def refuse_other(log_p: np.ndarray) -> None:
    """RegardError for what cannot be -inf: nothing could be forbidden, and a search would never end.  Of a damaged export."""
    if log_p.dtype.kind != "f":
        do = "Export the run again, or train it again."
        raise RegardError(
            message("what the net says of the next word", "log-probabilities", f"numbers of type {log_p.dtype}", do)
        )


def _in_one_pass(loops: Library, x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.ascontiguousarray(x)
    values, places = np.empty((len(x), k), np.float32), np.empty((len(x), k), np.int64)
    loops.top_k(x.ctypes.data, *x.shape, k, values.ctypes.data, places.ctypes.data)
    refuse_nan(values)
    return values, places


def _one_by_one(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(x))
    values, places = np.empty((len(x), k), x.dtype), np.empty((len(x), k), np.int64)
    for i in range(k):
        places[:, i] = x.argmax(1)  # NaN before all else
        values[:, i] = x[rows, places[:, i]]
        x[rows, places[:, i]] = -np.inf
    refuse_nan(values)
    return values, places


def _at_once(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    largest = np.partition(x, -k, axis=1)[:, -k:]  # NaN above all else
    refuse_nan(largest)
    least = largest[:, :1]
    above, equal = x > least, x == least
    some = equal & (equal.cumsum(1) <= k - above.sum(1, keepdims=True))
    places = (above | some).nonzero()[1].reshape(len(x), k)
    values = np.take_along_axis(x, places, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(values, order, 1), np.take_along_axis(places, order, 1)
