"""Nets that read a series and say how it goes on: on any encoder of the house, and any decoder."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.positions import Positions
from regard.networks.base import Attentions, Decoder, Encoder, EncoderOutput, Looks, positions
from regard.networks.dropout import Dropout

EPSILON = 1e-5  # added to a variance: a series that stands still is not divided by nothing


class WindowNormalization(nn.Module, ABC):
    """What is taken away from a window before the net reads it, and given back to what the net says."""

    @abstractmethod
    def forward(self, past: Float[Tensor, "B L C"]) -> tuple[Float[Tensor, "B 1 C"], Float[Tensor, "B 1 C"]]:
        """(shift, scale): the net reads (past - shift) / scale."""


class NoNormalization(WindowNormalization):
    """Nothing: the net reads the series as it is."""

    def forward(self, past: Float[Tensor, "B L C"]) -> tuple[Float[Tensor, "B 1 C"], Float[Tensor, "B 1 C"]]:
        return torch.zeros_like(past[:, :1]), torch.ones_like(past[:, :1])


class LastValueNormalization(WindowNormalization):
    """The last value.  Zeng et al. 2023, section 4.2 (NLinear)."""

    def forward(self, past: Float[Tensor, "B L C"]) -> tuple[Float[Tensor, "B 1 C"], Float[Tensor, "B 1 C"]]:
        return past[:, -1:], torch.ones_like(past[:, :1])


class InstanceNormalization(WindowNormalization):
    """Mean and standard deviation of the window itself, of each channel.  Kim et al. 2022, section 3 (without their affine map)."""

    def forward(self, past: Float[Tensor, "B L C"]) -> tuple[Float[Tensor, "B 1 C"], Float[Tensor, "B 1 C"]]:
        return past.mean(1, keepdim=True), (past.var(1, keepdim=True, unbiased=False) + EPSILON).sqrt()


class Patches(nn.Module):
    """`patch` rows, every `stride` rows, as one vector: `W x_(t..t+patch) + b`.  Nie et al. 2023, section 3.1 (patching).

    channels: numbers of a row.  place: what tells the patches apart; None: the encoder does (a recurrent one).  The last patch ends
    with the series; in front of the first one the first row is repeated as often as it takes.
    """

    def __init__(
        self, channels: int, size: int, *, patch: int, stride: int, place: Positions | None = None, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.linear, self.place, self.dropout = nn.Linear(channels * patch, size), place, Dropout(dropout)
        self.patch, self.stride = patch, stride

    def forward(self, x: Float[Tensor, "B L C"]) -> Float[Tensor, "B N D"]:
        rows = x.shape[1]
        count = patches(rows, patch=self.patch, stride=self.stride)
        missing = (count - 1) * self.stride + self.patch - rows
        x = torch.cat([x[:, :1].expand(-1, missing, -1), x], 1) if missing else x
        made = self.linear(x.unfold(1, self.patch, self.stride).flatten(2))
        return self.dropout(made if self.place is None else made + self.place(_at(made, 0)))


def patches(rows: int, *, patch: int, stride: int) -> int:
    """How many patches so many rows give."""
    return max(math.ceil((rows - patch) / stride), 0) + 1


class SeriesOutput(NamedTuple):
    """values: what is ahead, in the scale that the net reads; looks: where it looked, if asked."""

    values: Float[Tensor, "B A C"]
    looks: Looks


class ForecastHead(nn.Module, ABC):
    """From a series that was read to what is ahead."""

    @abstractmethod
    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> SeriesOutput: ...

    def attentions(self) -> Attentions:
        """What makes its own looks."""
        return {}


class FlattenHead(ForecastHead):
    """All states side by side, and one linear layer to all that is ahead.  Nie et al. 2023, section 3.1 (flatten and linear head).

    places: how many states; size: of each; ahead, channels: what is said.
    """

    def __init__(self, places: int, size: int, *, ahead: int, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear, self.dropout = nn.Linear(places * size, ahead * channels), Dropout(dropout)
        self.ahead, self.channels = ahead, channels

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> SeriesOutput:
        made = self.linear(self.dropout(encoded.states.flatten(1)))
        return SeriesOutput(made.unflatten(1, (self.ahead, self.channels)), encoded.looks)


class DecoderHead(ForecastHead):
    """A decoder goes through what is ahead, `stride` rows a step, looks at what was read, and says them by one linear layer.

    It reads nothing but which step it is, a learned vector (and `place`, its position behind the series): all steps are said from
    what is known, none from one that was said.  Zhou et al. 2021, section 3.3 (generative inference), without their start token.

    width: of what the decoder reads.
    """

    def __init__(
        self, decoder: Decoder, width: int, *, ahead: int, channels: int, stride: int, place: Positions | None = None
    ) -> None:
        super().__init__()
        steps = patches(ahead, patch=stride, stride=stride)
        self.decoder, self.place = decoder, place
        self.steps = nn.Parameter(torch.randn(steps, width) * width**-0.5)
        self.linear = nn.Linear(decoder.size, stride * channels)
        self.ahead, self.channels = ahead, channels

    def forward(self, encoded: EncoderOutput, *, weights: bool = False) -> SeriesOutput:
        asked = self.steps.expand(len(encoded.states), -1, -1)
        if self.place is not None:
            asked = asked + self.place(_at(asked, encoded.states.shape[1]))
        written, _ = self.decoder(asked, self.decoder.start(encoded), weights=weights)
        rows = self.linear(written.states).unflatten(-1, (-1, self.channels)).flatten(1, 2)
        return SeriesOutput(rows[:, : self.ahead], {**encoded.looks, **written.looks})

    def attentions(self) -> Attentions:
        return self.decoder.attentions()


class SeriesNet(nn.Module):
    """A window of a series to the rows behind it.

    alone: each channel is read by itself, all by the same net, as if it were another series (Nie et al. 2023, section 3.1, channel
    independence); else a row's channels are read together.
    """

    def __init__(
        self, level: WindowNormalization, patches: Patches, encoder: Encoder, ahead: ForecastHead, *, alone: bool
    ) -> None:
        super().__init__()
        self.level, self.patches, self.encoder, self.ahead, self.alone = level, patches, encoder, ahead, alone

    def forward(self, past: Float[Tensor, "B L C"], *, weights: bool = False) -> SeriesOutput:
        """Values: "B A C".  Looks: of each window, and of each of its channels where they are read alone, "BC H Q K"."""
        channels = past.shape[2]
        shift, scale = self.level(past)
        x = (past - shift) / scale
        x = x.transpose(1, 2).flatten(0, 1)[..., None] if self.alone else x
        vectors = self.patches(x)
        real = torch.ones(vectors.shape[:2], dtype=torch.bool, device=x.device)
        said = self.ahead(self.encoder(vectors, real, weights=weights), weights=weights)
        values = said.values.float()
        values = values[..., 0].unflatten(0, (-1, channels)).transpose(1, 2) if self.alone else values
        return SeriesOutput(values * scale + shift, said.looks)

    def attentions(self) -> Attentions:
        """What makes these looks."""
        return self.encoder.attentions() | self.ahead.attentions()


class LinearMap(nn.Module):
    """`y = x_L + W (x - x_L) + b`, the same for all channels, W and b found elsewhere (by least squares); it looks nowhere.
    NLinear: Zeng et al. 2023, section 4.2."""

    weights: Float[Tensor, "L1 A"]

    def __init__(self, past: int, ahead: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(past + 1, ahead, dtype=torch.float64))

    def forward(self, past: Float[Tensor, "B L C"], *, weights: bool = False) -> SeriesOutput:
        gone = (past - past[:, -1:]).double().transpose(1, 2)
        return SeriesOutput((gone @ self.weights[:-1] + self.weights[-1]).transpose(1, 2) + past[:, -1:], {})


def _at(x: Float[Tensor, "B T D"], first: int) -> Int[Tensor, "B T"]:
    """The numbers of places from `first` on."""
    return positions(torch.full((len(x),), first, device=x.device), x.shape[1])
