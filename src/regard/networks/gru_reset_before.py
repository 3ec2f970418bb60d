"""The GRU whose reset comes before the product, with its plain step and its loop over a sequence."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.networks.cell_loops import add_product, backwards, behind, product, sigmoid, steps, weight_gradient
from regard.networks.cells import OwnCell, State


class ResetBeforeGRU(OwnCell):
    """`r = sigmoid(W_r [x, h] + b_r); z = sigmoid(W_z [x, h] + b_z); h~ = tanh(W [x, r * h] + b); h' = (1 - z) * h + z * h~`: the gated
    recurrent unit with the reset before the product.  Cho et al. 2014, section 2.3, eq. 5-8 (z turned round, as in Bahdanau et al.
    2015, appendix A.1.1).

    It is not `gru`: PyTorch's nn.GRU resets after the product, h~ = tanh(W x + r * (U h)), and its z keeps where this one renews,
    h' = (1 - z) * h~ + z * h.

    Use it to reproduce the papers; else `gru`, which is kept as other toolkits keep it, costs the same.

    Cost: n steps, one after the other, of 3 d (d_x + d) multiply-adds, two products a step in place of one; a state of d numbers.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, gates=3)  # r, z, h~: PyTorch's order

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        said = self.gates(x.transpose(0, 1))
        y = _ResetBefore.apply(said, state, self.weight_hh.to(said.dtype))
        return y.transpose(0, 1), y[-1]

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        parts = [2 * self.size, self.size]
        (both, new), (both_weight, new_weight) = gates.split(parts, -1), self.weight_hh.split(parts)
        r, z = sigmoid(both + F.linear(state, both_weight)).chunk(2, -1)
        new = torch.tanh(new + F.linear(r * state, new_weight))
        h = torch.lerp(state, new.to(state.dtype), z.to(state.dtype))
        return h, h


class _ResetBefore(torch.autograd.Function):
    """All steps of a ResetBeforeGRU, time first: (what the input says, h, U) to the hidden states."""

    @staticmethod
    def forward(ctx: Any, said: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        with torch.autocast(said.device.type, enabled=False):
            first, size, gates = h, h.shape[1], torch.empty_like(said, dtype=h.dtype)
            y, kept = (h.new_empty(len(said), *h.shape) for _ in range(2))  # kept: r * h
            weight_both, weight_new = weight[: 2 * size].t(), weight[2 * size :].t()
            parts = [2 * size, size]
            rows = steps(*said.split(parts, -1), *gates.split(parts, -1), *gates.chunk(3, -1)[:2], kept, y)
            for heard_both, heard_new, both_t, new_t, r_t, z_t, kept_t, y_t in rows:
                add_product(heard_both, h, weight_both, both_t).sigmoid_()
                torch.mul(r_t, h, out=kept_t)
                add_product(heard_new, kept_t, weight_new, new_t).tanh_()
                h = torch.lerp(h, new_t, z_t, out=y_t)
        ctx.save_for_backward(first, weight, gates, kept, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
        first, weight, gates, kept, y = ctx.saved_tensors
        with torch.autocast(dy.device.type, enabled=False):
            size = y.shape[2]
            (r, z, new), before = gates.chunk(3, -1), behind(first, y)
            # How h' moves with what h~ and z sum up, r * h with what r sums up, and h' with h.
            slope_new, slope_z, slope_r, stays = z - z * new * new, (z - z * z) * (new - before), (r - r * r) * before, 1 - z
            moved = torch.empty_like(gates)
            dh = torch.zeros_like(first)
            for dy_t, both_t, r_t, z_t, new_t, open_t, slope_r_t, slope_z_t, slope_new_t, stays_t in backwards(
                dy, moved[..., : 2 * size], *moved.chunk(3, -1), r, slope_r, slope_z, slope_new, stays
            ):
                dh = dh + dy_t
                torch.mul(dh, slope_new_t, out=new_t)
                kept_t = product(new_t, weight[2 * size :])
                torch.mul(kept_t, slope_r_t, out=r_t)
                torch.mul(dh, slope_z_t, out=z_t)
                dh = torch.addcmul(dh * stays_t, kept_t, open_t) + product(both_t, weight[: 2 * size])
            both, new = moved.split([2 * size, size], -1)
            turned = torch.cat([weight_gradient(both, before, weight.dtype), weight_gradient(new, kept, weight.dtype)])
            return moved.to(weight.dtype), dh, turned
