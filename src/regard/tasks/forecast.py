"""Forecasting (series to series): how a series of numbers goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.networks.coder import Looks
from regard.networks.series import SeriesNet
from regard.tasks.task import Loss, Task

Figures = dict[str, float]
Rows = np.ndarray  # "B A C"


@dataclass(frozen=True, eq=False)
class ForecastBatch:
    """Windows side by side, scaled.  past: what is known; future: what is right, where it is known."""

    past: Float[Tensor, "B L C"]
    future: Float[Tensor, "B A C"] | None = None


class Forecasts(NamedTuple):
    """values: scaled; looks: of each window, padding there is none; of each channel, where they are read alone."""

    values: Float[Tensor, "B A C"]
    looks: Looks


class Forecast(Task):
    """The mean of squared differences, over rows ahead and channels."""

    def __init__(self, network: SeriesNet) -> None:
        super().__init__()
        self.network = network

    def loss(self, batch: ForecastBatch) -> Loss:
        """Summed over all numbers that are right; `tokens` counts them."""
        assert batch.future is not None
        total = ((self.network(batch.past).values - batch.future) ** 2).sum()
        return Loss(total, total.detach(), batch.future.numel())

    @torch.no_grad()
    def answer(self, batch: ForecastBatch, *, weights: bool = False) -> Forecasts:
        """What is ahead of each window."""
        return Forecasts(*self.network(batch.past, weights=weights))


class Errors:
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


class Linear:
    """`y - x_L = W (x - x_L) + b`, one W for all channels: NLinear (Zeng et al. 2023, section 4.2) by least squares, with a little
    ridge, so that there is no seed in it.  weights: "L+1 A", the last row is b."""

    RIDGE = 1e-3  # times the mean of the diagonal

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    @classmethod
    def fitted(cls, windows: Iterable[tuple[Rows, Rows]]) -> Linear:
        """Of windows in parts: (past, future)."""
        gram, cross = 0.0, 0.0
        for past, future in windows:
            x, y = _columns(past), (future - past[:, -1:]).transpose(0, 2, 1).reshape(-1, future.shape[1])
            gram, cross = gram + x.T @ x, cross + x.T @ y
        size = len(np.asarray(gram))
        ridge = cls.RIDGE * np.trace(gram) / size + 1e-9
        return cls(np.linalg.solve(gram + ridge * np.eye(size), cross))

    def __call__(self, past: Rows) -> Rows:
        said = (_columns(past) @ self.weights).reshape(len(past), past.shape[2], -1)
        return said.transpose(0, 2, 1) + past[:, -1:]


def _columns(past: Rows) -> np.ndarray:
    """Every channel of every window as a row, less its last value, and a one."""
    flat = (past - past[:, -1:]).transpose(0, 2, 1).reshape(-1, past.shape[1])
    return np.concatenate([flat, np.ones((len(flat), 1))], 1)
