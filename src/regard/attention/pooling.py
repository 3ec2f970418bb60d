"""Pooling: looks that nobody asks for.  A sentence becomes one vector, or a few, by a learned query or by none."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention, AttentionOutput
from regard.attention.memory import Memory
from regard.attention.score import Dot, DotForm, Score, weight
from regard.attention.weighting import Weighting, Weights
from regard.core.errors import ConfigError, DataError, message


class Pool(nn.Module):
    """`c_r = sum_k a_rk h_k, a_r = softmax(score(q_r, h))`: a whole sentence in one look, by learned queries q or by none at all.
    Raffel & Ellis 2015, section 1, eq. 1 (no query: the score is key-only); Lin et al. 2017, section 2.1 (learned queries).

    attention: how it looks, made for queries of width `size`.  hops: how many queries, each with a context of its own.  size: width
    of the learned queries; 0: there are none, and the attention's score reads the keys alone.
    The queries stand at the last real place, where all has been read.
    Raises ConfigError for several hops without queries: they would all be one.

    Use it to classify a sentence, or to give a decoder one fixed vector of it, where the last state forgets the beginning and the
    mean drowns what matters.  Without positions it sees a bag of words.

    Cost: n d for each hop, beside what the score takes of each place; nothing waits for anything.
    """

    def __init__(self, attention: Attention, *, hops: int = 1, size: int = 0) -> None:
        super().__init__()
        if hops < 1 or (hops > 1 and not size):
            received = f"hops={hops}, size={size}"
            raise ConfigError(message("pool", "one hop, or learned queries (size)", received, "Give the queries a width."))
        self.attention, self.hops = attention, hops
        self.queries = weight(hops, size) if size else None

    def forward(
        self,
        source: Float[Tensor, "B K M"],
        valid: Bool[Tensor, "B K"] | None = None,
        *,
        values: Float[Tensor, "B K N"] | None = None,
        weights: bool = False,
    ) -> AttentionOutput:
        """context: "B R E", weights: "B H R K", R = hops.

        valid: True = may look; None: every place, padding too, as the code that Raffel & Ellis released runs.
        values: where they are not the source.
        """
        memory = self.attention.remember(source, valid, values=values)
        query = source.new_zeros(1, 0) if self.queries is None else self.queries
        last = (memory.length - 1).clamp(min=0)
        at = last[:, None].expand(-1, self.hops)
        return self.attention(query.expand(len(source), -1, -1), memory, at, weights=weights)


class StructuredPool(nn.Module):
    """`M = A H, A = softmax(W2 tanh(W1 H^T))`: r hops, each row of A a look of its own.  Lin et al. 2017, section 2.1, eq. 5-7.

    size: width d of the states.  inner: d_a, rows of W1.  hops: r, rows of W2, which are r learned queries.  No biases: the
    parameters are d_a d + r d_a.  `hop_overlap` of the weights is the paper's penalty.

    Use it where one vector is too narrow for a sentence: each hop can read another side of it.  With the penalty hops differ;
    without it they tend to agree.

    Cost: n (d d_a + r (d_a + d)); nothing waits for anything.
    """

    def __init__(self, size: int, *, inner: int, hops: int) -> None:
        super().__init__()
        self.inner = nn.Linear(size, inner, bias=False)
        self.pool = Pool(Attention(inner, inner, score=Dot(), values_size=size), hops=hops, size=inner)

    def forward(
        self, source: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"] | None = None, *, weights: bool = False
    ) -> AttentionOutput:
        """context: "B R D", weights: "B 1 R K"."""
        return self.pool(torch.tanh(self.inner(source)), valid, values=source, weights=weights)


def hop_overlap(weights: Float[Tensor, "B H R K"]) -> Float[Tensor, " B"]:
    """`||A A^T - I||_F^2`, summed over heads: 0 where every hop takes one place whole, each another.  To be added to a loss, times a
    small number.  Lin et al. 2017, section 2.2, eq. 8."""
    like = torch.eye(weights.shape[2], dtype=weights.dtype, device=weights.device)
    return (weights @ weights.mT - like).square().sum((1, 2, 3))


class KerasPool(nn.Module):
    """`e_t = tanh(w . h_t + b_t), a_t = exp(e_t) / (sum exp(e) + 1e-7)`: Raffel & Ellis's attention as Keras users have it, with a
    bias for each step and the mask after the exponential.  Raffel & Ellis 2015, section 2.1 (one bias for all steps).

    size: width of the states.  places: the longest sentence; a longer one is refused with DataError.

    Use it to rerun a published Keras model.  The biases learn where to look whatever stands there, so a sentence that is shifted is
    read otherwise; the weights sum to a little less than 1.

    Cost: n d, and a parameter for each place.
    """

    def __init__(self, size: int, places: int) -> None:
        super().__init__()
        self.places = places
        self.pool = Pool(Attention(0, size, score=_StepKey(size, places), weighting=_Exponential()))

    def forward(
        self, source: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"] | None = None, *, weights: bool = False
    ) -> AttentionOutput:
        """context: "B 1 D", weights: "B 1 1 K"."""
        real = torch.ones_like(source[..., 0], dtype=torch.bool) if valid is None else valid
        if real[:, self.places :].any():
            received = f"a real place {int(real.any(0).nonzero().max()) + 1}"
            raise DataError(message("pool", f"at most {self.places} places", received, "Make it with more places."))
        return self.pool(source, valid, weights=weights)


class _StepKey(Score):
    """`tanh(w . h_t + b_t)`, whoever asks.  w as Glorot & Bengio 2010 have it, b from zero: Keras's defaults."""

    def __init__(self, key_size: int, places: int) -> None:
        super().__init__()
        most = math.sqrt(6 / (key_size + 1))
        self.w, self.b = nn.Parameter(torch.empty(key_size).uniform_(-most, most)), nn.Parameter(torch.zeros(places))

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K 1"]:
        bias = self.b[at.clamp(max=len(self.b) - 1)]  # padding may lie beyond the last
        return torch.tanh(keys @ self.w + bias[:, None])[..., None]

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(memory.keys.new_ones(*query.shape[:3], 1), memory.keys)


class _Exponential(Weighting):
    """`exp(score) / (sum + 1e-7)`, for scores that a tanh bounds."""

    normal = False

    def forward(
        self, scores: Float[Tensor, "B H Q K"], mask: Bool[Tensor, " B #H Q K"], memory: Memory, at: Int[Tensor, "B Q"]
    ) -> Weights:
        taken = scores.exp() * mask
        return Weights(taken / (taken.sum(-1, keepdim=True) + 1e-7))
