"""Rows of `cells_loops` within the loops of `inference.kernels.recurrent_steps_numba`, until these are in C too."""

from __future__ import annotations

from typing import Any

from regard.core.fast_math import ONE, sigmoid, tanh
from regard.core.numba_loops import exactly


@exactly
def gru_row(gates: Any, inner: Any, old: Any, new: Any) -> None:
    """Within loops."""
    D = len(new)
    for d in range(D):
        r, z = sigmoid(gates[d] + inner[d]), sigmoid(gates[D + d] + inner[D + d])
        n = tanh(gates[2 * D + d] + r * inner[2 * D + d])
        new[d] = (ONE - z) * n + z * old[d]


@exactly
def lstm_row(gates: Any, inner: Any, old: Any, h: Any, new: Any) -> None:
    """Within loops.  old, new: what the memory cells hold."""
    D = len(new)
    for d in range(D):
        i, f = sigmoid(gates[d] + inner[d]), sigmoid(gates[D + d] + inner[D + d])
        new[d] = f * old[d] + i * tanh(gates[2 * D + d] + inner[2 * D + d])
        h[d] = sigmoid(gates[3 * D + d] + inner[3 * D + d]) * tanh(new[d])
