"""Heads: how likely each word is to come next, read off what a decoder wrote."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.core.optional import loops_in_use
from regard.networks.base import DecoderOutput, EncoderOutput, Looks
from regard.networks.loss import chunked_cross_entropy


class Head(nn.Module, ABC):
    """The log-probability of each word, from what a decoder wrote, where it looked, and the words of the source.

    A head may have a state of its own: plain data, returned, never stored.  Laws: one call on T steps equals T calls on one, and
    `loss` is the sum of what they say of the targets.
    """

    mixes = False  # reads DecoderOutput.places, so its decoder must hand them over
    looks = False  # reads DecoderOutput.looks, so they must be asked for
    extends = False  # says words of its own beyond the vocabulary, and takes a source that has such

    def read(self, words: Any) -> Any:
        """The source as the encoder knows it."""
        return words

    def wrote(self, words: Int[Tensor, "B T"]) -> Int[Tensor, "B T"]:
        """What was written as the decoder knows it."""
        return words

    @abstractmethod
    def start(self, encoded: EncoderOutput, words: Int[Tensor, "B K"]) -> Any:
        """The state before the first word.  words: of the source."""

    @abstractmethod
    def forward(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> tuple[Float[Tensor, "B T V"], Any]:
        """The log-probabilities of what follows each word.  words: those that the decoder read."""

    @abstractmethod
    def loss(
        self,
        written: DecoderOutput,
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: Any,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
        """The summed objective, and the plain cross-entropy of each real target in nats, without a gradient.

        state: that of `start`.  smoothing: the share of the target's probability that is spread evenly over all words.
        """

    @abstractmethod
    def shown(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> Looks:
        """Where it looked.  written: with its looks."""


class WordsHead(Head):
    """`p = softmax(W x + b)` over the vocabulary, of states alone."""

    vocabulary: int

    @abstractmethod
    def parts(self, states: Float[Tensor, "*B D"]) -> tuple[Float[Tensor, "*B E"], Float[Tensor, "V E"], Float[Tensor, " V"]]:
        """x, W and b."""

    def logits(self, states: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        """W x + b."""
        return F.linear(*self.parts(states))

    def log_p(self, states: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        """In float32 or better."""
        logits = self.logits(states)
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if torch.is_grad_enabled():
            return exact.log_softmax(-1)
        loops = loops_in_use("networks.kernels.loss_loops", exact) if exact.is_contiguous() and exact.numel() else None
        # In place: on a CPU fresh memory takes longer than the softmax.
        return torch.log_softmax(exact, -1, out=exact) if loops is None else loops.log_softmax(exact)

    def start(self, encoded: EncoderOutput, words: Int[Tensor, "B K"]) -> None:
        return None

    def forward(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> tuple[Float[Tensor, "B T V"], Any]:
        return self.log_p(written.states), None

    def loss(
        self,
        written: DecoderOutput,
        targets: Int[Tensor, "B T"],
        real: Bool[Tensor, "B T"],
        state: Any,
        *,
        smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " N"]]:
        return chunked_cross_entropy(*self.parts(written.states[real]), targets[real], smoothing)

    def shown(self, written: DecoderOutput, words: Int[Tensor, "B T"], state: Any) -> Looks:
        return written.looks


class WordHead(WordsHead):
    """`p = softmax(W s + b)`: over the vocabulary, by a matrix of its own, or by the table of word vectors (`model.tie`).
    Bengio et al. 2003, section 2; Press & Wolf 2017 (tied).

    Use it by default.

    Cost: m d V.
    """

    def __init__(self, size: int, vocabulary: int) -> None:
        super().__init__()
        self.linear, self.vocabulary = nn.Linear(size, vocabulary), vocabulary

    def parts(self, states: Float[Tensor, "*B D"]) -> tuple[Float[Tensor, "*B E"], Float[Tensor, "V E"], Float[Tensor, " V"]]:
        return states, self.linear.weight, self.linear.bias


class TiedWordHead(WordsHead):
    """`p = softmax(E Linear(s) + b)`, with E the table of word vectors itself.  Press & Wolf 2017.

    A state as wide as the table is read directly.
    """

    def __init__(self, size: int, table: nn.Embedding) -> None:
        super().__init__()
        self.table, width, self.vocabulary = table, table.embedding_dim, table.num_embeddings
        self.linear = nn.Identity() if size == width else nn.Linear(size, width, bias=False)
        self.bias = nn.Parameter(table.weight.new_zeros(table.num_embeddings))

    def parts(self, states: Float[Tensor, "*B D"]) -> tuple[Float[Tensor, "*B E"], Float[Tensor, "V E"], Float[Tensor, " V"]]:
        return self.linear(states), self.table.weight, self.bias
