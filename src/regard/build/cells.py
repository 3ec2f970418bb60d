"""From the words of a config to recurrent cells, and to what an encoder reads with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from torch import nn

from regard.build import user_classes
from regard.config import ModelSection, mechanisms
from regard.networks.cells import Cell
from regard.networks.rnn_layers import RNNLayers


def _find_class(name: str) -> type[Cell]:
    """The class of `module:Class`, a name of the table."""
    module, _, kind = name.partition(":")
    found: type[Cell] = getattr(import_module(f"regard.networks.{module}"), kind)
    return found


CELLS: Mapping[str, type[Cell]] = {word: _find_class(known.names) for word, known in mechanisms.CELLS.items()}
NETS: Mapping[str, Callable[..., nn.RNNBase]] = {  # what PyTorch has; an encoder reads other cells as `RNNLayers`
    "rnn": partial(nn.RNN, batch_first=True),
    "gru": partial(nn.GRU, batch_first=True),
    "lstm": partial(nn.LSTM, batch_first=True),
}


def make_cell(word: mechanisms.Word, input_size: int, size: int) -> Cell:
    """The cell that a word names, for inputs and states of these widths.  Raises ConfigError for a class that cannot be had."""
    if not word.module:
        return CELLS[word.name](input_size, size)
    sizes = {"input_size": input_size, "size": size}
    made: Cell = user_classes.make_instance(word, Cell, sizes, given=tuple(sizes))
    return made


def make_reader(m: ModelSection, input_size: int) -> nn.RNNBase | RNNLayers:
    """The layers of cells of a recurrent encoder, for vectors of this width."""
    cell, both = mechanisms.reader(m.encoder)
    layers = NETS.get(cell.name) or partial(RNNLayers, partial(make_cell, cell))
    between = m.dropout if m.encoder_layers > 1 else 0.0
    return layers(input_size, m.size, m.encoder_layers, bidirectional=both, dropout=between)
