"""Attention: project, score, sight, weigh, gather.  Every look of the house is this class."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.attention.memory import Memory, Past
from regard.attention.scope import Everywhere, Scope
from regard.attention.score import Given, ScaledDot, Score
from regard.attention.weighting import Choice, Softmax, Weighting
from regard.ground.errors import ConfigError, message


class Reading(NamedTuple):
    """context: "B Q E", what was gathered.  memory: as this look leaves it.  weights: "B H Q K", after fade and before dropout,
    where asked for.  choice: "B Q", summed over heads, where the look was drawn."""

    context: Float[Tensor, "B Q E"]
    memory: Memory
    weights: Float[Tensor, "B H Q K"] | None = None
    choice: Choice | None = None


class Attention(nn.Module):
    """A look at a memory.

    query_size, memory_size: widths of the queries and of the source.  score, scope, weighting: the three kinds, as objects;
    a score of `heads` heads works at the width of a head.  project: Vaswani's four projections around the score, always so where
    heads > 1 (`bias`: with biases; `out`: with the output projection); without it a look has just the parameters of its score,
    the values are the source itself and the context has width `memory_size`; with it, `query_size`.
    dropout: share of the weights dropped in training, after the weights that are shown.

    Raises ConfigError where heads do not divide query_size, or heads > 1 without projections.
    Vaswani et al. 2017, section 3.2.2 (projections); the scores name their own papers.
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
        project: bool | None = None,
        bias: bool = False,
        out: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        project = heads > 1 if project is None else project
        if heads < 1 or (heads > 1 and not project) or (project and query_size % heads):
            received = f"heads={heads}, query_size={query_size}, project={project}"
            raise ConfigError(
                message("heads", "a divisor of query_size, with project", received, "Choose another number of heads.")
            )
        self.score = score or ScaledDot()
        self.scope = scope or Everywhere()
        self.weighting = weighting or Softmax()
        self.heads, self.dropout = heads, dropout
        self.sequential = self.score.sequential or self.weighting.sequential
        self.context_size = query_size if project else memory_size
        self.query = nn.Linear(query_size, query_size, bias=bias) if project else nn.Identity()
        self.key = nn.Linear(memory_size, query_size, bias=bias) if project else nn.Identity()
        self.value = nn.Linear(memory_size, query_size, bias=bias) if project else nn.Identity()
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
        keys = self.score.prepare(self._split(self.key(source)), at)
        past = Past(source.new_zeros(B, self.heads, K), source.new_zeros(B, self.heads, K)) if self.sequential else None
        return Memory(keys, self._split(self.value(source if values is None else values)), valid, at, past)

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
        mask, fade = self.scope(query, at, memory.at, memory.length)
        form = self.score.form(self._split(self.query(query)), memory, at)
        scores, mask = form.scores(), mask & memory.valid[:, None, None]
        if isinstance(form, Given):
            mask = mask & (scores > -torch.inf)
        taken, choice = self.weighting(scores, mask, memory.past)
        shown = taken if fade is None else taken * fade
        context = F.dropout(shown, self.dropout, self.training).to(memory.values.dtype) @ memory.values
        left = memory.after(taken[:, :, 0]) if self.sequential else memory
        told = None if choice is None else Choice(choice.log_prob.sum(1), choice.entropy.sum(1))
        return Reading(self._merge(context), left, shown if weights else None, told)

    def _split(self, x: Float[Tensor, "B T HD"]) -> Float[Tensor, "B H T D"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _merge(self, context: Float[Tensor, "B H Q E"]) -> Float[Tensor, "B Q HE"]:
        return self.out(context.transpose(1, 2).flatten(2))
