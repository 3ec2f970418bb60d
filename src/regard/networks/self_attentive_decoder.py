"""The self-attentive decoder: a recurrent decoder that looks back at its own states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention, AttentionOutput
from regard.attention.key_value import part_width
from regard.attention.memory import Memory
from regard.attention.weighting import SampledLogProb
from regard.core.errors import ConfigError, message
from regard.networks.base import Attentions, Decoder, DecoderOutput, EncoderOutput, positions, together
from regard.networks.dropout import Dropout


@dataclass(frozen=True)
class SelfAttentiveState:
    """inner: of the decoder that writes; own: the states that it wrote so far, to look at."""

    inner: Any
    own: Memory

    @property
    def at(self) -> Int[Tensor, " B"]:
        return self.inner.at


class SelfAttentiveDecoder(Decoder):
    """`h*_t = tanh(W [r_t; h_t]), r_t = sum_{i<t} a_ti h_i`: self-attention over the past of a recurrent net.
    Daniluk et al. 2017 (by an additive score; here by any, such as general, `h_t W h_i`); Cheng et al. 2016, section 3 (additive too).

    decoder: any that hands over [its state; whatever else]; h* takes the state's place.  states: width of that state.
    attention: how it looks back, made for parts of a state; its scope never looks ahead (`causal & ~window(0)`: earlier states).
    parts: 1, the state is query, key and value, and is spoken (plain); 2, h = [k; v], k asks and k is spoken (key-value); 3,
    h = [k; v; p], p is spoken (key-value-predict).
    The first word has no past and reads zeros.  What was read is not fed back into the cells (Cheng et al. feed it).
    Raises ConfigError for a scope that looks ahead, a width that does not part, and exact marginal weightings.

    Use it where words said long ago must be said again or matched: names, brackets, agreement.  A window of ten or twenty states is
    often all that it uses.

    Cost: m^2 d in training, all steps at once; in use m d a step, and a memory that grows with what is written.
    """

    def __init__(self, decoder: Decoder, attention: Attention, states: int, *, parts: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        scope, part = attention.scope, part_width(states, parts)
        if scope.whole or scope.reach[1] > 0:
            do = "Use `causal & ...`, or a window(back, 0)."
            raise ConfigError(message("past", "a scope that never looks ahead", type(scope).__name__, do))
        if attention.weighting.mixes:
            kind = type(attention.weighting).__name__
            raise ConfigError(message("past", "a weighting that gathers one context", kind, "Use it in model.attention."))
        self.decoder, self.attention, self.dropout = decoder, attention, Dropout(dropout)
        self.size, self.states, self.parts, self.mixes = decoder.size, states, parts, decoder.mixes
        self.join = nn.Linear(attention.context_size + part, states, bias=False)

    def start(self, encoded: EncoderOutput) -> SelfAttentiveState:
        none = encoded.states.new_zeros(len(encoded.states), 0, self.states // self.parts)
        return SelfAttentiveState(self.decoder.start(encoded), self.attention.remember(none, encoded.valid[:, :0]))

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        at = positions(state.at, x.shape[1])
        written, inner = self.decoder(x, state.inner, weights=weights)
        told = written.states[..., : self.states].chunk(self.parts, -1)
        look = self._one_by_one if self.attention.sequential else self._at_once
        reading = look(told[0], told[min(1, self.parts - 1)], state.own, at, weights)
        states, places = self._spoken(written.states, reading.context), written.places
        if places is not None:  # what is read of one's own past is the same, wherever in the source the look may have been
            read = reading.context[:, :, None].expand(*places.states.shape[:3], -1)
            places = places._replace(states=self._spoken(places.states, read))
        looks = written.looks | ({"decoder.0.self": reading.weights} if reading.weights is not None else {})
        # What steps through the past of its looks may ask for places beside those in sight (a convolution does): they are kept.
        reach = math.inf if self.attention.sequential else self.attention.scope.reach[0]
        kept = reading.memory.latest(reach)
        choice = together(written.choice, reading.choice)
        return written._replace(states=states, looks=looks, choice=choice, places=places), SelfAttentiveState(inner, kept)

    def attentions(self) -> Attentions:
        return self.decoder.attentions() | {"decoder.0.self": self.attention}

    def _spoken(self, states: Float[Tensor, "*B D"], read: Float[Tensor, "*B E"]) -> Float[Tensor, "*B D"]:
        """[h*; whatever else] of [h; whatever else] and of what was read."""
        h, rest = states[..., : self.states], states[..., self.states :]
        part = h.chunk(self.parts, -1)[2 if self.parts == 3 else 0]
        return torch.cat([self.dropout(torch.tanh(self.join(torch.cat([read, part], -1)))), rest], -1)

    def _at_once(self, key: Tensor, value: Tensor, own: Memory, at: Tensor, weights: bool) -> AttentionOutput:
        memory = own.extend(self.attention.remember(key, at=at, values=value))
        return self.attention(key, memory, at, weights=weights)

    def _one_by_one(self, key: Tensor, value: Tensor, own: Memory, at: Tensor, weights: bool) -> AttentionOutput:
        """For what reads the past of its own looks; a look before a place was written took nothing of it."""
        steps = zip(key.split(1, 1), value.split(1, 1), at.split(1, 1), strict=True)
        readings = []
        for k, v, now in steps:
            readings.append(self._at_once(k, v, own, now, weights))
            own = readings[-1].memory
        shown = [r.weights for r in readings if r.weights is not None]
        length = own.valid.shape[1]
        wide = [torch.cat([w, w.new_zeros(*w.shape[:3], length - w.shape[3])], -1) for w in shown]
        drawn = [r.choice for r in readings if r.choice is not None]
        choice = SampledLogProb(*(torch.cat(parts, 1) for parts in zip(*drawn, strict=True))) if drawn else None
        return AttentionOutput(torch.cat([r.context for r in readings], 1), own, torch.cat(wide, 2) if wide else None, choice)
