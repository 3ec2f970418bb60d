"""Steps of GRU and LSTM cells behind their products, compiled: one pass where PyTorch makes a dozen."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.fast_math import ONE, sigmoid, tanh
from regard.core.numba_loops import arrays, compiled, exactly
from regard.core.parallel import spread


def gru(gates: Float[Tensor, "B 3D"], inner: Float[Tensor, "B 3D"], h: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """The next state.  gates: `W x + b`; inner: `U h + c`."""
    out = torch.empty_like(h)
    given = arrays(*(t.contiguous() for t in (gates, inner, h)), out)
    spread(_gru, given, len(h), gates.numel())
    return out


def lstm(
    gates: Float[Tensor, "B 4D"], inner: Float[Tensor, "B 4D"], c: Float[Tensor, "B D"]
) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
    """The next state and cell.  gates: `W x + b`; inner: `U h + c`."""
    h_out, c_out = torch.empty_like(c), torch.empty_like(c)
    given = arrays(*(t.contiguous() for t in (gates, inner, c)), h_out, c_out)
    spread(_lstm, given, len(c), gates.numel())
    return h_out, c_out


@compiled
def _gru(gates: Any, inner: Any, h: Any, out: Any, first: int, last: int) -> None:
    for b in range(first, last):
        gru_row(gates[b], inner[b], h[b], out[b])


@exactly
def gru_row(gates: Any, inner: Any, old: Any, new: Any) -> None:
    """Within loops."""
    D = len(new)
    for d in range(D):
        r, z = sigmoid(gates[d] + inner[d]), sigmoid(gates[D + d] + inner[D + d])
        n = tanh(gates[2 * D + d] + r * inner[2 * D + d])
        new[d] = (ONE - z) * n + z * old[d]


@compiled
def _lstm(gates: Any, inner: Any, c: Any, h_out: Any, c_out: Any, first: int, last: int) -> None:
    for b in range(first, last):
        lstm_row(gates[b], inner[b], c[b], h_out[b], c_out[b])


@exactly
def lstm_row(gates: Any, inner: Any, old: Any, h: Any, new: Any) -> None:
    """Within loops.  old, new: what the memory cells hold."""
    D = len(new)
    for d in range(D):
        i, f = sigmoid(gates[d] + inner[d]), sigmoid(gates[D + d] + inner[D + d])
        new[d] = f * old[d] + i * tanh(gates[2 * D + d] + inner[2 * D + d])
        h[d] = sigmoid(gates[3 * D + d] + inner[3 * D + d]) * tanh(new[d])
