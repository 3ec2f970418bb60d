"""Heads: what is read off the states of a decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.networks.loss import chunked_cross_entropy


class Head(nn.Module, ABC):
    """From states to the logits of the words, and to what training brings down."""

    @abstractmethod
    def forward(self, states: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]: ...

    @abstractmethod
    def loss(
        self, states: Float[Tensor, "N D"], words: Int[Tensor, "N"], *, smoothing: float = 0.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "N"]]:
        """The summed objective and the cross-entropy of each word, in nats: that of `forward`'s logits."""


class WordHead(Head):
    """logits = Linear(state)."""

    def __init__(self, size: int, vocabulary: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, vocabulary)

    def forward(self, states: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        return self.linear(states)

    def loss(
        self, states: Float[Tensor, "N D"], words: Int[Tensor, "N"], *, smoothing: float = 0.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "N"]]:
        return chunked_cross_entropy(states, self.linear.weight, self.linear.bias, words, smoothing)


class TiedWordHead(Head):
    """logits = E Linear(state) + b, with E the table of word vectors itself.  Press & Wolf 2017.

    A state as wide as the table is read directly.
    """

    def __init__(self, size: int, table: nn.Embedding) -> None:
        super().__init__()
        self.table, width = table, table.embedding_dim
        self.linear = nn.Identity() if size == width else nn.Linear(size, width, bias=False)
        self.bias = nn.Parameter(table.weight.new_zeros(table.num_embeddings))

    def forward(self, states: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        return F.linear(self.linear(states), self.table.weight, self.bias)

    def loss(
        self, states: Float[Tensor, "N D"], words: Int[Tensor, "N"], *, smoothing: float = 0.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "N"]]:
        return chunked_cross_entropy(self.linear(states), self.table.weight, self.bias, words, smoothing)
