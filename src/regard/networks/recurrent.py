"""Recurrent encoders and decoders: Bahdanau's order of looking, Luong's, and none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention, AttentionOutput, Mixture
from regard.attention.memory import Memory
from regard.attention.weighting import SampledLogProb
from regard.core.errors import ConfigError, message
from regard.networks.base import Decoder, DecoderOutput, Encoder, EncoderOutput, LookingDecoder, Places, positions
from regard.networks.cells import Stack, State
from regard.networks.dropout import Dropout
from regard.networks.rnn_layers import RNNLayers, readers
from regard.networks.weight_gradients import over_time


class RecurrentEncoder(Encoder):
    """Reads with the layers of PyTorch's own nn.RNN, nn.GRU or nn.LSTM (batch_first), or of other cells, in one direction or two, stacked.

    Padding never leaks into the backward direction or the final state: it lies on the right, the backward direction reads each
    sentence turned round within its own length, and the final states are those at its last word.  (So nothing is packed, which
    takes up to half the time on a CPU.)  A row without any real place reads zeros.  Raises ConfigError where padding lies elsewhere.
    """

    def __init__(self, net: nn.RNNBase | RNNLayers, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.net, self.dropout, self.between = net, Dropout(dropout), Dropout(net.dropout)
        self.size = net.hidden_size * (2 if net.bidirectional else 1)

    def forward(self, x: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], *, weights: bool = False) -> EncoderOutput:
        if bool((valid[:, 1:] & ~valid[:, :-1]).any()):
            raise ConfigError(message("encoder", "padding on the right", "a real place behind padding", "Put real places first."))
        length = valid.sum(1, keepdim=True)
        place = torch.arange(x.shape[1], device=x.device).expand_as(valid)
        turned = torch.where(valid, length - 1 - place, place)
        last = (length - 1).clamp(min=0)
        x = x.masked_fill(~valid[..., None], 0.0)  # whatever lies in padding, no gradient comes near it
        both = (False, True) if self.net.bidirectional else (False,)
        reads = iter(readers(self.net))
        for layer in range(self.net.num_layers):
            x = self.between(x) if layer else x
            read = [next(reads)(_at(x, turned) if back else x) for back in both]
            ends = torch.cat([_at(y, last)[:, 0] for y in read], -1)
            x = torch.cat([_at(y, turned) if back else y for y, back in zip(read, both, strict=True)], -1)
        states = x.masked_fill(~valid[..., None], 0.0)
        return EncoderOutput(self.dropout(states), valid, ends * (length > 0))


def _at(x: Float[Tensor, "B K D"], place: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
    return x.gather(1, place[..., None].expand(-1, -1, x.shape[2]))


@dataclass(frozen=True)
class RecurrentState:
    """at: the position of the next word; cells: of each layer; fed: what the last step hands to the next; source: what to look at."""

    at: Int[Tensor, " B"]
    cells: tuple
    fed: Float[Tensor, "B D"] | None
    source: Memory | Float[Tensor, "B D"] = field(metadata={"common": True})


class Bridge(nn.Module):
    """s_0 = tanh(Linear(final states of both directions)), for each layer of the decoder.  Bahdanau et al. 2015, appendix A.2.2."""

    def __init__(self, encoder_size: int, stack: Stack) -> None:
        super().__init__()
        self.linear = nn.Linear(encoder_size, stack.size * len(stack.cells))

    def forward(self, final: Float[Tensor, "B D"], stack: Stack) -> State:
        parts = torch.tanh(self.linear(final)).chunk(len(stack.cells), -1)
        return tuple(cell.start(h) for cell, h in zip(stack.cells, parts, strict=True))


class BahdanauDecoder(LookingDecoder):
    """`c_t = look(s_{t-1}), s_t = cell(s_{t-1}, [c_t; y_{t-1}]), p(y_t) = head([s_t; c_t; y_{t-1}])`: it looks before it moves.
    Bahdanau et al. 2015, section 3.1 and appendix A.2.2.

    The lowest cell takes [context; word].

    Use it by default: what was looked at is in the state that the word is said from.

    Cost: m steps, one after the other, each a look and a cell's step.
    """

    def __init__(self, stack: Stack, attention: Attention, encoder_size: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.stack, self.attention, self.dropout = stack, attention, Dropout(dropout)
        self.bridge, self.mixes = Bridge(encoder_size, stack), attention.weighting.mixes
        self.size = stack.size + stack.cells[0].input_size  # [s; context; word]

    def start(self, encoded: EncoderOutput) -> RecurrentState:
        at = torch.zeros_like(encoded.valid[:, :1].sum(1))
        cells = self.bridge(encoded.final, self.stack)
        return RecurrentState(at, cells, top(cells), self.attention.remember(encoded.states, encoded.valid))

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        lowest, size = self.stack.cells[0], self.attention.context_size
        context_weight, word_weight = lowest.input_weight[:, :size], lowest.input_weight[:, size:]
        said = F.linear(x, word_weight, lowest.input_bias)  # the words' share of the gates, for all steps in one product
        at, cells, h, memory, readings, states = state.at, state.cells, state.fed, state.source, [], []
        with over_time(x.shape[1]):
            for word in said.unbind(1):
                reading = self.attention(h[:, None], memory, at[:, None], weights=weights)
                h, cells = self.stack.step(word + F.linear(reading.context[:, 0], context_weight), cells)
                states.append(h)
                readings.append(reading)
                at, memory = at + 1, reading.memory
        s = torch.stack(states, 1)
        wrote = self.dropout(torch.cat([s, torch.cat([r.context for r in readings], 1), x], -1))
        return collect_output(wrote, readings, self._places(s, x, readings)), RecurrentState(at, cells, h, memory)

    def _places(self, s: Float[Tensor, "B T S"], x: Float[Tensor, "B T X"], readings: list[AttentionOutput]) -> Places | None:
        """[s_t; c; y_{t-1}] for the context c of each place; the state itself has seen the expected one."""
        if (mixture := mixtures(readings)) is None:
            return None
        B, T, P = mixture.share.shape
        each = (s[:, :, None], mixture.context[:, None], x[:, :, None])
        return Places(self.dropout(torch.cat([y.expand(B, T, P, -1) for y in each], -1)), mixture.share)


class LuongDecoder(LookingDecoder):
    """`s_t = cell(s_{t-1}, y_{t-1}), c_t = look(s_t), p(y_t) = head(tanh(W [c_t; s_t]))`: it moves before it looks.  Luong et al. 2015,
    section 3, eq. 5.

    feed: the lowest cell takes [word; what was handed over last] (input feeding, section 3.3), else the word alone, and then
    all steps run at once.

    Use it without feeding where training must be fast, or for `head: hard-monotonic`; with feeding it knows what it looked at before.

    Cost: m steps of the cell and m looks; without feeding all looks are one product.
    """

    def __init__(self, stack: Stack, attention: Attention, encoder_size: int, *, feed: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.stack, self.attention, self.feed, self.dropout = stack, attention, feed, Dropout(dropout)
        self.bridge, self.size, self.mixes = Bridge(encoder_size, stack), stack.size, attention.weighting.mixes
        self.join = nn.Linear(attention.context_size + stack.size, stack.size)

    def start(self, encoded: EncoderOutput) -> RecurrentState:
        at = torch.zeros_like(encoded.valid[:, :1].sum(1))
        fed = encoded.final.new_zeros(len(at), self.stack.size) if self.feed else None
        cells = self.bridge(encoded.final, self.stack)
        return RecurrentState(at, cells, fed, self.attention.remember(encoded.states, encoded.valid))

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        if self.feed:
            return self._fed(x, state, weights)
        if self.attention.sequential:
            return self._one_by_one(x, state, weights)
        h, cells = self.stack.over(x, state.cells)
        reading = self.attention(h, state.source, positions(state.at, x.shape[1]), weights=weights)
        joined = self.dropout(torch.tanh(self.join(torch.cat([reading.context, h], -1))))
        left = RecurrentState(state.at + x.shape[1], cells, None, state.source)
        return collect_output(joined, [reading], self._places(h, [reading])), left

    def _one_by_one(self, x: Tensor, state: RecurrentState, weights: bool) -> tuple[DecoderOutput, Any]:
        h, cells = self.stack.over(x, state.cells)
        at, memory, readings = state.at, cast(Memory, state.source), []
        for t in range(x.shape[1]):
            readings.append(self.attention(h[:, t : t + 1], memory, at[:, None], weights=weights))
            at, memory = at + 1, readings[-1].memory
        joined = self.dropout(torch.tanh(self.join(torch.cat([torch.cat([r.context for r in readings], 1), h], -1))))
        return collect_output(joined, readings, self._places(h, readings)), RecurrentState(at, cells, None, memory)

    def _fed(self, x: Tensor, state: RecurrentState, weights: bool) -> tuple[DecoderOutput, Any]:
        lowest = self.stack.cells[0]
        said = F.linear(x, lowest.input_weight[:, : x.shape[-1]], lowest.input_bias)
        fed_weight = lowest.input_weight[:, x.shape[-1] :]
        at, cells, fed, memory = state.at, state.cells, cast(Tensor, state.fed), cast(Memory, state.source)
        readings, queries, states = list[AttentionOutput](), list[Tensor](), list[Tensor]()
        with over_time(x.shape[1]):
            for word in said.unbind(1):
                h, cells = self.stack.step(word + F.linear(fed, fed_weight), cells)
                reading = self.attention(h[:, None], memory, at[:, None], weights=weights)
                fed = self.dropout(torch.tanh(self.join(torch.cat([reading.context[:, 0], h], -1))))
                states.append(fed)
                queries.append(h)
                readings.append(reading)
                at, memory = at + 1, reading.memory
        places = self._places(torch.stack(queries, 1), readings)
        return collect_output(torch.stack(states, 1), readings, places), RecurrentState(at, cells, fed, memory)

    def _places(self, h: Float[Tensor, "B T S"], readings: list[AttentionOutput]) -> Places | None:
        """tanh(Linear[c; s_t]) for the context c of each place."""
        if (mixture := mixtures(readings)) is None:
            return None
        weight, cut = self.join.weight, self.attention.context_size
        each = F.linear(mixture.context, weight[:, :cut])[:, None] + F.linear(h, weight[:, cut:], self.join.bias)[:, :, None]
        return Places(self.dropout(torch.tanh(each)), mixture.share)


class FixedDecoder(Decoder):
    """Without attention: one fixed context for the whole sentence.  Sutskever et al. 2014 (state), Cho et al. 2014 (both).

    context: makes the fixed vector of what was encoded.  begin: it is the initial state, by the bridge; else that is zero.
    feed: it is an input of every step, the lowest cell taking [context; word].  Hands over s_t, or [s_t; context] where fed.
    """

    def __init__(
        self, stack: Stack, context: nn.Module, context_size: int, *, begin: bool, feed: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if not (begin or feed):
            raise ConfigError(message("context_use", "state, input or both", "neither", "A decoder must see its source."))
        self.stack, self.context, self.feed, self.dropout = stack, context, feed, Dropout(dropout)
        self.bridge = Bridge(context_size, stack) if begin else None
        self.size = stack.size + (context_size if feed else 0)

    def start(self, encoded: EncoderOutput) -> RecurrentState:
        at, context = torch.zeros_like(encoded.valid[:, :1].sum(1)), self.context(encoded)
        zero = context.new_zeros(len(at), self.stack.size)
        cells = self.bridge(context, self.stack) if self.bridge else tuple(cell.start(zero) for cell in self.stack.cells)
        return RecurrentState(at, cells, None, context)

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        context = state.source[:, None].expand(-1, x.shape[1], -1)
        h, cells = self.stack.over(torch.cat([context, x], -1) if self.feed else x, state.cells)
        states = self.dropout(torch.cat([h, context], -1) if self.feed else h)
        return DecoderOutput(states, {}), RecurrentState(state.at + x.shape[1], cells, None, state.source)


class LastState(nn.Module):
    """`c = h_n`: the fixed context is the final state, of both directions side by side.  Sutskever et al. 2014, section 2.

    Use it as the baseline that attention is measured against: it forgets what stands far from the end.

    Cost: none.
    """

    def forward(self, encoded: EncoderOutput) -> Float[Tensor, "B D"]:
        return encoded.final


class TransformedLast(nn.Module):
    """`c = tanh(W h_n + b)`: the fixed context is a transform of the final state.  Cho et al. 2014, appendix A.1.

    Use it where encoder and decoder have different widths or offices.

    Cost: d^2.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, encoded: EncoderOutput) -> Float[Tensor, "B D"]:
        return torch.tanh(self.linear(encoded.final))


