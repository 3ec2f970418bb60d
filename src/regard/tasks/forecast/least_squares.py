"""Forecasts by least squares: a linear map of what is known, and a blend of several forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from regard.tasks.forecast.baselines import Rows


class Blend:
    """`y = x_L + sum_k w_k (f_k - x_L)`, with weights w_k >= 0 by least squares: forecasts f_k mixed with each other and with the last
    value x_L, by what each is worth (Bates & Granger 1969; non-negative as in Breiman 1996, section 2)."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    @classmethod
    def fitted(cls, parts: Iterable[tuple[Rows, Sequence[Rows], Rows]]) -> Blend:
        """Of windows in parts: (past, forecasts, future)."""
        gram, cross = np.zeros((1, 1)), np.zeros(1)
        for past, forecasts, future in parts:
            each = np.stack([(f - past[:, -1:]).ravel() for f in forecasts], 1)
            gram, cross = gram + each.T @ each, cross + each.T @ (future - past[:, -1:]).ravel()
        best, least = np.zeros(len(cross)), 0.0
        for some in (list(c) for size in range(1, len(cross) + 1) for c in combinations(range(len(cross)), size)):
            found = np.linalg.lstsq(gram[np.ix_(some, some)], cross[some], rcond=None)[0]
            error = float(found @ gram[np.ix_(some, some)] @ found - 2 * found @ cross[some])
            if (found >= 0).all() and error < least:
                best, least = np.zeros(len(cross)), error
                best[some] = found
        return cls(best)

    def __call__(self, past: Rows, forecasts: Sequence[Rows]) -> Rows:
        last = past[:, -1:]
        return last + sum(w * (f - last) for w, f in zip(self.weights, forecasts, strict=True))


class LinearForecast:
    """`y - x_L = W (x - x_L) + b`, one W for all channels: NLinear (Zeng et al. 2023, section 4.2) by least squares, with a little
    ridge, so that there is no seed in it.  weights: "L+1 A", the last row is b.  own: "C L+1 A", a map for each channel, drawn towards the
    one of all as far as `DRAWN` of the mean channel's windows would; of one channel, or where they are not asked for, none."""

    RIDGE = 1e-3  # times the mean of the diagonal
    DRAWN = 0.3

    def __init__(self, weights: np.ndarray, own: np.ndarray | None = None) -> None:
        self.weights, self.own = weights, own

    @classmethod
    def fitted(cls, windows: Iterable[tuple[Rows, Rows]], *, own: bool = False) -> LinearForecast:
        """Of windows in parts: (past, future)."""
        gram, cross = np.zeros((1, 1, 1)), np.zeros((1, 1, 1))
        for past, future in windows:
            x, y = _columns(past), (future - past[:, -1:]).transpose(2, 0, 1)
            gram, cross = gram + x.transpose(0, 2, 1) @ x, cross + x.transpose(0, 2, 1) @ y
        whole, size = gram.sum(0), gram.shape[-1]
        ridge = (cls.RIDGE * np.trace(whole) / size + 1e-9) * np.eye(size)
        weights = np.linalg.solve(whole + ridge, cross.sum(0))
        if not own or len(gram) == 1:
            return cls(weights)
        drawn = cls.DRAWN / len(gram) * whole + ridge / len(gram)
        return cls(weights, np.linalg.solve(gram + drawn, cross + drawn @ weights))

    def __call__(self, past: Rows) -> Rows:
        return self._said(past, self.weights)

    def each(self, past: Rows) -> Rows:
        """By each channel's own map."""
        return self._said(past, self.weights if self.own is None else self.own)

    @staticmethod
    def _said(past: Rows, weights: np.ndarray) -> Rows:
        return (_columns(past) @ weights).transpose(1, 2, 0) + past[:, -1:]


def _columns(past: Rows) -> np.ndarray:
    """Every channel of every window as a row, less its last value, and a one: "C B L+1"."""
    flat = (past - past[:, -1:]).transpose(2, 0, 1)
    return np.concatenate([flat, np.ones((*flat.shape[:2], 1))], 2)
