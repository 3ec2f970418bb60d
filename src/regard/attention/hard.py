"""Hard weightings: one place is taken whole.  In training it is drawn; they differ in how the draw learns, and in what they take in use."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.memory import Memory
from regard.attention.weighting import Annealed, SampledLogProb, Weighting, Weights, at_least_float32, masked_softmax, one_hot
from regard.core.errors import ConfigError, message


class _Reinforced(Weighting):
    """Drawn in training, from the softmax; the log-probability of the draw is told to the loss.  soft: share of the looks that take the
    softmax itself instead, and draw nothing."""

    draws = True
    soft = 0.0

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        scores = at_least_float32(scores)
        seen = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        if not self.training:
            return Weights(one_hot(self.place(seen, mask, memory, at), scores) * mask)
        log_p = seen.log_softmax(-1)
        place = (log_p.detach() + _gumbel(log_p)).masked_fill(~mask, -torch.inf).argmax(-1)
        something = mask.any(-1)
        entropy = -(log_p.exp() * log_p.masked_fill(~mask, 0.0)).sum(-1) * something
        taken = log_p.gather(-1, place[..., None])[..., 0] * something
        values = one_hot(place, scores) * mask
        if self.soft:
            whole = torch.rand(len(scores), 1, scores.shape[2], device=scores.device) < self.soft  # of all heads of a look
            values = torch.where(whole[..., None], log_p.exp() * mask, values)
            taken, entropy = taken.masked_fill(whole, 0.0), entropy.masked_fill(whole, 0.0)
        return Weights(values, SampledLogProb(taken, entropy))

    @abstractmethod
    def place(
        self, seen: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Int[Tensor, "B H Q"]:
        """The place that is taken in use.  seen: the scores, lowest where nothing is in sight."""


class Hard(_Reinforced, Annealed):
    """`k ~ softmax(score)`: one place, drawn in training, its log-probability told to the loss (REINFORCE); the best in use.
    Xu et al. 2015, section 4.1.

    soft: share of the looks of training that take the expected place, the softmax itself, at its beginning; it falls to 0 at the end.
    The paper does so too, at 0.5 throughout and for whole images.  Raises ConfigError for a share that is none.

    Use it where each word comes from one place and it must be known which; it learns slowly, as each draw tells little.  `hard(1)`
    begins as softmax does, and ends with draws.

    Cost: m n.
    """

    def __init__(self, soft: float = 0.0) -> None:
        super().__init__()
        if not 0 <= soft <= 1:
            raise ConfigError(message("hard", "a share of soft looks from 0 to 1", str(soft), "Write hard or hard(1)."))
        self.start = self.soft = soft

    def anneal(self, done: float) -> None:
        self.soft = self.start * (1 - done)

    def place(
        self, seen: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Int[Tensor, "B H Q"]:
        return seen.argmax(-1)


class Sampled(_Reinforced):
    """`k ~ softmax(score)`: one place, drawn in training as hard does, and drawn in use too.  Xu et al. 2015, section 4.1.

    In use the draw is keyed by (seed, head, position of the query, position of the place): the same sentence is always read in one
    way, whoever else is in the batch, and another seed reads it in another.

    Use it to see how sure a hard look is, and where it would look as readily.

    Cost: m n, and n hashes a look in use.
    """

    places = True

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        self.seed = seed

    def place(
        self, seen: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Int[Tensor, "B H Q"]:
        shares = uniform(self.seed, torch.arange(seen.shape[1], device=at.device), at, memory.at)
        noise = -(-shares.log()).log()  # Gumbel's, in float64: argmax(score + noise) is a draw from the softmax
        return (seen.double() + noise).masked_fill(~mask, -torch.inf).argmax(-1)


class Gumbel(Weighting, Annealed):
    """`k = argmax(score + g)`: one place, drawn in training by Gumbel noise g, the gradient that of softmax((score + g) / T); the best in
    use.  Jang et al. 2017, section 2 (straight-through).

    start, end: the temperature T at the beginning and at the end of the training, start (end / start)^done between: exponential, as in
    their section 4.  Raises ConfigError for a temperature of 0 or below.

    Use it where hard learns too slowly: every score gets a gradient, at the price of a bias that shrinks with T.

    Cost: m n.
    """

    def __init__(self, start: float = 1.0, end: float = 0.3) -> None:
        super().__init__()
        if not (start > 0 and end > 0):
            raise ConfigError(message("gumbel", "temperatures above 0", f"start={start}, end={end}", "Write 1 and 0.3."))
        self.start, self.end, self.temperature = start, end, start

    def anneal(self, done: float) -> None:
        self.temperature = self.start * (self.end / self.start) ** done

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        scores = at_least_float32(scores)
        if not self.training:
            return Weights(one_hot(scores.masked_fill(~mask, -torch.inf).argmax(-1), scores) * mask)
        soft = masked_softmax((scores + _gumbel(scores)) / self.temperature, mask)
        return Weights(
            one_hot(soft.argmax(-1), soft) * mask + (soft - soft.detach())
        )  # in brackets: 0 exactly, but for the gradient


def _gumbel(like: Float[Tensor, "B H Q K"]) -> Float[Tensor, "B H Q K"]:
    """Noise that makes an argmax of log-probabilities a draw.  Maddison et al. 2014."""
    return -torch.empty_like(like).exponential_().clamp_min(torch.finfo(like.dtype).tiny).log()


def uniform(seed: int, heads: Int[Tensor, " H"], at: Int[Tensor, "B Q"], places: Int[Tensor, "B K"]) -> Float[Tensor, "B H Q K"]:
    """Shares in (0, 1) that depend on nothing but these numbers: counter-based noise.  Salmon et al. 2011 (why counters); the mixing
    is SplitMix64's, Steele et al. 2014, in 64-bit integers that wrap round: the same on every machine."""
    key = _mixed(_mixed(torch.full_like(heads, _signed(seed))) + heads)
    key = _mixed(key[None, :, None] + at[:, None])
    key = _mixed(key[..., None] + places[:, None, None])
    return (((key >> 11) & (2**53 - 1)).double() + 0.5) * 2.0**-53


def _mixed(x: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    x = x + _signed(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ ((x >> shift) & (2 ** (64 - shift) - 1))) * _signed(factor)  # `&`: no sign is shifted in
    return x ^ ((x >> 31) & (2**33 - 1))


def _signed(number: int) -> int:
    """As a 64-bit integer with a sign."""
    return (number + 2**63) % 2**64 - 2**63
