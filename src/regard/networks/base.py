"""Base classes: what an encoder hands over, and what a decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.aaren import Aaren
from regard.attention.attention import Attention
from regard.attention.pooling import Pool
from regard.attention.weighting import SampledLogProb
from regard.core.state import tree_map

Looks = dict[str, Tensor]  # by name of the attention, such as "decoder.0.cross": "B H Q K"
Attentions = dict[str, Attention | Aaren | Pool]  # what makes such looks, by the same names


@dataclass(frozen=True)
class EncoderOutput:
    """A source, read.  states: one vector a place; final: the last state of each direction, side by side; choice: "B K", where drawn."""

    states: Float[Tensor, "B K D"]
    valid: Bool[Tensor, "B K"]
    final: Float[Tensor, "B D"]
    choice: SampledLogProb | None = None
    looks: Looks = field(default_factory=dict)


class Places(NamedTuple):
    """For what mixes probabilities instead of contexts: what a head would read had the look been at one place alone, and how likely
    that place is.  P = K + 1: the last "place" is nothing at all, certain where nothing is in sight."""

    states: Float[Tensor, "B T P D"]
    share: Float[Tensor, "B T P"]


class DecoderOutput(NamedTuple):
    """What a decoder wrote.  states: what the head reads; looks: where it looked, if asked; choice: "B T", summed over attentions;
    places: where the decoder `mixes`."""

    states: Float[Tensor, "B T D"]
    looks: Looks
    choice: SampledLogProb | None = None
    places: Places | None = None


class Encoder(nn.Module, ABC):
    """Reads a source; padding lies on the right."""

    size: int

    @abstractmethod
    def forward(self, x: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], *, weights: bool = False) -> EncoderOutput: ...

    def attentions(self) -> Attentions:
        """What makes the looks that it tells."""
        return {}


class Decoder(nn.Module, ABC):
    """Writes on from a state.  Law: one call on T steps equals T calls on one step."""

    size: int  # width of DecoderOutput.states
    mixes = False  # hands over DecoderOutput.places, for a head to mix what it reads of them

    @abstractmethod
    def start(self, encoded: EncoderOutput) -> Any:
        """The state before the first word: plain data with a field `at`, "B", the position of the next word."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]: ...

    def attentions(self) -> Attentions:
        """What makes the looks that it tells."""
        return {}


class LookingDecoder(Decoder):
    """A decoder that looks at its source by one attention."""

    attention: Attention

    def attentions(self) -> Attentions:
        return {"decoder.0.cross": self.attention}


def positions(at: Int[Tensor, " B"], count: int) -> Int[Tensor, "B T"]:
    """The positions of `count` words from `at` on."""
    return at[:, None] + torch.arange(count, device=at.device)


def together(*choices: SampledLogProb | None) -> SampledLogProb | None:
    """The log-probability of several draws is the sum of theirs."""
    drawn = [c for c in choices if c is not None]
    return reduce(lambda a, b: tree_map(torch.add, a, b), drawn) if drawn else None
