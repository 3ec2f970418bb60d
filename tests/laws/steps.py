"""A step of tensors as decoding takes it: what is a table of PyTorch, or a net, is searched like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from regard.core.state import reorder, select


class TensorSteps:
    """step: (words "B", state) to (log-probabilities "B V", state), in tensors."""

    def __init__(self, step: Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]) -> None:
        self._step = step

    def step(self, words: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        log_p, state = self._step(torch.from_numpy(words), state)
        return log_p.detach().numpy().copy(), state

    def select(self, state: Any, rows: np.ndarray) -> Any:
        return select(state, torch.from_numpy(rows))

    def reorder(self, state: Any, rows: np.ndarray) -> Any:
        return reorder(state, torch.from_numpy(rows))
