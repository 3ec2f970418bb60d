"""Scores: how well a query matches a place.  They stand together because they are meant to be compared.

A score says what it is by the `Form` that it hands over; kernels know forms and no scores, scores know no kernels.
What it needs done to the keys it does once, in `prepare`, when the memory is made, not at every look.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import reduce
from typing import NamedTuple, cast, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory
from regard.core.errors import ConfigError, message


class PrecomputedForm(NamedTuple):
    """Scores already made.  -inf: out of sight."""

    bias: Float[Tensor, "B H Q K"]

    def scores(self) -> Float[Tensor, "B H Q K"]:
        return self.bias


class DotForm(NamedTuple):
    """`q . k + bias`: what every fused kernel of the world takes."""

    query: Float[Tensor, "B H Q D"]
    keys: Float[Tensor, "B H K D"]
    bias: Float[Tensor, "B H Q K"] | None = None

    def scores(self) -> Float[Tensor, "B H Q K"]:
        return _plus(self.query @ self.keys.mT, self.bias)


class AdditiveForm(NamedTuple):
    """`v . tanh(q + k) + bias`."""

    query: Float[Tensor, "B H Q D"]
    keys: Float[Tensor, "B H K D"]
    v: Float[Tensor, "H D"]
    bias: Float[Tensor, "B H Q K"] | None = None

    def scores(self) -> Float[Tensor, "B H Q K"]:
        """By tanh x = 2 sigmoid(2x) - 1: torch's sigmoid is several times faster than its tanh on a CPU, and no less exact here."""
        half = torch.sigmoid((2 * self.query)[:, :, :, None] + (2 * self.keys)[:, :, None])
        read = half @ self.v[0] if len(self.v) == 1 else (half * self.v[:, None, None]).sum(-1)
        return _plus(2 * read - self.v.sum(-1)[:, None, None], self.bias)


Form = PrecomputedForm | DotForm | AdditiveForm  # closed: a new score chooses one, a new kernel takes one


def _plus(a: Tensor, b: Tensor | None) -> Tensor:
    return a if b is None else a + b


def _joined(a: Form, b: Form) -> Form:
    """The form of a sum."""
    match a, b:
        case (_, PrecomputedForm()):
            return a._replace(bias=_plus(b.bias, a.bias))
        case (PrecomputedForm(), _):
            return b._replace(bias=_plus(a.bias, b.bias))
        case (DotForm(), DotForm()):
            bias = b.bias if a.bias is None else _plus(a.bias, b.bias)
            return DotForm(torch.cat([a.query, b.query], -1), torch.cat([a.keys, b.keys], -1), bias)
        case _:
            return PrecomputedForm(a.scores() + b.scores())


