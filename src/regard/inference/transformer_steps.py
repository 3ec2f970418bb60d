"""A Transformer's decoder in use, a word at a time: its many small operations in a few compiled ones, over caches that are never moved.

What each place keeps (a key and a value in each layer) lies in a slot of a pool, and a row is a list of slots: rows are chosen, repeated
and reordered without a copy of what they keep.  Kwon et al. 2023 (PagedAttention), with pages of one place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.memory import Memory
from regard.attention.score import ScaledDot
from regard.attention.weighting import Softmax
from regard.core.optional import module
from regard.inference.int8 import Int8Weight
from regard.inference.prepacked import pack
from regard.networks.base import Decoder, DecoderOutput, EncoderOutput
from regard.networks.transformer import DecoderLayer, PostNorm, PreNorm, TransformerDecoder, TransformerState

LEAST = 64  # slots of a pool


@dataclass(frozen=True)
class TransformerStepState:
    """at: the position of the next word; slots: where each place lies in the pool; sentence: the row of the source.

    The pool is added to and never changed, whoever shares it; used: how many of its slots are taken.  keys, values, valid: of the
    sources, in every layer.
    """

    at: Int[Tensor, " B"]
    slots: Int[Tensor, "B T"]
    sentence: Int[Tensor, " B"]
    pool: Float[Tensor, "S L 2 D"] = field(metadata={"whole": True})
    used: Int[Tensor, "1"] = field(metadata={"whole": True})
    keys: Float[Tensor, "L N H K E"] = field(metadata={"whole": True})
    values: Float[Tensor, "L N H K E"] = field(metadata={"whole": True})
    valid: Bool[Tensor, "N K"] = field(metadata={"whole": True})


def stepping(decoder: Decoder) -> Decoder:
    """The decoder for steps; itself where it is not made of plain parts, or the loops were not built."""
    loops = module("inference.kernels.transformer_steps_loops")
    return TransformerSteps(cast(TransformerDecoder, decoder), loops) if loops is not None and _plain(decoder) else decoder


class TransformerSteps(Decoder):
    """A decoder, with its weights of now; several words at once, and weights that are to be shown, are left to it."""

    def __init__(self, plain: TransformerDecoder, loops: ModuleType) -> None:
        super().__init__()
        self.size, self.norm, self.loops = plain.size, plain.norm, loops
        self.plain = (plain,)  # no part of what is in use: its matrices stay as they are
        self.layers = [_Layer(cast(DecoderLayer, layer)) for layer in plain.layers]
        self.weights = loops.TransformerWeights(_Flat(self.layers))

    def start(self, encoded: EncoderOutput) -> TransformerStepState:
        begun = self.plain[0].start(encoded)
        B, none = len(begun.at), encoded.states.new_empty(0)
        pool = none.new_empty(LEAST, len(self.layers), 2, self.size)
        keys, values = (torch.stack([getattr(m, name) for m in begun.source]) for name in ("keys", "values"))
        sentence = torch.arange(B, device=begun.at.device)
        return TransformerStepState(
            begun.at,
            sentence.new_empty(B, 0),
            sentence,
            pool,
            sentence.new_zeros(1),
            keys,
            values,
            cast(Memory, begun.source[0]).valid,
        )

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        if weights or torch.is_grad_enabled() or x.shape[1] != 1 or not len(x):  # loops make no gradient
            return self._as_plain(x, state, weights)
        state = _extended(state, 1)
        h = self.norm(self.loops.step(x[:, 0].float().contiguous(), self.weights, state))
        return DecoderOutput(h[:, None], {}), self._kept(state)

    def _kept(self, state: TransformerStepState) -> TransformerStepState:
        """Places that no layer will see again are forgotten."""
        most = max(layer.back for layer in self.layers)
        return state if (T := state.slots.shape[1]) <= most else replace(state, slots=state.slots[:, T - int(most) :])

    def _as_plain(self, x: Float[Tensor, "B T D"], state: TransformerStepState, weights: bool) -> tuple[DecoderOutput, Any]:
        T, kept = x.shape[1], state.slots.shape[1]
        places = state.at[:, None] - kept + torch.arange(kept, device=x.device)
        real, source_at = torch.ones_like(places, dtype=torch.bool), torch.arange(state.valid.shape[1], device=x.device)
        own, source = [], []
        for n, layer in enumerate(self.layers):
            mine = state.pool[state.slots, n].unflatten(-1, (layer.heads, -1)).permute(2, 0, 3, 1, 4).contiguous()  # 2 B H T E
            own.append(Memory(mine[0], mine[1], real, places).latest(layer.back))
            theirs = (state.keys[n, state.sentence], state.values[n, state.sentence], state.valid[state.sentence])
            source.append(Memory(*theirs, source_at.expand(len(x), -1)))
        written, left = self.plain[0](x, TransformerState(state.at, tuple(own), tuple(source)), weights=weights)
        state = _extended(state, T)
        for n, memory in enumerate(left.own):
            count = min(T, memory.valid.shape[1])
            slots = state.slots[:, state.slots.shape[1] - count :]
            for i, each in enumerate((memory.keys, memory.values)):
                state.pool[slots, n, i] = each[:, :, each.shape[2] - count :].transpose(1, 2).flatten(2)
        return written, self._kept(replace(state, at=left.at))


def _extended(state: TransformerStepState, count: int) -> TransformerStepState:
    """The state with so many new slots for each row, `at` moved on.  Where the pool is full, what rows still keep goes into a larger
    one; the old one stays as it is, for whoever else has it."""
    R, T = state.slots.shape
    begin, more = int(state.used), R * count
    pool, used, slots = state.pool, state.used, state.slots
    if begin + more > len(pool):
        live, slots = slots.unique(return_inverse=True)
        begin = len(live)
        larger = pool.new_empty(max(LEAST, 2 * (begin + more), more * 16), *pool.shape[1:])
        larger[:begin] = pool[live]
        pool, used = larger, used.new_full((1,), begin)
    used += more
    new = torch.arange(begin, begin + more, device=slots.device).view(R, count)
    return replace(state, at=state.at + count, slots=torch.cat([slots.view(R, T), new], 1), pool=pool, used=used)


class _Layer:
    """A layer's weights as steps use them.  back: how many places before its own it sees; post: norms stand behind the parts."""

    def __init__(self, layer: DecoderLayer) -> None:
        own, source, feed = layer.own, cast(Attention, layer.source), layer.feedforward.net
        residuals = cast(list[PreNorm | PostNorm], list(layer.residuals))
        self.heads, self.back = own.heads, own.scope.reach[0]
        self.post, self.norms = isinstance(residuals[0], PostNorm), [r.norm for r in residuals]
        self.gelu = isinstance(feed[1], nn.GELU)
        linear = [[own.query, own.key, own.value], [own.out], [source.query], [source.out], [feed[0]], [feed[3]]]
        self.products = [_joined(cast(list[nn.Linear], each)) for each in linear]


