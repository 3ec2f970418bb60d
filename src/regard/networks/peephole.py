"""LSTMs whose gates see the memory cell, each with its plain step and its loop over a sequence."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.networks.cell_loops import add_product, backwards, behind, product, sigmoid, steps, weight_gradient
from regard.networks.cells import OwnCell, State


class PeepholeLSTM(OwnCell):
    """`i = sigmoid(W_i [x, h] + p_i * c + b_i); f = sigmoid(W_f [x, h] + p_f * c + b_f); c' = f * c + i * tanh(W_c [x, h] + b_c);
    o = sigmoid(W_o [x, h] + p_o * c' + b_o); h' = o * tanh(c')`: each gate sees the memory cell beside it, input and forget
    gate as it was, the output gate as it is.  Gers et al. 2002; Graves 2013, section 2.1, eq. 7-11.

    Use it where the answer depends on exact times or counts that the output gate hides; on text it seldom beats `lstm`.

    Cost: n steps, one after the other, of 4 d (d_x + d) + 3 d multiply-adds; a state of 2 d numbers.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, gates=4)  # i, f, g, o: PyTorch's order
        self.peephole = self._drawn(3, size)  # i, f, o

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h, torch.zeros_like(h)

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        said = self.gates(x.transpose(0, 1))
        y, c = _Diagonal.apply(said, *state, self.weight_hh.to(said.dtype), self.peephole)
        return y.transpose(0, 1), (y[-1], c)

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        h, c = state
        see_i, see_f, see_o = self.peephole
        i, f, g, o = (gates + F.linear(h, self.weight_hh)).chunk(4, -1)
        c = sigmoid(f + see_f * c) * c + sigmoid(i + see_i * c) * torch.tanh(g)
        h = sigmoid(o + see_o * c) * torch.tanh(c)
        return h, (h, c)


class FullPeepholeLSTM(OwnCell):
    """`i = sigmoid(W_i [x, h, c] + b_i); f = sigmoid(W_f [x, h, c] + b_f); c' = f * c + i * tanh(W_c [x, h] + b_c);
    o = sigmoid(W_o [x, h, c'] + b_o); h' = o * tanh(c')`: each gate sees all memory cells, which are concatenated to its input.
    Gers & Schmidhuber 2000, with a full matrix in place of one weight a cell.

    Use it to ask whether a gate gains from the cells of others; `lstm-peephole` has 3 d weights where this has 3 d^2.

    Cost: n steps, one after the other, of 4 d (d_x + d) + 3 d^2 multiply-adds; a state of 2 d numbers.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size, gates=4)  # i, f, g, o
        self.weight_ch = self._drawn(3 * size, size)  # i, f, o

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h, torch.zeros_like(h)

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        said = self.gates(x.transpose(0, 1))
        y, c = _Full.apply(said, *state, self.weight_hh.to(said.dtype), self.weight_ch.to(said.dtype))
        return y.transpose(0, 1), (y[-1], c)

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        h, c = state
        see_both, see_o = self.weight_ch.split([2 * self.size, self.size])
        i, f, g, o = (gates + F.linear(h, self.weight_hh)).chunk(4, -1)
        seen_i, seen_f = F.linear(c, see_both).chunk(2, -1)
        c = sigmoid(f + seen_f) * c + sigmoid(i + seen_i) * torch.tanh(g)
        h = sigmoid(o + F.linear(c, see_o)) * torch.tanh(c)
        return h, (h, c)


def _rooms(said: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For gates, cells (the first is `c`), their tanh and the hidden states, in the type of the state."""
    count, gates = len(said), torch.empty_like(said, dtype=c.dtype)
    cells = c.new_empty(count + 1, *c.shape)
    cells[0] = c
    return gates, cells, c.new_empty(count, *c.shape), c.new_empty(count, *c.shape)


