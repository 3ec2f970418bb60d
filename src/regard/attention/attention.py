"""Attention: project, score, sight, weigh, gather.  Every look of the house is this class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention import kernels
from regard.attention.memory import AttentionHistory, Memory
from regard.attention.positions import Rotary
from regard.attention.scope import AttentionMask, Everywhere, Scope
from regard.attention.score import DotForm, Form, PrecomputedForm, ScaledDot, Score
from regard.attention.tiling import LONG, Queries, Tile, TileOutput, in_tiles, tiles
from regard.attention.weighting import SampledLogProb, Softmax, Weighting
from regard.core.errors import ConfigError, message
from regard.core.optional import scan_in_use
from regard.core.state import tree_map

if TYPE_CHECKING:
    from regard.attention.interventions import LookEdit


class Mixture(NamedTuple):
    """What a look at one place alone would gather, and how likely that place is: for what mixes probabilities instead of contexts.

    context: "B P E" and share: "B Q P", where P = K + 1: the last "place" is nothing at all, certain where nothing is in sight.
    """

    context: Float[Tensor, "B P E"]
    share: Float[Tensor, "B Q P"]


class AttentionOutput(NamedTuple):
    """context: "B Q E", what was gathered.  memory: as this look leaves it.  weights: "B H Q K", after fade and before dropout,
    where asked for.  choice: "B Q", summed over heads, where the look was drawn.  mixture: where the weighting mixes."""

    context: Float[Tensor, "B Q E"]
    memory: Memory
    weights: Float[Tensor, "B H Q K"] | None = None
    choice: SampledLogProb | None = None
    mixture: Mixture | None = None


class Attention(nn.Module):
    """A look at a memory; long because it tells everything that a look leaves behind, with and without weights.

    query_size, memory_size: widths of the queries and of the source.  score, scope, weighting: the three kinds, as objects;
    a score of `heads` heads works at the width of a head.  project: Vaswani's four projections around the score, always so where
    heads > 1 (`bias`: with biases; `out`: with the output projection); without it a look has just the parameters of its score,
    the values are the source itself and the context has width `memory_size`; with it, `query_size`.
    groups: how many heads keys and values have, each shared by heads / groups heads of the queries (None: as many as heads).
    values_size: width of the values where they are not the source (None: memory_size).
    rotary: turns queries and keys by their positions.  dropout: share of the weights dropped in training, after the weights that
    are shown.

    Raises ConfigError where heads do not divide query_size, groups do not divide heads, or heads > 1 without projections.
    Vaswani et al. 2017, section 3.2.2 (projections); Ainslie et al. 2023, section 2.2 (groups); the scores name their own papers.
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        *,
        score: Score | None = None,
        scope: Scope | None = None,
        weighting: Weighting | None = None,
        heads: int = 1,
        groups: int | None = None,
        values_size: int | None = None,
        rotary: Rotary | None = None,
        project: bool | None = None,
        bias: bool = False,
        out: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        project = heads > 1 if project is None else project
        _refuse_heads(query_size, heads, heads if groups is None else groups, project)
        self.score = score or ScaledDot()
        self.scope = scope or Everywhere()
        self.weighting = weighting or Softmax()
        self.heads, self.groups, self.rotary, self.dropout = heads, heads if groups is None else groups, rotary, dropout
        self.sequential = self.score.sequential or self.weighting.sequential
        self.steady = False  # in use: no bit depends on other queries, other rows or padding, at the cost of some time
        self.edit: LookEdit | None = None  # in use: what a person does to its weights
        values_size = memory_size if values_size is None else values_size
        self.context_size, shared = query_size if project else values_size, query_size // heads * self.groups
        self.query = nn.Linear(query_size, query_size, bias=bias) if project else nn.Identity()
        self.key = nn.Linear(memory_size, shared, bias=bias) if project else nn.Identity()
        self.value = nn.Linear(values_size, shared, bias=bias) if project else nn.Identity()
        self.out = nn.Linear(query_size, query_size, bias=bias) if project and out else nn.Identity()

    def remember(
        self,
        source: Float[Tensor, "B K M"],
        valid: Bool[Tensor, "B K"] | None = None,
        at: Int[Tensor, "B K"] | None = None,
        *,
        values: Float[Tensor, "B K N"] | None = None,
    ) -> Memory:
        """Project and prepare a source once, to be looked at many times.

        valid: True = may look; None: all.  at: true positions; None: 0, 1, 2...  values: where they are not the source (key-value).
        """
        B, K, _ = source.shape
        valid = torch.ones(B, K, dtype=torch.bool, device=source.device) if valid is None else valid
        at = torch.arange(K, device=source.device).expand(B, K) if at is None else at
        keys, found = _projected(self.key, self.value, source, values)
        keys = self._turned(self._shared(keys), at)
        none = source.new_zeros(B, self.heads, K)
        past = AttentionHistory(none, none, torch.zeros_like(at)) if self.sequential else None
        return Memory(self.score.prepare(keys, at), self._shared(found), valid, at, past)

    def forward(
        self,
        query: Float[Tensor, "B Q M"],
        memory: Memory,
        at: Int[Tensor, "B Q"] | None = None,
        *,
        weights: bool = False,
    ) -> AttentionOutput:
        """Look.  at: the true positions of the queries; None: they are the memory's own places, one for one, or, where there are more
        or fewer queries than places, 0, 1, 2...

        weights=True hands over the weights too and never changes the context.  Raises ConfigError where a sequential look gets
        more than one query.
        """
        Q, K = query.shape[1], memory.valid.shape[1]
        own = at is None and Q == K  # the queries are the places, one for one
        at = at if at is not None else memory.at if own else torch.arange(Q, device=query.device).expand(len(query), Q)
        if self.sequential and Q > 1:
            raise ConfigError(message("sequential attention", "one query at a time", str(Q), "Look step by step."))
        if not K:
            return self._of_nothing(query, memory, at, weights)
        length = memory.length[:, None].expand(-1, Q) if self.scope.ends else at
        asked = Queries(query, self._turned(_split(self.query(query), self.heads), at), at, length)
        whole = Q <= LONG or scan_in_use() is not None  # an exported graph is one for any number of queries
        look = self._look(asked, memory, weights) if whole else self._tiled(asked, memory, weights, own)
        left = memory.after(look.taken[:, :, 0]) if self.sequential and look.taken is not None else memory
        told = None if look.choice is None else SampledLogProb(look.choice.log_prob.sum(1), look.choice.entropy.sum(1))
        mixture = None
        if self.weighting.mixes and look.shown is not None:
            mixture = Mixture(self._merge(F.pad(memory.values, (0, 0, 0, 1))), _share(look.shown))
        return AttentionOutput(self._merge(look.context), left, look.shown if weights else None, told, mixture)

    def _of_nothing(
        self, query: Float[Tensor, "B Q M"], memory: Memory, at: Int[Tensor, "B Q"], weights: bool
    ) -> AttentionOutput:
        """A look at a memory without places, of which no score can be made: it tells all that any look does."""
        none = query.new_zeros(len(query), self.heads, query.shape[1], 0)
        context = self._merge(none.new_zeros(*none.shape[:3], memory.values.shape[-1]))
        unseen = F.pad(none, (0, 1)) > 0
        drawn = self.weighting(unseen.to(none), unseen, memory, at).choice if self.training and not self.sequential else None
        told = None if drawn is None else SampledLogProb(drawn.log_prob.sum(1), drawn.entropy.sum(1))
        mixture = Mixture(self._merge(F.pad(memory.values, (0, 0, 0, 1))), _share(none)) if self.weighting.mixes else None
        return AttentionOutput(context, memory, none if weights else None, told, mixture)

    def _look(self, asked: Queries, memory: Memory, weights: bool) -> TileOutput:
        """Score, sight, weigh, gather."""
        mask, fade = self._sight(asked, memory)
        form = self.score.form(asked.turned, memory, asked.at)
        # One pass makes no weights, and a sequential look leaves its weights in the memory.
        one_pass = self._is_softmax and fade is None and not self.sequential
        context = kernels.context(form, mask, memory.values, steady=self.steady) if one_pass else None
        if context is not None and not weights and self.edit is None:
            return TileOutput(context)
        if self.steady:
            return _rounded(self._weighed(tree_map(_wide, form), mask, fade, memory, asked.at, context), memory.values.dtype)
        return self._weighed(form, mask, fade, memory, asked.at, context)

    def _weighed(
        self,
        form: Form,
        mask: Bool[Tensor, " B #H Q K"],
        fade: Float[Tensor, "B H Q K"] | None,
        memory: Memory,
        at: Int[Tensor, "B Q"],
        context: Float[Tensor, "B H Q E"] | None,
    ) -> TileOutput:
        """Score, weigh, gather, in the type of the form; context: where it is known already."""
        scores = kernels.scores(form)
        if isinstance(form, PrecomputedForm):
            mask = mask & (scores > -torch.inf)
        taken, choice = self.weighting(scores, mask, memory, at)
        shown = taken if fade is None else taken * fade
        if context is None:
            values = memory.values.to(torch.float64) if self.steady else memory.values
            context = F.dropout(shown, self.dropout, self.training).to(values.dtype) @ values
        look = TileOutput(context, shown, taken, choice)
        return look if self.edit is None else self.edit.apply(look, mask, memory, at, normal=self.weighting.normal)

    def _tiled(self, asked: Queries, memory: Memory, weights: bool, own: bool) -> TileOutput:
        """The same in tiles, each made again in the backward pass: nothing of size Q x K is kept but weights that are asked for.

        own: the queries are the places, so that those out of reach need not be looked at.
        """
        cut = tiles(asked.at.shape[1], memory.valid.shape[1], self.scope.reach if own else None)
        context = None if self.steady or self.edit is not None else self._banded(asked, memory, cut, own)
        if context is not None and not weights:
            return TileOutput(context)
        return in_tiles(self._look, asked, memory, cut, shows=weights or self.weighting.mixes, context=context)

    def _banded(self, asked: Queries, memory: Memory, cut: list[Tile], own: bool) -> Float[Tensor, "B H Q E"] | None:
        """The context by one kernel for all tiles, where the score is a plain inner product and what is in sight needs no gradient."""
        if not self._is_softmax or self.scope.fades or "places" in self.score.reads:
            return None
        form = self.score.form(asked.turned, memory, asked.at)
        if not isinstance(form, DotForm) or form.bias is not None:
            return None
        band = (form, memory.values, memory.at, memory.valid, self.scope.reach)
        if own and self.scope.exact and (made := kernels.band(*band)) is not None:
            return made

        def sight(tile: Tile) -> Bool[Tensor, " B #H Q K"]:
            of, at = tile
            part = Queries(asked.query[:, of], asked.turned[:, :, of], asked.at[:, of], asked.length[:, of])
            return self._sight(part, replace(memory, valid=memory.valid[:, at], at=memory.at[:, at])).mask

        return kernels.attend_band(form, memory.values, cut, sight)

    @property
    def _is_softmax(self) -> bool:
        return self.weighting.softmax and not (self.training and self.dropout)

    def _sight(self, asked: Queries, memory: Memory) -> AttentionMask:
        query = asked.query.double() if self.steady else asked.query
        mask, fade = self.scope(query, asked.at, memory.at, asked.length)
        return AttentionMask(mask & memory.valid[:, None, None], fade)

    def _shared(self, x: Float[Tensor, "B T GD"]) -> Float[Tensor, "B H T D"]:
        """A head of keys or values for each head of the queries."""
        each = _split(x, self.groups)
        return each if self.groups == self.heads else each.repeat_interleave(self.heads // self.groups, 1)

    def _turned(self, x: Float[Tensor, "B H T D"], at: Int[Tensor, "B T"]) -> Float[Tensor, "B H T D"]:
        return x if self.rotary is None else self.rotary(x, at)

    def _merge(self, context: Float[Tensor, "B H Q E"]) -> Float[Tensor, "B Q HE"]:
        return self.out(context.transpose(1, 2).flatten(2))


def _refuse_heads(query_size: int, heads: int, groups: int, project: bool) -> None:
    if heads < 1 or (heads > 1 and not project) or (project and query_size % heads):
        received = f"heads={heads}, query_size={query_size}, project={project}"
        raise ConfigError(message("heads", "a divisor of query_size, with project", received, "Choose another number of heads."))
    if groups < 1 or heads % groups:
        raise ConfigError(message("groups", f"a divisor of the {heads} heads", str(groups), "Choose another number of groups."))


def _split(x: Float[Tensor, "B T HD"], heads: int) -> Float[Tensor, "B H T D"]:
    """Heads lie apart from here on: else each product would copy them, and those with keys in a slow order."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2).contiguous()


def _wide(x: Tensor) -> Tensor:
    return x.double()


def _rounded(look: TileOutput, to: torch.dtype) -> TileOutput:
    """What was made in float64, rounded once: no order of its sums shows."""
    choice = None if look.choice is None else SampledLogProb(*(x.to(to) for x in look.choice))
    shown, taken = (None if x is None else x.to(to) for x in (look.shown, look.taken))
    return TileOutput(look.context.to(to), shown, taken, choice)


def _share(shown: Float[Tensor, "B H Q K"]) -> Float[Tensor, "B Q P"]:
    """Several heads read one place together, as likely as it is in their mean; the last place is nothing."""
    share = shown.mean(1)
    total = share.sum(-1, keepdim=True)
    return torch.cat([share / total.where(total > 0, 1.0), (total == 0).to(share)], -1)


def _projected(
    key: Any, value: Any, source: Float[Tensor, "B K M"], values: Float[Tensor, "B K N"] | None
) -> tuple[Tensor, Tensor]:
    """Keys and values; of one source in one product, which is faster than two, but for a single place."""
    one = values is None and source.shape[1] > 1 and isinstance(key, nn.Linear) and isinstance(value, nn.Linear)
    weights = [key.weight, value.weight] if one else []
    if not one or not all(isinstance(w, Tensor) for w in weights):  # they may be bytes in use
        return key(source), value(source if values is None else values)
    bias = None if key.bias is None else torch.cat([key.bias, value.bias])
    keys, found = F.linear(source, torch.cat(weights), bias).chunk(2, -1)
    return keys, found
