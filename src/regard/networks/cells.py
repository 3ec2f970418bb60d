"""Recurrent cells: PyTorch's own arithmetic and parameters, over a whole sequence at once or one step at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from regard.networks.dropout import Dropout

State = Any  # plain data, batch first: a tensor, or a tuple of tensors


class Cell(nn.Module, ABC):
    """One recurrent layer in one direction.  Law: `over` equals `step` after `step`.

    input_size, size: widths of input and state.  The parameters lie in PyTorch's own module (`net`), under its names.
    """

    def __init__(self, net: nn.RNNBase) -> None:
        super().__init__()
        self.net, self.input_size, self.size = net, net.input_size, net.hidden_size

    @abstractmethod
    def start(self, h: Float[Tensor, "B D"]) -> State:
        """The state that begins with hidden state `h`."""

    @abstractmethod
    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        """All steps at once, by PyTorch's fused loop."""

    @abstractmethod
    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        """One step, from the input's share of the gates (see `gates`)."""

    def gates(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B G"]:
        """`W x + b`: what the input says to the gates; it can be taken for many steps in one product."""
        return F.linear(x, self.input_weight, self.input_bias)

    @property
    def input_weight(self) -> Float[Tensor, "G I"]:
        return cast(Tensor, self.net.weight_ih_l0)

    @property
    def input_bias(self) -> Float[Tensor, "G"]:
        return cast(Tensor, self.net.bias_ih_l0)

    def _recurrent(self, h: Tensor) -> Tensor:
        return F.linear(h, cast(Tensor, self.net.weight_hh_l0), cast(Tensor, self.net.bias_hh_l0))


class RNN(Cell):
    """h' = tanh(W x + b + U h + c).  Elman 1990; PyTorch's nn.RNN."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(nn.RNN(input_size, size, batch_first=True))

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        y, h = self.net(x, state[None])
        return y, h[0]

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        h = torch.tanh(gates + self._recurrent(state))
        return h, h


class GRU(Cell):
    """r, z = sigmoid(...); n = tanh(W x + b + r (U h + c)); h' = (1 - z) n + z h.  Cho et al. 2014, with the reset after the
    product, as PyTorch's nn.GRU has it."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(nn.GRU(input_size, size, batch_first=True))

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        y, h = self.net(x, state[None].contiguous())
        return y, h[0]

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        size, inner = self.size, self._recurrent(state)
        r, z = torch.sigmoid(gates[:, : 2 * size] + inner[:, : 2 * size]).chunk(2, -1)
        n = torch.tanh(torch.addcmul(gates[:, 2 * size :], r, inner[:, 2 * size :]))
        h = torch.lerp(n.to(state.dtype), state, z.to(state.dtype))
        return h, h


class LSTM(Cell):
    """i, f, o = sigmoid(...); c' = f c + i tanh(...); h' = o tanh(c').  Hochreiter & Schmidhuber 1997, Gers et al. 2000; nn.LSTM."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(nn.LSTM(input_size, size, batch_first=True))

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h, torch.zeros_like(h)

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        y, (h, c) = self.net(x, (state[0][None].contiguous(), state[1][None].contiguous()))
        return y, (h[0], c[0])

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        h, c = state
        i, f, g, o = (gates + self._recurrent(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)


class Stack(nn.Module):
    """Cells one above the other, with dropout between them.  The state is a tuple of the cells' states, lowest first."""

    def __init__(self, cells: list[Cell], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers, self.dropout, self.size = nn.ModuleList(cells), Dropout(dropout), cells[-1].size

    @property
    def cells(self) -> list[Cell]:
        return cast(list[Cell], list(self.layers))

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        left = []
        for i, (cell, s) in enumerate(zip(self.cells, state, strict=True)):
            x, s = cell.over(self.dropout(x) if i else x, s)
            left.append(s)
        return x, tuple(left)

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        """gates: the input's share of the gates of the lowest cell."""
        y, lowest = self.cells[0].step(gates, state[0])
        left = [lowest]
        for cell, s in zip(self.cells[1:], state[1:], strict=True):
            y, s = cell.step(cell.gates(self.dropout(y)), s)
            left.append(s)
        return y, tuple(left)
