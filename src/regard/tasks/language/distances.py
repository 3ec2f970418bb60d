"""Where a language model looks: how far back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


class Distances:
    """How far back the weight falls: `add` looks, then ask."""

    def __init__(self, near: Sequence[int] = (1, 5)) -> None:
        self._near, self._weight, self._way = dict.fromkeys(near, 0.0), 0.0, 0.0

    def add(self, weights: Float[np.ndarray, "B H T K"], real: Bool[np.ndarray, "B T"]) -> None:
        """weights: of T queries at the last T of K places."""
        T, K = weights.shape[2:]
        far = np.arange(K - T, K)[:, None] - np.arange(K)  # of each query from each place
        kept = (weights.mean(1) * real[..., None]).astype(np.float64).sum(0)
        self._weight += float(kept.sum())
        self._way += float((kept * far).sum())
        for near in self._near:
            self._near[near] += float((kept * (far <= near)).sum())

    def told(self) -> dict[str, float]:
        """The mean distance, in words, and the shares within so many; empty where nothing was looked at."""
        if not self._weight:
            return {}
        return {"distance": self._way / self._weight} | {f"within_{n}": w / self._weight for n, w in self._near.items()}