class Score(nn.Module, ABC):
    """How well each query matches each place.  A new score is one class: `form`, and `prepare` where keys need work."""

    same_width = False  # queries and keys must have one width
    sequential = False  # reads memory.past: one query at a time
    reads = frozenset({"query", "keys"})  # what else it depends on, of these two and "places": the true positions

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Tensor | tuple:
        """What the score keeps of each place, made place by place: prepare(a ++ b) = prepare(a) ++ prepare(b)."""
        return keys

    @abstractmethod
    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> Form:
        """The score in one of the closed forms, for queries at positions `at`."""

    @final  # type: ignore[misc]  # nn.Module declares forward as an attribute
    def forward(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> Float[Tensor, "B H Q K"]:
        return self.form(query, memory, at).scores()

    def __add__(self, other: Score) -> Score:
        return Sum(self, other)


class Sum(Score):
    """The sum of scores; each term keeps its own keys."""

    def __init__(self, *terms: Score) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.same_width = any(t.same_width for t in terms)
        self.sequential = any(t.sequential for t in terms)
        self.reads = frozenset[str]().union(*(t.reads for t in terms))

    @property
    def _scores(self) -> list[Score]:
        return cast(list[Score], list(self.terms))

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> tuple:
        return tuple(t.prepare(keys, at) for t in self._scores)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> Form:
        forms = (t.form(query, replace(memory, keys=k), at) for t, k in zip(self._scores, memory.keys, strict=True))
        return reduce(_joined, forms)


class Dot(Score):
    """`q . h`: no parameters.  Luong et al. 2015, section 3.1 (dot).

    Use it where queries and keys live in one space already, such as the states of two nets of one kind and width.

    Cost: m n d.
    """

    same_width = True

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(query, memory.keys)


class ScaledDot(Score):
    """`q . h / sqrt(D)`: the dot product, its spread kept at 1 whatever the width.  Vaswani et al. 2017, section 3.2.1, eq. 1.

    Use it in Transformers, and wherever queries and keys are projected: the default of both.

    Cost: m n d.
    """

    same_width = True

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(query / math.sqrt(query.shape[-1]), memory.keys)


class Cosine(Score):
    """`cos(q, h)`: the angle alone; lengths do not count.  Graves et al. 2014, section 3.3.1, eq. 6.

    With a `temperature` the score is cos(q, h) / temperature, learned (one a head, positive) from where it begins: Liu et al. 2022
    (Swin Transformer V2), section 3.2, eq. 2.  Raises ConfigError where it begins at 0 or below.

    Use it where lengths mislead, as between nets trained apart.  Without a temperature no score passes 1, so the softmax stays flat:
    write `cosine(temperature)` where one place must stand out.

    Cost: m n d.
    """

    same_width = True

    def __init__(self, temperature: float | None = None, *, heads: int = 1) -> None:
        super().__init__()
        if temperature is not None and temperature <= 0:
            do = "Begin at 0.1, or leave it out."
            raise ConfigError(message("cosine", "a temperature above 0", str(temperature), do))
        self.log_temperature = None if temperature is None else nn.Parameter(torch.full((heads,), math.log(temperature)))

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K D"]:
        return F.normalize(keys, dim=-1)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        turned = F.normalize(query, dim=-1)
        return DotForm(
            turned if self.log_temperature is None else turned / self.log_temperature.exp()[:, None, None], memory.keys
        )


class General(Score):
    """`q W h`: bilinear, W (d_q x d_k) for each head.  Luong et al. 2015, section 3.1 (general).

    Use it in a recurrent net whose encoder and decoder differ in width or kind; nearly as quick as dot.

    Cost: n d^2 once for the keys, m n d for the looks.
    """

    def __init__(self, query_size: int, key_size: int, *, heads: int = 1) -> None:
        super().__init__()
        self.w = weight(heads, query_size, key_size)

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K E"]:
        return by_head(keys, self.w)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(query, memory.keys)


class Additive(Score):
    """`v . tanh(W1 h + W2 q)`: a net of one hidden layer, `size` wide, compares them.  Bahdanau et al. 2015, appendix A.1.2.

    Use it first in a recurrent net: it learns alignments from few data, and the widths may differ.

    Cost: (m + n) d^2 for both sides, m n d tanh for the looks.
    """

    def __init__(self, query_size: int, key_size: int, size: int, *, heads: int = 1) -> None:
        super().__init__()
        self.w1, self.w2, self.v = weight(heads, size, key_size), weight(heads, size, query_size), weight(heads, size)

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K E"]:
        return by_head(keys, self.w1)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> AdditiveForm:
        return AdditiveForm(by_head(query, self.w2), memory.keys, self.v)


class Concat(Score):
    """`v . tanh(W [q; h])`: additive with one matrix, W (size x (d_q + d_k)).  Luong et al. 2015, section 3.1 (concat).

    Use it to repeat Luong's comparison.  It can say what additive says, and differs in where its weights begin.

    Cost: (m + n) d^2 for both sides, m n d tanh for the looks.
    """

    def __init__(self, query_size: int, key_size: int, size: int, *, heads: int = 1) -> None:
        super().__init__()
        self.query_size, self.w, self.v = query_size, weight(heads, size, query_size + key_size), weight(heads, size)

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K E"]:
        return by_head(keys, self.w[..., self.query_size :])

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> AdditiveForm:
        return AdditiveForm(by_head(query, self.w[..., : self.query_size]), memory.keys, self.v)


class KeyOnly(Score):
    """`tanh(w . h + b)`: the place says itself how much it counts, whoever asks.  Raffel & Ellis 2015, section 2.1.

    Use it where nobody asks: to sum up a sequence in one vector.  As a look of a decoder it says the same at every step.

    Cost: n d, once.
    """

    reads = frozenset({"keys"})

    def __init__(self, key_size: int, *, heads: int = 1) -> None:
        super().__init__()
        self.w, self.b = weight(heads, 1, key_size), nn.Parameter(torch.zeros(heads))

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K 1"]:
        return torch.tanh(by_head(keys, self.w) + self.b[:, None, None])

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(query.new_ones(*query.shape[:3], 1), memory.keys)


class SelfAttentive(Score):
    """`v . tanh(W h)`: as key-only, by a net of one hidden layer, `size` wide; one hop.  Lin et al. 2017, section 2.1, eq. 5.

    Use it where one linear map of a place cannot say how much it counts; it is additive without the query.

    Cost: n d^2, once.
    """

    reads = frozenset({"keys"})

    def __init__(self, key_size: int, size: int, *, heads: int = 1) -> None:
        super().__init__()
        self.w, self.v = weight(heads, size, key_size), weight(heads, 1, size)

    def prepare(self, keys: Float[Tensor, "B H K D"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B H K 1"]:
        return by_head(torch.tanh(by_head(keys, self.w)), self.v)

    def form(self, query: Float[Tensor, "B H Q D"], memory: Memory, at: Int[Tensor, "B Q"]) -> DotForm:
        return DotForm(query.new_ones(*query.shape[:3], 1), memory.keys)


def by_head(x: Float[Tensor, "B H T D"], w: Float[Tensor, "H E D"]) -> Float[Tensor, "B H T E"]:
    """`w x`, each head its own.  (A plain `@` would copy the weights for each row of the batch.)  In float64 where w is, rounded once."""
    if isinstance(w, Tensor) and w.dtype == torch.float64 != x.dtype:
        return by_head(x.double(), w).to(x.dtype)
    return F.linear(x, w[0]) if len(w) == 1 else torch.einsum("bhtd,hed->bhte", x, w)


def weight(*shape: int) -> nn.Parameter:
    """Normal, scaled so that a sum over the last axis keeps the variance of its input."""
    return nn.Parameter(torch.randn(*shape) / math.sqrt(shape[-1]))