class _Diagonal(torch.autograd.Function):
    """All steps of a PeepholeLSTM, time first: (what the input says, h, c, U, peepholes) to (hidden states, last cell)."""

    @staticmethod
    def forward(ctx: Any, said: Tensor, h: Tensor, c: Tensor, weight: Tensor, see: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(said.device.type, enabled=False):
            (gates, cells, tanhs, y), first, size, turned = _rooms(said, c), h, c.shape[1], weight.t()
            both, i, f, g, o = gates[..., : 2 * size].unflatten(-1, (2, size)), *gates.chunk(4, -1)
            rows = steps(said, gates, both, i, f, g, o, cells[:-1], cells[1:], tanhs, y)
            for heard, all_t, both_t, i_t, f_t, g_t, o_t, old, new, tanh_t, y_t in rows:
                add_product(heard, h, turned, all_t)
                both_t.addcmul_(old[:, None], see[:2]).sigmoid_()
                g_t.tanh_()
                torch.mul(f_t, old, out=new).addcmul_(i_t, g_t)
                o_t.addcmul_(new, see[2]).sigmoid_()
                torch.tanh(new, out=tanh_t)
                h = torch.mul(o_t, tanh_t, out=y_t)
        ctx.save_for_backward(first, weight, see, gates, cells, tanhs, y)
        return y, cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dc: Tensor) -> tuple[Tensor, ...]:
        first, weight, see, gates, cells, tanhs, y = ctx.saved_tensors
        with torch.autocast(dy.device.type, enabled=False):
            slopes, slope_o, through = _slopes(gates, cells, tanhs)
            # c' moves the loss by h' = o tanh(c') and by what o saw of it; c by f and by what i and f saw of it.
            through.addcmul_(slope_o, see[2])
            back = torch.addcmul(gates.chunk(4, -1)[1], slopes[:, :, 0], see[0]).addcmul_(slopes[:, :, 1], see[1])
            moved = torch.empty_like(gates)
            three, last = moved.unflatten(-1, (4, -1)).split([3, 1], 2)
            dh = torch.zeros_like(first)
            for dy_t, all_t, three_t, o_t, slopes_t, slope_t, through_t, back_t in backwards(
                dy, moved, three, last[:, :, 0], slopes, slope_o, through, back
            ):
                dh = dh + dy_t
                dc = torch.addcmul(dc, dh, through_t)
                torch.mul(dc[:, None], slopes_t, out=three_t)
                torch.mul(dh, slope_t, out=o_t)
                dc *= back_t
                dh = product(all_t, weight)
            i, f, _, o = moved.chunk(4, -1)
            seen = torch.stack([(gate * c).sum((0, 1)) for gate, c in ((i, cells[:-1]), (f, cells[:-1]), (o, cells[1:]))])
            return moved.to(weight.dtype), dh, dc, weight_gradient(moved, behind(first, y), weight.dtype), seen


class _Full(torch.autograd.Function):
    """All steps of a FullPeepholeLSTM, time first: (what the input says, h, c, U, the gates' view of c) to (hidden states, last cell)."""

    @staticmethod
    def forward(ctx: Any, said: Tensor, h: Tensor, c: Tensor, weight: Tensor, see: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(said.device.type, enabled=False):
            (gates, cells, tanhs, y), first, size, turned = _rooms(said, c), h, c.shape[1], weight.t()
            see_both, see_o = see[: 2 * size].t(), see[2 * size :].t()
            both, i, f, g, o = gates[..., : 2 * size], *gates.chunk(4, -1)
            rows = steps(said, gates, both, i, f, g, o, cells[:-1], cells[1:], tanhs, y)
            for heard, all_t, both_t, i_t, f_t, g_t, o_t, old, new, tanh_t, y_t in rows:
                add_product(heard, h, turned, all_t)
                add_product(both_t, old, see_both, both_t).sigmoid_()
                g_t.tanh_()
                torch.mul(f_t, old, out=new).addcmul_(i_t, g_t)
                add_product(o_t, new, see_o, o_t).sigmoid_()
                torch.tanh(new, out=tanh_t)
                h = torch.mul(o_t, tanh_t, out=y_t)
        ctx.save_for_backward(first, weight, see, gates, cells, tanhs, y)
        return y, cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dc: Tensor) -> tuple[Tensor, ...]:
        first, weight, see, gates, cells, tanhs, y = ctx.saved_tensors
        with torch.autocast(dy.device.type, enabled=False):
            size = y.shape[2]
            slopes, slope_o, through = _slopes(gates, cells, tanhs)
            moved = torch.empty_like(gates)
            three, last = moved.unflatten(-1, (4, -1)).split([3, 1], 2)
            dh = torch.zeros_like(first)
            for dy_t, all_t, three_t, o_t, slopes_t, slope_t, through_t, f_t in backwards(
                dy, moved, three, last[:, :, 0], slopes, slope_o, through, gates.chunk(4, -1)[1]
            ):
                dh = dh + dy_t
                torch.mul(dh, slope_t, out=o_t)
                dc = torch.addcmul(dc, dh, through_t) + product(o_t, see[2 * size :])
                torch.mul(dc[:, None], slopes_t, out=three_t)
                dc = dc * f_t + product(all_t[:, : 2 * size], see[: 2 * size])
                dh = product(all_t, weight)
            both, _, o = moved.split([2 * size, size, size], -1)
            seen = torch.cat([weight_gradient(both, cells[:-1], see.dtype), weight_gradient(o, cells[1:], see.dtype)])
            return moved.to(weight.dtype), dh, dc, weight_gradient(moved, behind(first, y), weight.dtype), seen


def _slopes(gates: Tensor, cells: Tensor, tanhs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For all steps at once: how c' moves with what i, f and g sum up ("T B 3 D"), h' with what o sums up, and h' with c'."""
    i, f, g, o = gates.chunk(4, -1)
    slopes = torch.stack([(i - i * i) * g, (f - f * f) * cells[:-1], i - i * g * g], 2)
    return slopes, (o - o * o) * tanhs, o - o * tanhs * tanhs
