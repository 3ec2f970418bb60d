"""Two texts to one answer: entailment, duplicates (a label), relatedness (a number)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.data.tokenizer import UNK
from regard.networks.base import Attentions, Looks
from regard.networks.dropout import Dropout
from regard.networks.text_encoder import TextEncoder
from regard.tasks.pair.batch import PairAnswers, PairBatch
from regard.tasks.pair.layers import Matcher
from regard.training.objective import AnsweringNetwork, Loss


class Objective(nn.Module, ABC):
    """What is asked of two texts.  width: numbers that the net must say of them."""

    width: int

    @abstractmethod
    def costs(self, said: Float[Tensor, "B N"], right: Tensor) -> Float[Tensor, " B"]:
        """What training brings down, of each pair.  right: as `PairBatch` has it."""

    def plain(self, said: Float[Tensor, "B N"], right: Tensor) -> Float[Tensor, " B"]:
        """The same without what only training adds."""
        return self.costs(said, right)

    def normalize(self, said: Float[Tensor, "B N"]) -> Float[Tensor, "B N"]:
        """What is said as `PairAnswers` has it: log-probabilities."""
        return said.log_softmax(-1)


class Classification(Objective):
    """One of `count` labels: cross-entropy, in nats.  smoothing: share of the probability that is spread over all labels."""

    def __init__(self, count: int, *, smoothing: float = 0.0) -> None:
        super().__init__()
        self.width, self.smoothing = count, smoothing

    def costs(self, said: Float[Tensor, "B N"], right: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
        return F.cross_entropy(said, right, reduction="none", label_smoothing=self.smoothing)

    def plain(self, said: Float[Tensor, "B N"], right: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
        return F.cross_entropy(said, right, reduction="none")


class SquaredRegression(Objective):
    """`mean + deviation * x`, by the squared error of x: in units of the training data's variance."""

    width = 1

    def __init__(self, mean: float, deviation: float) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def costs(self, said: Float[Tensor, "B N"], right: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        return (said[:, 0] - (right - self.mean) / self.deviation).square()

    def normalize(self, said: Float[Tensor, "B N"]) -> Float[Tensor, "B N"]:
        return said


class BinnedRegression(Objective):
    """`y = r^T p, p = softmax(x)`, r the values of `count` bins from low to high; by the divergence of p from a target that is y in the
    mean and lies in the two bins around it.  Tai et al. 2015, section 4.2, eq. 15 and the target below it (there r is 1, 2, ..., K)."""

    values: Tensor

    def __init__(self, low: float, high: float, count: int) -> None:
        super().__init__()
        self.width = count
        self.register_buffer("values", torch.linspace(low, high, count), persistent=False)

    def target(self, right: Float[Tensor, " B"]) -> Float[Tensor, "B N"]:
        """How likely each bin should be; what lies outside all of them counts as the nearest."""
        low, step = self.values[0], self.values[1] - self.values[0]
        place = ((right - low) / step).clamp(0, self.width - 1)[:, None]
        return (1 - (place - torch.arange(self.width, device=right.device)).abs()).clamp(min=0)

    def costs(self, said: Float[Tensor, "B N"], right: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        target = self.target(right)
        return F.kl_div(said.log_softmax(-1), target, reduction="none").sum(-1)


class PairOutput(NamedTuple):
    """said: what the net says of each pair, in float32; looks: where it looked, first texts above second ones, if asked."""

    said: Float[Tensor, "B N"]
    looks: Looks


class PairNetwork(AnsweringNetwork):
    """Two texts read by one reader, matched, and an answer read off one hidden layer.  Chen et al. 2017, section 3.

    hidden: width of that layer.  unseen: share of the words that training reads as unknown, so that it learns what those are.
    """

    def __init__(
        self, reader: TextEncoder, matcher: Matcher, wanted: Objective, *, hidden: int, dropout: float = 0.0, unseen: float = 0.0
    ) -> None:
        super().__init__()
        self.reader, self.matcher, self.wanted, self.unseen = reader, matcher, wanted, unseen
        self.hidden, self.scores = nn.Linear(matcher.size, hidden), nn.Linear(hidden, wanted.width)
        self.dropout = Dropout(dropout)

    def forward(self, batch: PairBatch, *, weights: bool = False) -> PairOutput:
        words, valid = batch.words.source, batch.words.source_valid
        if self.training and self.unseen:
            words = words.masked_fill(valid & (torch.rand(words.shape, device=words.device) < self.unseen), UNK)
        read = self.reader(words, valid, batch.marks, weights=weights)
        matched, looks = self.matcher(read.states, valid, weights=weights)
        hidden = torch.tanh(self.hidden(self.dropout(matched)))
        return PairOutput(self.scores(self.dropout(hidden)).float(), {**read.looks, **looks})

    def loss(self, batch: PairBatch) -> Loss:
        """Summed over pairs."""
        assert batch.right is not None
        said = self(batch).said
        nats = self.wanted.plain(said.detach(), batch.right).sum()
        return Loss(self.wanted.costs(said, batch.right).sum(), nats, len(batch.right))

    def attentions(self) -> Attentions:
        return self.reader.attentions() | self.matcher.attentions()

    def infer(self, batch: PairBatch, *, weights: bool = False) -> PairAnswers:
        """What is said of each pair, and where it looked."""
        said, looks = self(batch, weights=weights)
        return PairAnswers(self.wanted.normalize(said), looks)
