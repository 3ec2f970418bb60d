"""Forecasts that need no learning, and how far a forecast is from what is right."""

from __future__ import annotations

import numpy as np

Figures = dict[str, float]
Rows = np.ndarray  # "B A C"


class ForecastErrors:
    """Mean squared and mean absolute differences, summed up part by part."""

    def __init__(self) -> None:
        self.square, self.absolute, self.count = 0.0, 0.0, 0

    def add(self, said: Rows, right: Rows) -> None:
        gone = np.asarray(said, dtype=np.float64) - np.asarray(right, dtype=np.float64)
        self.square, self.absolute, self.count = (
            self.square + (gone**2).sum(),
            self.absolute + abs(gone).sum(),
            self.count + gone.size,
        )

    def figures(self, before: str = "") -> Figures:
        return {f"{before}mse": float(self.square / self.count), f"{before}mae": float(self.absolute / self.count)}


def naive(past: Rows, ahead: int) -> Rows:
    """The last value, again and again.  past: "B L C"."""
    return np.repeat(past[:, -1:], ahead, axis=1)


def seasonal(past: Rows, ahead: int, season: int) -> Rows:
    """The last season, again and again."""
    return past[:, -season:][:, np.arange(ahead) % season]


def profile(past: Rows, ahead: int, season: int) -> Rows:
    """The mean of the seasons in sight, phase by phase."""
    whole = past.shape[1] // season
    mean = past[:, -whole * season :].reshape(len(past), whole, season, -1).mean(1)
    return mean[:, np.arange(ahead) % season]
