"""Positions: what tells a Transformer in which order words stand."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.core.errors import ConfigError, DataError, message
from regard.core.optional import in_a_graph

FIRST = 512  # positions that are made once: a step of decoding would make its own in ten operations


class Positions(nn.Module, ABC):
    """Something to add to the embedding of a word at position `at`."""

    @abstractmethod
    def forward(self, at: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]: ...


class SinusoidalPositions(Positions):
    """`PE(p)_2i = sin(p w_i), PE(p)_2i+1 = cos(p w_i), w_i = 10000^(-2i / d)`: a clock with d / 2 hands, added to the embedding.
    Vaswani et al. 2017, section 3.5.

    Use it by default: nothing to learn, any length, and PE(p + k) is one linear map of PE(p) for all p.

    Cost: n d.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size % 2:
            raise ConfigError(
                message("positions", "an even size for sinusoidal", str(size), "Choose an even size, or learned positions.")
            )
        self.rate = nn.Buffer(torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size)), persistent=False)
        self.first = nn.Buffer(self._made(torch.arange(FIRST)), persistent=False)

    def forward(self, at: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        told = at.device.type == "cpu" and at.numel() and not in_a_graph()
        return self.first[at] if told and int(at.max()) < FIRST and int(at.min()) >= 0 else self._made(at)

    def _made(self, at: Int[Tensor, "*B"]) -> Float[Tensor, "*B D"]:
        angle = at[..., None] * self.rate
        return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


class LearnedPositions(Positions):
    """`h_p = E x_p + P_p`: one learned vector a position, up to `count`; a longer sentence is refused.  Gehring et al. 2017, section 3.1.

    Use it where every sentence is short and places have offices of their own, as in forms and codes.

    Cost: n d, and count d parameters.
    """

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        self.table = nn.Embedding(count, size)
        nn.init.normal_(self.table.weight, std=size**-0.5)

    def forward(self, at: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        if not in_a_graph() and at.numel() and int(at.max()) >= self.table.num_embeddings:
            raise DataError(
                message(
                    "learned positions",
                    f"sentences of at most {self.table.num_embeddings} tokens",
                    f"position {int(at.max()) + 1}",
                    "Train with a larger model.max_positions, or with sinusoidal positions.",
                )
            )
        return self.table(at)


class NoPositions(Positions):
    """`h_p = E x_p`: nothing says where a word stands, and an encoder becomes a bag of words.  Vaswani et al. 2017, section 3.5 (why
    there must be something).

    Use it with a score that knows distances (alibi, relative, t5), or where order does not matter.

    Cost: none.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.zero = nn.Buffer(torch.zeros(size), persistent=False)

    def forward(self, at: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        return self.zero.expand(*at.shape, -1)


class Rotary(nn.Module):
    """`q_i . k_j = (R^i q) . (R^j k) = q . R^(j - i) k`: each pair of numbers (2i, 2i + 1) of a query or key is turned by the angle
    p 10000^(-2i / D), so that their dot product depends on the distance alone.  Su et al. 2021, section 3.2.2, eq. 16.

    Pairs stand side by side, as in the paper.  Other scores are fed the same turned vectors.  Raises ConfigError for an odd width.

    Use it in self-attention where distances count and sentences may be longer than those of the training.

    Cost: (m + n) d.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size % 2:
            raise ConfigError(
                message(
                    "positions", "an even width of each head for rotary", str(size), "Choose another size or number of heads."
                )
            )
        self.rate = nn.Buffer(torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size)), persistent=False)

    def forward(self, x: Float[Tensor, "B H T D"], at: Int[Tensor, "B T"]) -> Float[Tensor, "B H T D"]:
        if x.shape[-1] != 2 * len(self.rate):
            do = "Project them to one width."
            raise ConfigError(message("rotary", f"queries and keys {2 * len(self.rate)} wide", str(x.shape[-1]), do))
        angle = (at[..., None] * self.rate)[:, None]
        cos, sin = angle.cos().to(x), angle.sin().to(x)
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
