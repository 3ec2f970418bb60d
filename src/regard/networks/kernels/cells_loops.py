"""Steps of GRU and LSTM cells behind their products, compiled (`regard/kernels/cells.h`): one pass where PyTorch makes a dozen."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.loops import call


def gru(gates: Float[Tensor, "B 3D"], inner: Float[Tensor, "B 3D"], h: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """The next state.  gates: `W x + b`; inner: `U h + c`."""
    gates, inner, h = gates.contiguous(), inner.contiguous(), h.contiguous()
    out = torch.empty_like(h)
    call("gru_cells", (gates, inner, h, out), units=len(h), steps=gates.numel())
    return out


def lstm(
    gates: Float[Tensor, "B 4D"], inner: Float[Tensor, "B 4D"], c: Float[Tensor, "B D"]
) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
    """The next state and cell.  gates: `W x + b`; inner: `U h + c`."""
    gates, inner, c = gates.contiguous(), inner.contiguous(), c.contiguous()
    h_out, c_out = torch.empty_like(c), torch.empty_like(c)
    call("lstm_cells", (gates, inner, c, h_out, c_out), units=len(c), steps=gates.numel())
    return h_out, c_out
