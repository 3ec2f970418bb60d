"""Recurrent layers, which an encoder reads with: in one direction or two, of PyTorch's nets or of any cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from regard.networks.cells import GRU, LSTM, RNN, Cell, TorchCell, read_gru


class RNNLayers(nn.Module):
    """Layers of cells in one direction or two, made with the arguments of PyTorch's nn.RNNBase and told by its names: what an
    encoder reads with where PyTorch has no such net.

    cell: from the widths of input and state; dropout: between layers, for the encoder to do.
    """

    def __init__(
        self, cell: Callable[[int, int], Cell], input_size: int, hidden_size: int, num_layers: int = 1,
        *, bidirectional: bool = False, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.hidden_size, self.num_layers, self.bidirectional, self.dropout = hidden_size, num_layers, bidirectional, dropout
        both = 2 if bidirectional else 1
        widths = [input_size] + [both * hidden_size] * (num_layers - 1)
        # Of each layer the forward direction, then the backward one.
        self.layers = nn.ModuleList(cell(width, hidden_size) for width in widths for _ in range(both))

    @property
    def cells(self) -> list[Cell]:
        return cast(list[Cell], list(self.layers))


_CELLS: dict[str, type[TorchCell]] = {"RNN_TANH": RNN, "GRU": GRU, "LSTM": LSTM}


def by_cell(net: nn.RNNBase) -> RNNLayers:
    """The layers of one of PyTorch's nets as cells that read step by step, with its very parameters: for use, where matrices lie in a
    form that PyTorch's own loops do not know."""
    with torch.device("meta"):  # nothing is drawn, nothing is kept
        made = RNNLayers(
            _CELLS[net.mode],
            net.input_size,
            net.hidden_size,
            net.num_layers,
            bidirectional=net.bidirectional,
            dropout=net.dropout,
        )
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    for cell, parameters in zip(cast(list[TorchCell], made.cells), net.all_weights, strict=True):
        for name, parameter in zip(names, parameters, strict=True):
            setattr(cell.net, name, parameter)
        cell.step_by_step()
    return made.train(net.training)


Reader = Callable[[Tensor], Tensor]  # one layer in one direction, from a zero state: "B K D" to "B K E"
_READERS: dict[str, Callable[..., Any]] = {"RNN_TANH": torch.rnn_tanh, "GRU": torch.gru, "LSTM": torch.lstm}


def readers(net: nn.RNNBase | RNNLayers) -> list[Reader]:
    """Of each layer the forward direction, then the backward one."""
    if isinstance(net, RNNLayers):
        return [partial(_read_cell, cell) for cell in net.cells]
    return [partial(_read_torch, net, params) for params in net.all_weights]


def _read_torch(net: nn.RNNBase, params: Sequence[Tensor], x: Float[Tensor, "B K D"]) -> Float[Tensor, "B K E"]:
    """By PyTorch's own loops, or, of a GRU in training, by ours."""
    if net.mode == "GRU" and (made := read_gru(x, x.new_zeros(len(x), net.hidden_size), params)) is not None:
        return made
    zero = x.new_zeros(1, len(x), net.hidden_size)
    begin = (zero, zero) if net.mode == "LSTM" else zero
    return _READERS[net.mode](x, begin, params, net.bias, 1, 0.0, net.training, False, True)[0]


def _read_cell(cell: Cell, x: Float[Tensor, "B K D"]) -> Float[Tensor, "B K E"]:
    return cell.read(x, cell.start(x.new_zeros(len(x), cell.size)))[0]