class _Flat:
    """All of all layers, one behind the other."""

    def __init__(self, layers: Sequence[_Layer]) -> None:
        self.products = [each for layer in layers for each in layer.products]
        self.norms = [norm for layer in layers for norm in layer.norms]
        self.heads, self.back = [layer.heads for layer in layers], [layer.back for layer in layers]
        self.post, self.gelu = layers[0].post, layers[0].gelu


def _joined(linear: Sequence[nn.Linear]) -> tuple[Any, Tensor | None]:
    """Several products of one thing as one: its matrix, laid out, and its bias."""
    weights: list[Any] = [each.weight for each in linear]
    bias = None if linear[0].bias is None else torch.cat([each.bias for each in linear])
    if all(isinstance(w, Int8Weight) for w in weights):
        return pack(Int8Weight(torch.cat([w.q for w in weights]), torch.cat([w.scale for w in weights])), bias)
    return pack(torch.cat([w.float() for w in weights]), bias)


def _plain(decoder: Decoder) -> bool:
    """Whether a decoder is made of the parts that the loops know."""
    if type(decoder) is not TransformerDecoder:
        return False
    layers = list(decoder.layers)
    alike = {(type(layer), *(type(r) for r in cast(Any, layer).residuals)) for layer in layers}
    closes = isinstance(decoder.norm, nn.LayerNorm if alike == {(DecoderLayer, *[PreNorm] * 3)} else nn.Module)
    return (
        closes
        and alike in ({(DecoderLayer, *[PreNorm] * 3)}, {(DecoderLayer, *[PostNorm] * 3)})
        and all(_known(cast(DecoderLayer, layer)) for layer in layers)
        and all(p.device.type == "cpu" and p.dtype == torch.float32 for p in decoder.parameters())
    )


def _known(layer: DecoderLayer) -> bool:
    """Scaled dot products and softmax over all that was written, or a window of it, and over the whole source."""
    if layer.source is None:
        return False
    looks, scopes = (layer.own, layer.source), (layer.own.scope, layer.source.scope)
    activation = layer.feedforward.net[1]
    return (
        all(type(look.score) is ScaledDot and type(look.weighting) is Softmax for look in looks)
        and all(look.groups == look.heads and look.rotary is None and look.edit is None for look in looks)
        and all(isinstance(part, nn.Linear) for look in looks for part in (look.query, look.out))
        and all(scope.exact and not scope.fades for scope in scopes)
        and (layer.own.scope.reach[1], layer.source.scope.reach) == (0, (math.inf, math.inf))
        and (type(activation) is nn.ReLU or (isinstance(activation, nn.GELU) and activation.approximate == "none"))
    )
