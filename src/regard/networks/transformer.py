"""The Transformer.  Vaswani et al. 2017."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.memory import Memory
from regard.attention.weighting import SampledLogProb
from regard.core.errors import ConfigError, message
from regard.core.state import tree_map
from regard.networks.base import Attentions, Decoder, DecoderOutput, Encoder, EncoderOutput, Looks, positions, together
from regard.networks.dropout import Dropout


class Residual(nn.Module, ABC):
    """How a sublayer is added to what goes in."""

    def __init__(self, size: int, *, dropout: float = 0.0, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(size, eps=epsilon), Dropout(dropout)

    @abstractmethod
    def forward(self, x: Float[Tensor, "B T D"], sublayer: Callable[[Tensor], Tensor]) -> Float[Tensor, "B T D"]: ...


class PreNorm(Residual):
    """x + f(norm(x)); the whole stack is normed once at its end.  Xiong et al. 2020."""

    def forward(self, x: Float[Tensor, "B T D"], sublayer: Callable[[Tensor], Tensor]) -> Float[Tensor, "B T D"]:
        return x + self.dropout(sublayer(self.norm(x)))


class PostNorm(Residual):
    """norm(x + f(x)).  Vaswani et al. 2017, section 3.1."""

    def forward(self, x: Float[Tensor, "B T D"], sublayer: Callable[[Tensor], Tensor]) -> Float[Tensor, "B T D"]:
        return self.norm(x + self.dropout(sublayer(x)))


class FeedForward(nn.Module):
    """Linear, activation, linear, place by place.  Vaswani et al. 2017, section 3.3, eq. 2."""

    def __init__(self, size: int, inner: int, activation: nn.Module, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(size, inner), activation, Dropout(dropout), nn.Linear(inner, size))

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        return self.net(x)


class EncoderLayerBase(nn.Module, ABC):
    """A look at one's own sequence, then a feed-forward net, each within its residual."""

    def __init__(self, attention: nn.Module, feedforward: FeedForward, residuals: tuple[Residual, Residual]) -> None:
        super().__init__()
        self.attention, self.feedforward, self.residuals = attention, feedforward, nn.ModuleList(residuals)

    @abstractmethod
    def look(
        self, y: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], weights: bool
    ) -> tuple[Float[Tensor, "B K D"], Tensor | None, SampledLogProb | None]:
        """The context of each place; where it looked, if asked; what was drawn."""

    def forward(
        self, x: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], weights: bool
    ) -> tuple[Float[Tensor, "B K D"], Tensor | None, SampledLogProb | None]:
        told: list[Any] = []

        def look(y: Tensor) -> Tensor:
            told.extend(self.look(y, valid, weights))
            return told[0]

        x = self.residuals[1](self.residuals[0](x, look), self.feedforward)
        return x, told[1], told[2]


class EncoderLayer(EncoderLayerBase):
    """Self-attention, then a feed-forward net."""

    attention: Attention

    def __init__(self, attention: Attention, feedforward: FeedForward, residuals: tuple[Residual, Residual]) -> None:
        super().__init__(attention, feedforward, residuals)
        refuse_sequential(attention)
        refuse_mixing(attention)

    def look(
        self, y: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], weights: bool
    ) -> tuple[Float[Tensor, "B K D"], Tensor | None, SampledLogProb | None]:
        reading = self.attention(y, self.attention.remember(y, valid), weights=weights)
        return reading.context, reading.weights, reading.choice


class TransformerEncoder(Encoder):
    """Layers of self-attention; `norm` closes a stack of pre-norm layers (nn.Identity for post-norm)."""

    def __init__(self, layers: Sequence[EncoderLayerBase], norm: nn.Module, size: int) -> None:
        super().__init__()
        self.layers, self.norm, self.size = nn.ModuleList(layers), norm, size

    def forward(self, x: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], *, weights: bool = False) -> EncoderOutput:
        looks: Looks = {}
        choices = []
        for i, layer in enumerate(self.layers):
            x, look, choice = layer(x, valid, weights)
            choices.append(choice)
            if look is not None:
                looks[f"encoder.{i}.self"] = look
        x = self.norm(x)
        last = (valid.sum(1) - 1).clamp(min=0)
        final = x[torch.arange(len(x), device=x.device), last]
        choice = tree_map(lambda told: told * valid, together(*choices))  # what padding drew is nobody's
        return EncoderOutput(x, valid, final, choice, looks)

    def attentions(self) -> Attentions:
        return {f"encoder.{i}.self": layer.attention for i, layer in enumerate(cast(Any, self.layers))}


class LayerOutput(NamedTuple):
    """What a layer's look at its own past gives: the context, what is kept to look at, where it looked if asked, what was drawn."""

    context: Float[Tensor, "B T D"]
    own: Any
    weights: Float[Tensor, "B H T K"] | None
    choice: SampledLogProb | None


