"""Recurrent cells over a whole sequence at once or one step at a time: here PyTorch's own, in their arithmetic and parameters.

Cells that PyTorch does not have stand in peephole.py and gru_reset_before.py; they are `OwnCell`s.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from regard.core.optional import loops_in_training, loops_in_use, scan_in_use
from regard.networks.cell_loops import sigmoid
from regard.networks.dropout import Dropout

LOOPS, SEQUENCE = "networks.kernels.cells_loops", "networks.kernels.sequence_loops"
State = Any  # plain data, batch first: a tensor, or a tuple of tensors


class Cell(nn.Module, ABC):
    """One recurrent layer in one direction.  Law: `over` equals `step` after `step`.

    input_size, size: widths of input and state.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.input_size, self.size = input_size, size

    @abstractmethod
    def start(self, h: Float[Tensor, "B D"]) -> State:
        """The state that begins with hidden state `h`."""

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        """All steps at once: `step` after `step`, or in a cell that has one by a faster loop."""
        return self.by_steps(x, state)

    @abstractmethod
    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        """One step, from the input's share of the gates (see `gates`)."""

    def by_steps(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        """All steps, one after the other."""
        said, told = self.gates(x.transpose(0, 1)), []
        if (scan := scan_in_use()) is not None:
            return scan(self.step, said, state)
        for gates in said:
            y, state = self.step(gates, state)
            told.append(y)
        return torch.stack(told, 1), state

    def read(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        """`over`; where a graph is made, which knows no loops but its own, `by_steps`."""
        return self.over(x, state) if scan_in_use() is None else self.by_steps(x, state)

    def step_by_step(self) -> None:
        """From now on `over` is `step` after `step`: for matrices in another form, which quick loops do not know."""
        self.__dict__["over"] = self.by_steps

    def gates(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B G"]:
        """`W x + b`: what the input says to the gates; it can be taken for many steps in one product."""
        return F.linear(x, self.input_weight, self.input_bias)

    @property
    @abstractmethod
    def input_weight(self) -> Float[Tensor, "G I"]: ...

    @property
    @abstractmethod
    def input_bias(self) -> Float[Tensor, " G"]: ...


class TorchCell(Cell):
    """A cell that PyTorch has.  The parameters lie in PyTorch's own module (`net`), under its names."""

    def __init__(self, net: nn.RNNBase) -> None:
        super().__init__(net.input_size, net.hidden_size)
        self.net = net

    def read(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        return self.over(x, state)  # a graph keeps PyTorch's loops whole

    @property
    def input_weight(self) -> Float[Tensor, "G I"]:
        return cast(Tensor, self.net.weight_ih_l0)

    @property
    def input_bias(self) -> Float[Tensor, " G"]:
        return cast(Tensor, self.net.bias_ih_l0)

    def _recurrent(self, h: Tensor) -> Tensor:
        return F.linear(h, cast(Tensor, self.net.weight_hh_l0), cast(Tensor, self.net.bias_hh_l0))


def read_gru(x: Float[Tensor, "B T I"], h: Float[Tensor, "B D"], params: Sequence[Tensor]) -> Float[Tensor, "B T D"] | None:
    """All states of a GRU from h on, by compiled loops; None where nothing is trained, or they are not for this.  params: PyTorch's, of a
    layer in one direction."""
    if not x.numel() or (loops := loops_in_training(SEQUENCE, x, h, *params)) is None:
        return None
    input_weight, weight, *biases = params
    input_bias, bias = biases or (None, None)
    made: Tensor = loops.gru(F.linear(x, input_weight, input_bias), weight, bias, h)
    return made


class OwnCell(Cell):
    """A cell that PyTorch does not have: W, U and b of `gates` gates of width `size`, drawn as PyTorch draws its cells', evenly
    from +- 1 / sqrt(size).  The papers have one bias, where PyTorch has two."""

    def __init__(self, input_size: int, size: int, gates: int) -> None:
        super().__init__(input_size, size)
        self.weight_ih = self._drawn(gates * size, input_size)
        self.weight_hh = self._drawn(gates * size, size)
        self.bias = self._drawn(gates * size)

    def _drawn(self, *shape: int) -> nn.Parameter:
        bound = self.size**-0.5
        return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

    @property
    def input_weight(self) -> Float[Tensor, "G I"]:
        return self.weight_ih

    @property
    def input_bias(self) -> Float[Tensor, " G"]:
        return self.bias


class RNN(TorchCell):
    """`h' = tanh(W x + b + U h + c)`: the simple recurrent net.  Elman 1990, figure 2; PyTorch's nn.RNN.

    Use it to see what gates are for: its gradients vanish or explode geometrically with the lag (`bptt.gradients_by_lag`).

    Cost: n steps, one after the other, of d (d_x + d) multiply-adds; a state of d numbers.
    """

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


class GRU(TorchCell):
    """`r, z = sigmoid(W x + b + U h + c); h~ = tanh(W x + b + r * (U h + c)); h' = (1 - z) * h~ + z * h`: the gated recurrent unit,
    its reset after the product.  Cho et al. 2014, section 2.3, eq. 5-8, in the form of arXiv 1406.1078v1; PyTorch's nn.GRU.

    Use it as a first choice: three quarters of an LSTM's cost, and seldom worse where sequences are short.

    Cost: n steps, one after the other, of 3 d (d_x + d) multiply-adds; a state of d numbers.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(nn.GRU(input_size, size, batch_first=True))

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        if (made := read_gru(x, state, self.net.all_weights[0])) is not None:
            return made, made[:, -1]
        y, h = self.net(x, state[None].contiguous())
        return y, h[0]

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        size, inner = self.size, self._recurrent(state)
        if (loops := loops_in_use(LOOPS, gates, inner, state)) is not None:
            h = loops.gru(gates, inner, state)
            return h, h
        r, z = sigmoid(gates[:, : 2 * size] + inner[:, : 2 * size]).chunk(2, -1)
        n = torch.tanh(torch.addcmul(gates[:, 2 * size :], r, inner[:, 2 * size :]))
        h = torch.lerp(n.to(state.dtype), state, z.to(state.dtype))
        return h, h


class LSTM(TorchCell):
    """`i, f, o = sigmoid(W x + b + U h + c); c' = f * c + i * tanh(W x + b + U h + c); h' = o * tanh(c')`: a memory cell between gates.
    Hochreiter & Schmidhuber 1997, section 4, with the forget gate of Gers et al. 2000, section 3; PyTorch's nn.LSTM.

    Use it where something must be kept over many steps, or counted: the cell adds up, so that its gradient need not vanish.

    Cost: n steps, one after the other, of 4 d (d_x + d) multiply-adds; a state of 2 d numbers.
    """

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(nn.LSTM(input_size, size, batch_first=True))

    def start(self, h: Float[Tensor, "B D"]) -> State:
        return h, torch.zeros_like(h)

    def over(self, x: Float[Tensor, "B T I"], state: State) -> tuple[Float[Tensor, "B T D"], State]:
        y, (h, c) = self.net(x, (state[0][None].contiguous(), state[1][None].contiguous()))
        return y, (h[0], c[0])

    def step(self, gates: Float[Tensor, "B G"], state: State) -> tuple[Float[Tensor, "B D"], State]:
        h, c = state
        inner = self._recurrent(h)
        if (loops := loops_in_use(LOOPS, gates, inner, c)) is not None:
            h, c = loops.lstm(gates, inner, c)
            return h, (h, c)
        i, f, g, o = (gates + inner).chunk(4, -1)
        c = sigmoid(f) * c + sigmoid(i) * torch.tanh(g)
        h = sigmoid(o) * torch.tanh(c)
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
            x, s = cell.read(self.dropout(x) if i else x, s)
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