class TransformedAll(nn.Module):
    """`c = tanh(W mean(h_1 ... h_n) + b)`: the fixed context is a transform of all states, each counting the same.  Raffel & Ellis 2015,
    section 1, eq. 2 (the mean that attention is measured against).

    Use it where no place counts more than another: topics, sums.

    Cost: n d + d^2.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, encoded: EncoderOutput) -> Float[Tensor, "B D"]:
        real = encoded.valid[..., None]
        mean = (encoded.states * real).sum(1) / real.sum(1).clamp(min=1)
        return torch.tanh(self.linear(mean))


def top(cells: State) -> Float[Tensor, "B D"]:
    """The hidden state of the highest cell."""
    return cells[-1][0] if isinstance(cells[-1], tuple) else cells[-1]


def mixtures(readings: list[AttentionOutput]) -> Mixture | None:
    """The mixtures of all steps side by side; what each place gives is the same at every step."""
    told = [r.mixture for r in readings if r.mixture is not None]
    return Mixture(told[0].context, torch.cat([m.share for m in told], 1)) if told else None


def collect_output(states: Float[Tensor, "B T D"], readings: list[AttentionOutput], places: Places | None) -> DecoderOutput:
    """What was written, with the looks and draws of all its steps side by side."""
    first = readings[0]
    looks = (
        {"decoder.0.cross": torch.cat([r.weights for r in readings if r.weights is not None], 2)}
        if first.weights is not None
        else {}
    )
    if first.choice is None:
        return DecoderOutput(states, looks, None, places)
    parts = [r.choice for r in readings if r.choice is not None]
    choice = SampledLogProb(torch.cat([c.log_prob for c in parts], 1), torch.cat([c.entropy for c in parts], 1))
    return DecoderOutput(states, looks, choice, places)
