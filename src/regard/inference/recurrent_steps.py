"""A recurrent decoder with attention in use, a word at a time: cells and look in one compiled call.

Its state is that of the plain decoder, which goes on wherever several words come at once, or weights are to be shown.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.score import Additive, Dot, General, ScaledDot
from regard.attention.weighting import Softmax
from regard.core.optional import module
from regard.inference.prepacked import pack
from regard.networks.base import Decoder, DecoderOutput, EncoderOutput
from regard.networks.cells import GRU, LSTM, TorchCell
from regard.networks.recurrent import BahdanauDecoder, LuongDecoder, RecurrentState

Plain = BahdanauDecoder | LuongDecoder


def of_cells(decoder: Decoder) -> Decoder:
    """The decoder for steps; itself where it is not made of plain parts, or the loops were not built."""
    loops = module("inference.kernels.recurrent_steps_loops")
    return RecurrentSteps(decoder, loops) if loops is not None and isinstance(decoder, Plain) and _plain(decoder) else decoder


class RecurrentSteps(Decoder):
    """A decoder, with its weights of now."""

    def __init__(self, plain: Plain, loops: ModuleType) -> None:
        super().__init__()
        self.size, self.loops = plain.size, loops
        self.plain = (plain,)  # no part of what is in use: its matrices stay as they are
        self.weights = loops.RecurrentWeights(_FlatCells(plain))

    def start(self, encoded: EncoderOutput) -> RecurrentState:
        return self.plain[0].start(encoded)

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        B, T, _ = x.shape
        unfit = x.dtype != torch.float32 or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")
        if weights or unfit or T != 1 or not B or not state.source.valid.shape[1]:
            return self.plain[0](x, state, weights=weights)
        both = isinstance(state.cells[0], tuple)
        hidden, kept = [[pair[i] if both else pair for pair in state.cells] for i in (0, -1)]
        wrote, hidden, kept = self.loops.step(
            x[:, 0], hidden, kept if both else [], state.fed, state.source, self.weights, self.size
        )
        cells = tuple(zip(hidden, kept, strict=True)) if both else tuple(hidden)
        fed = None if state.fed is None else hidden[-1] if isinstance(self.plain[0], BahdanauDecoder) else wrote
        return DecoderOutput(wrote[:, None], {}), RecurrentState(state.at + 1, cells, fed, state.source)


class _FlatCells:
    """All products.  They are: the query's (none: as it is), the word's, that of what is fed beside it (none: nothing),
    the joint one (none: side by side), then of each cell the input's (none: the lowest) and the state's."""

    def __init__(self, plain: Plain) -> None:
        cells = cast(list[TorchCell], plain.stack.cells)
        score, lowest = plain.attention.score, cells[0]
        first = isinstance(plain, BahdanauDecoder)
        of_input: Any = lowest.input_weight
        fed = plain.attention.context_size if first else plain.stack.size if cast(LuongDecoder, plain).feed else 0
        cut = fed if first else lowest.input_size - fed
        parts = of_input[:, :cut], of_input[:, cut:]
        word, beside = parts[::-1] if first else parts
        join = None if first else cast(LuongDecoder, plain).join
        self.products = [
            pack(score.w2[0], None) if isinstance(score, Additive) else None,
            pack(word, lowest.input_bias),
            pack(beside, None) if fed else None,
            None if join is None else pack(join.weight, join.bias),
        ]
        for n, cell in enumerate(cells):
            self.products.append(pack(cell.input_weight, cell.input_bias) if n else None)
            self.products.append(pack(cell.net.weight_hh_l0, cast(Tensor, cell.net.bias_hh_l0)))
        self.v = score.v[0].detach() if isinstance(score, Additive) else torch.zeros(0)
        self.scale = 1 / math.sqrt(plain.stack.size) if isinstance(score, ScaledDot) else 1.0
        self.looks_first = first


def _plain(decoder: Plain) -> bool:
    """Whether a decoder is made of the parts that the loops know: GRUs or LSTMs, and one look by softmax at all of the source."""
    look: Attention = decoder.attention
    return (
        type(decoder) in (BahdanauDecoder, LuongDecoder)
        and {type(cell) for cell in decoder.stack.cells} in ({GRU}, {LSTM})
        and len({cell.size for cell in decoder.stack.cells}) == 1
        and type(look.score) in (Additive, Dot, General, ScaledDot)
        and type(look.weighting) is Softmax
        and look.edit is None
        and look.rotary is None
        and all(isinstance(part, nn.Identity) for part in (look.query, look.key, look.value, look.out))
        and look.scope.exact
        and not look.scope.fades
        and look.scope.reach == (math.inf, math.inf)
        and all(p.device.type == "cpu" and p.dtype == torch.float32 for p in decoder.parameters())
    )