class DecoderLayerBase(nn.Module, ABC):
    """A look at what was written, a look at the source where there is one, a feed-forward net, each within its residual."""

    def __init__(
        self, own: nn.Module, source: Attention | None, feedforward: FeedForward, residuals: tuple[Residual, ...]
    ) -> None:
        super().__init__()
        if source is not None:
            refuse_sequential(source)
            refuse_mixing(source)
        self.own, self.source, self.feedforward, self.residuals = own, source, feedforward, nn.ModuleList(residuals)

    @abstractmethod
    def start(self, none: Float[Tensor, "B 0 D"]) -> Any:
        """What is kept of one's own past before anything was written."""

    @abstractmethod
    def look_back(self, y: Float[Tensor, "B T D"], own: Any, at: Int[Tensor, "B T"], weights: bool) -> LayerOutput: ...

    def forward(
        self, x: Float[Tensor, "B T D"], own: Any, source: Memory | None, at: Int[Tensor, "B T"], weights: bool
    ) -> tuple[Float[Tensor, "B T D"], Any, tuple[Tensor | None, Tensor | None], SampledLogProb | None]:
        told: list[Any] = []
        look = self.source

        def look_back(y: Tensor) -> Tensor:
            told.append(self.look_back(y, own, at, weights))
            return told[0].context

        def look_at_source(y: Tensor) -> Tensor:
            assert look is not None and source is not None
            told.append(look(y, source, at, weights=weights))
            return told[1].context

        x = self.residuals[0](x, look_back)
        x = x if look is None else self.residuals[1](x, look_at_source)
        x = self.residuals[-1](x, self.feedforward)
        if look is None:
            return x, told[0].own, (told[0].weights, None), told[0].choice
        back, across = told
        return x, back.own, (back.weights, across.weights), together(back.choice, across.choice)


class DecoderLayer(DecoderLayerBase):
    """Self-attention over what was written, a look at the source where there is one, a feed-forward net."""

    own: Attention

    def __init__(
        self, own: Attention, source: Attention | None, feedforward: FeedForward, residuals: tuple[Residual, ...]
    ) -> None:
        super().__init__(own, source, feedforward, residuals)
        refuse_sequential(own)
        refuse_mixing(own)
        if own.scope.whole or own.scope.reach[1] > 0:
            received = f"a scope that reaches {own.scope.reach[1]} ahead" if not own.scope.whole else "one that must know the end"
            raise ConfigError(
                message(
                    "decoder self-attention",
                    "a scope that never looks ahead",
                    received,
                    "Use `causal & ...`, or a window(back, 0).",
                )
            )

    def start(self, none: Float[Tensor, "B 0 D"]) -> Memory:
        return self.own.remember(none)

    def look_back(self, y: Float[Tensor, "B T D"], own: Any, at: Int[Tensor, "B T"], weights: bool) -> LayerOutput:
        memory = own.extend(self.own.remember(y, at=at))
        all_own = memory.valid.shape[1] == y.shape[1]  # nothing was written before: the places are those of the queries
        reading = self.own(y, memory, None if all_own else at, weights=weights)
        return LayerOutput(reading.context, memory.latest(self.own.scope.reach[0]), reading.weights, reading.choice)


@dataclass(frozen=True)
class TransformerState:
    """at: the position of the next word; own: what each layer wrote; source: what each layer keeps of the source."""

    at: Int[Tensor, " B"]
    own: tuple
    source: tuple[Memory | None, ...] = field(metadata={"common": True})


class TransformerDecoder(Decoder):
    """Layers of causal self-attention and looks at the source; `norm` as in the encoder."""

    def __init__(self, layers: Sequence[DecoderLayerBase], norm: nn.Module, size: int) -> None:
        super().__init__()
        self.layers, self.norm, self.size = nn.ModuleList(layers), norm, size

    def start(self, encoded: EncoderOutput) -> TransformerState:
        layers = cast(list[DecoderLayerBase], list(self.layers))
        none = encoded.states.new_zeros(len(encoded.states), 0, self.size)
        return TransformerState(
            torch.zeros_like(encoded.valid[:, :1].sum(1)),
            tuple(layer.start(none) for layer in layers),
            tuple(None if layer.source is None else layer.source.remember(encoded.states, encoded.valid) for layer in layers),
        )

    def forward(self, x: Float[Tensor, "B T D"], state: Any, *, weights: bool = False) -> tuple[DecoderOutput, Any]:
        at = positions(state.at, x.shape[1])
        looks: Looks = {}
        owns, choices = [], []
        for i, (layer, own, source) in enumerate(zip(self.layers, state.own, state.source, strict=True)):
            x, own, (back, across), choice = layer(x, own, source, at, weights)
            owns.append(own)
            choices.append(choice)
            if weights:
                looks |= {f"decoder.{i}.self": back} | ({} if across is None else {f"decoder.{i}.cross": across})
        return DecoderOutput(self.norm(x), looks, together(*choices)), replace(state, at=state.at + x.shape[1], own=tuple(owns))

    def attentions(self) -> Attentions:
        made: Attentions = {}
        for i, layer in enumerate(cast(Any, self.layers)):
            made |= {f"decoder.{i}.self": layer.own} | ({} if layer.source is None else {f"decoder.{i}.cross": layer.source})
        return made


def refuse_sequential(*attentions: Attention) -> None:
    """A Transformer looks from all places at once."""
    for attention in attentions:
        if attention.sequential:
            kind = type(attention.score if attention.score.sequential else attention.weighting).__name__
            raise ConfigError(
                message(
                    "Transformer", "attentions that look at once", f"{kind}, which looks step by step", "Use family: recurrent."
                )
            )


def refuse_mixing(*attentions: Attention) -> None:
    """A layer hands on what it gathered; what is mixed over places can only be words, at the end."""
    for attention in attentions:
        if attention.weighting.mixes:
            received = f"{type(attention.weighting).__name__}, a marginal over what each place would say"
            do = "Use family: recurrent, with a head of words."
            raise ConfigError(message("Transformer", "looks that gather one context", received, do))
