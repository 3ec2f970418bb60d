"""Attention: project, score, sight, weigh, gather.  Every look of the house is this class."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention import kernels
from regard.attention.memory import Memory, Past
from regard.attention.position import Rotary
from regard.attention.scope import Everywhere, Scope
from regard.attention.score import Given, ScaledDot, Score
from regard.attention.weighting import Choice, Softmax, Weighting
from regard.ground.errors import ConfigError, message


class Mixture(NamedTuple):
    """What a look at one place alone would gather, and how likely that place is: for what mixes probabilities instead of contexts.

    context: "B P E" and share: "B Q P", where P = K + 1: the last "place" is nothing at all, certain where nothing is in sight.
    """

    context: Float[Tensor, "B P E"]
    share: Float[Tensor, "B Q P"]


class Reading(NamedTuple):
    """context: "B Q E", what was gathered.  memory: as this look leaves it.  weights: "B H Q K", after fade and before dropout,
    where asked for.  choice: "B Q", summed over heads, where the look was drawn.  mixture: where the weighting mixes."""

    context: Float[Tensor, "B Q E"]
    memory: Memory
    weights: Float[Tensor, "B H Q K"] | None = None
    choice: Choice | None = None
    mixture: Mixture | None = None


class Attention(nn.Module):
    """A look at a memory.

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
        keys = self._turned(self._shared(self.key(source)), at)
        none = source.new_zeros(B, self.heads, K)
        past = Past(none, none, torch.zeros_like(at)) if self.sequential else None
        return Memory(
            self.score.prepare(keys, at), self._shared(self.value(source if values is None else values)), valid, at, past
        )

    def forward(
        self,
        query: Float[Tensor, "B Q M"],
        memory: Memory,
        at: Int[Tensor, "B Q"] | None = None,
        *,
        weights: bool = False,
    ) -> Reading:
        """Look.  at: the true positions of the queries; None: they are the memory's own places, one for one, or, where there are more
        or fewer queries than places, 0, 1, 2...

        weights=True hands over the weights too and never changes the context.  Raises ConfigError where a sequential look gets
        more than one query.
        """
        Q, K = query.shape[1], memory.valid.shape[1]
        if at is None:
            at = memory.at if Q == K else torch.arange(Q, device=query.device).expand(len(query), Q)
        if self.sequential and Q > 1:
            raise ConfigError(message("sequential attention", "one query at a time", str(Q), "Look step by step."))
        if not K:  # an empty past: nothing to gather
            context = query.new_zeros(len(query), self.heads, Q, memory.values.shape[-1])
            return Reading(self._merge(context), memory, query.new_zeros(len(query), self.heads, Q, 0) if weights else None)
        mask, fade = self.scope(query, at, memory.at, memory.length[:, None].expand(-1, Q))
        form = self.score.form(self._turned(self._split(self.query(query)), at), memory, at)
        scores, mask = kernels.scores(form), mask & memory.valid[:, None, None]
        if isinstance(form, Given):
            mask = mask & (scores > -torch.inf)
        taken, choice = self.weighting(scores, mask, memory, at)
        shown = taken if fade is None else taken * fade
        context = F.dropout(shown, self.dropout, self.training).to(memory.values.dtype) @ memory.values
        left = memory.after(taken[:, :, 0]) if self.sequential else memory
        told = None if choice is None else Choice(choice.log_prob.sum(1), choice.entropy.sum(1))
        mixture = self._mixture(memory, shown) if self.weighting.mixes else None
        return Reading(self._merge(context), left, shown if weights else None, told, mixture)

    def _mixture(self, memory: Memory, shown: Float[Tensor, "B H Q K"]) -> Mixture:
        """Several heads read one place together, as likely as it is in their mean."""
        share = shown.mean(1)
        total = share.sum(-1, keepdim=True)
        share = torch.cat([share / total.where(total > 0, 1.0), (total == 0).to(share)], -1)
        return Mixture(self._merge(F.pad(memory.values, (0, 0, 0, 1))), share)

    def _split(self, x: Float[Tensor, "B T HD"]) -> Float[Tensor, "B H T D"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _shared(self, x: Float[Tensor, "B T GD"]) -> Float[Tensor, "B H T D"]:
        """A head of keys or values for each head of the queries."""
        each = x.unflatten(-1, (self.groups, -1)).transpose(1, 2)
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
