"""A GRU over all steps of a sequence in training, forward and backward, compiled: see `regard/kernels/sequence.h`.

What the input says to the gates is one product before, and the gradients of weights are one product each behind: only what waits for the
step before is done here, of all steps in one call.  PyTorch makes a dozen small operations of each step of a GRU (of an LSTM it has
oneDNN's loops, which are as fast as these would be).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.loops import call_told, describe
from regard.core.matrices_loops import PackedMatrix
from regard.core.products import matmul

ROWS = 6  # that one thread takes at least: those of a tile


def gru(
    said: Float[Tensor, "B T 3D"], weight: Float[Tensor, "3D D"], bias: Float[Tensor, " 3D"] | None, h: Float[Tensor, "B D"]
) -> Float[Tensor, "B T D"]:
    """All states.  said: `W x + b`, gates in PyTorch's order, r, z, n; weight, bias: U and its own."""
    made: Tensor = _Sequence.apply(said, weight, bias, h)
    return made


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, said: Tensor, weight: Tensor, bias: Tensor | None, h: Tensor) -> Tensor:
        (B, T, _), D = said.shape, weight.shape[1]
        said, h = said.contiguous(), h.contiguous()
        y, gates, packed = said.new_empty(B, T, D), said.new_empty(B, T, 4 * D), PackedMatrix.of_floats(weight)
        told = describe(said) + packed.describe() + describe(bias, h, y, gates)
        _go("gru_forward", told, B, T, packed)
        ctx.biased = bias is not None
        ctx.save_for_backward(weight, h, y, gates)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
        weight, h, y, gates = ctx.saved_tensors
        (B, T, _), d_y, packed = y.shape, d_y.contiguous(), PackedMatrix.of_floats(weight.t())
        d_said, d_inner, d_h = y.new_empty(B, T, len(weight)), y.new_empty(B, T, len(weight)), torch.empty_like(h)
        _go("gru_backward", describe(gates, y, h) + packed.describe() + describe(d_y, d_said, d_inner, d_h), B, T, packed)
        d_inner, before = d_inner.flatten(0, 1), torch.cat([h[:, None], y[:, :-1]], 1).flatten(0, 1)
        d_weight = matmul(d_inner.t(), before) if ctx.needs_input_grad[1] else None
        return d_said, d_weight, d_inner.sum(0) if ctx.biased else None, d_h


def _go(name: str, told: list[int], rows: int, steps: int, packed: PackedMatrix) -> None:
    units = max(1, min(torch.get_num_threads(), rows // ROWS))
    call_told(name, told, (units,), units=units, cost=rows * steps * packed.inputs * packed.outputs)
