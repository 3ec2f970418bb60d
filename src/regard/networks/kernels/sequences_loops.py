"""LSTM and GRU over all steps of a sequence in training, forward and backward, compiled: see `regard/kernels/sequences.h`.

What the input says to the gates is one product of PyTorch's before, and the gradients of weights are one product each behind: only what
waits for the step before is done here, of all steps in one call.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.core.loops import call_told, describe
from regard.core.matrices_loops import NOTHING, PackedMatrix

ROWS = 6  # that one thread takes at least: those of a tile


def lstm(
    said: Float[Tensor, "B T 4D"],
    weight: Float[Tensor, "4D D"],
    bias: Float[Tensor, " 4D"] | None,
    h: Float[Tensor, "B D"],
    c: Float[Tensor, "B D"],
) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B D"], Float[Tensor, "B D"]]:
    """All states, the last one and the last cell.  said: `W x + b`, gates in PyTorch's order, i, f, g, o."""
    y, cells = _Sequence.apply("lstm", said, weight, bias, h, c)
    return y, y[:, -1], cells[:, -1]


def gru(
    said: Float[Tensor, "B T 3D"], weight: Float[Tensor, "3D D"], bias: Float[Tensor, " 3D"] | None, h: Float[Tensor, "B D"]
) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B D"]]:
    """All states, and the last one.  said: `W x + b`, gates in PyTorch's order, r, z, n."""
    y, _ = _Sequence.apply("gru", said, weight, bias, h, None)
    return y, y[:, -1]


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kind: str, said: Tensor, weight: Tensor, bias: Tensor | None, h: Tensor, c: Tensor | None) -> Any:
        B, T, D = *said.shape[:2], weight.shape[1]
        said, h, c = said.contiguous(), h.contiguous(), None if c is None else c.contiguous()
        y, gates = said.new_empty(B, T, D), said.new_empty(B, T, 4 * D)
        cells = None if c is None else torch.empty_like(y)
        told = [*describe(said), *_matrix(packed := PackedMatrix.of_floats(weight)), *_given(bias, h, c, y, cells, gates)]
        _go(f"{kind}_forward", told, B, T, packed)
        ctx.kind, ctx.biased = kind, bias is not None
        ctx.save_for_backward(weight, h, c, y, cells, gates)
        ctx.set_materialize_grads(False)
        return y, cells

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor | None, d_cells: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, h, c, y, cells, gates = ctx.saved_tensors
        B, T, _ = y.shape
        d_y = torch.zeros_like(y) if d_y is None else d_y.contiguous()
        d_c = None if c is None else torch.zeros_like(c) if d_cells is None else d_cells[:, -1].contiguous()
        d_said, d_h = y.new_empty(B, T, len(weight)), torch.empty_like(h)
        d_inner, d_before = (
            d_said if d_c is not None else torch.empty_like(d_said),
            None if d_c is None else torch.empty_like(d_c),
        )
        told = [*_given(gates, cells, y, h, c), *_matrix(packed := PackedMatrix.of_floats(weight.t()))]
        told += _given(d_y, d_c, d_said, d_inner, d_h, d_before)
        _go(f"{ctx.kind}_backward", told, B, T, packed)
        before = torch.cat([h[:, None], y[:, :-1]], 1)
        d_weight = d_inner.flatten(0, 1).t() @ before.flatten(0, 1)
        return None, d_said, d_weight, d_inner.sum((0, 1)) if ctx.biased else None, d_h, d_before


def _matrix(packed: PackedMatrix) -> list[int]:
    return [packed.address, *NOTHING[1:]]


def _given(*tensors: Tensor | None) -> list[int]:
    return [number for each in tensors for number in (NOTHING if each is None else describe(each))]


def _go(name: str, told: list[int], rows: int, steps: int, packed: PackedMatrix) -> None:
    units = max(1, min(torch.get_num_threads(), rows // ROWS))
    call_told(name, told, (units,), units=units, cost=rows * steps * packed.inputs * packed.outputs)
