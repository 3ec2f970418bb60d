"""Attention as a recurrent net: what a fixed query has read of a prefix is all that it must keep of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from regard.attention import kernels
from regard.attention.attention import Attention
from regard.attention.memory import Memory
from regard.attention.scope import Causal
from regard.attention.score import weight
from regard.attention.tiling import TileOutput
from regard.core.errors import ConfigError, message
from regard.core.optional import in_a_graph

if TYPE_CHECKING:
    from regard.attention.interventions import LookEdit


class PrefixSummary(NamedTuple):
    """What a fixed query keeps of the places behind it: O(1), however many they were.

    top: their best score; total: the sum of exp(score - top); sum: that of exp(score - top) value.  No gradient goes through `top`:
    sum / total does not depend on it.
    """

    top: Float[Tensor, "B H *T"]
    total: Float[Tensor, "B H *T"]
    sum: Float[Tensor, "B H *T E"]

    def then(self, more: PrefixSummary) -> PrefixSummary:
        """The places of `more` behind these.  Associative, so that a prefix scan may take it in any order.  Feng et al. 2024,
        section 3.2, and never larger than it must be: the scale is the better of the two tops."""
        top = torch.maximum(self.top, more.top)
        old, new = torch.exp(self.top - top), torch.exp(more.top - top)
        return PrefixSummary(top, old * self.total + new * more.total, old[..., None] * self.sum + new[..., None] * more.sum)

    def read(self) -> Float[Tensor, "B H *T E"]:
        """softmax(scores) times the values; zeros where there was no place."""
        return self.sum / self.total.where(self.total > 0, 1.0)[..., None]


class RememberedPrefix(NamedTuple):
    """What is kept where the weights of a look are changed: places that were read may count otherwise later, so all are remembered."""

    summary: PrefixSummary
    places: Memory


class PrefixOutput(NamedTuple):
    """context: "B T E", what is read of each prefix.  state: to go on from.  weights: "B H T T", of the places of this call, where
    asked for: their rows sum to 1 less what earlier calls hold."""

    context: Float[Tensor, "B T E"]
    state: PrefixSummary | RememberedPrefix
    weights: Float[Tensor, "B H T T"] | None = None


class Aaren(nn.Module):
    """`o_t = sum_{k<=t} exp(s_k) v_k / sum_{k<=t} exp(s_k), s_k = score(q, h_k)`: causal softmax attention with a learned query,
    as a recurrent net.  Feng et al. 2024, sections 3.1-3.3.

    attention: how it looks, under `causal`, made for queries of width `size`: any score, any heads and projections.  size: width of
    the learned query; 0: there is none, and the score reads the keys alone.  block: so many places are read in one product; changes
    speed, never meaning.
    In training all prefixes come from one scan; in use the state takes one place more, of constant size.  Invalid places are passed
    by, wherever they lie; before the first real place everything reads zeros.
    Raises ConfigError for what a constant state cannot hold: another scope or weighting, scores that go step by step or by
    positions (the query has none), rotary turns, dropped weights.

    Use it in place of causal self-attention where text streams in and memory must not grow.  The query cannot ask otherwise at
    another place: what it looks for is the same everywhere.

    Cost: n (block + d) d in training, log(n / block) rounds one after the other; d a step in use, and d to keep.
    """

    def __init__(self, attention: Attention, size: int, *, block: int = 32) -> None:
        super().__init__()
        _refuse(attention, block)
        self.attention, self.block = attention, block
        self.query = weight(1, size) if size else None
        self.edit: LookEdit | None = None  # in use: what a person does to its weights

    def start(self, like: Float[Tensor, " B *any"]) -> PrefixSummary | RememberedPrefix:
        """The state before anything was read; batch, device and precision are those of `like` (and its width, where weights are
        changed)."""
        if self.edit is None:
            return self._summary(like)
        return RememberedPrefix(self._summary(like), self.attention.remember(like[:, :0]))

    def _summary(self, like: Float[Tensor, " B *any"]) -> PrefixSummary:
        B, H, E = len(like), self.attention.heads, self.attention.context_size // self.attention.heads
        like = like.new_zeros((), dtype=torch.promote_types(like.dtype, torch.float32))
        lowest = torch.finfo(like.dtype).min
        return PrefixSummary(like.new_full((B, H), lowest), like.new_zeros(B, H), like.new_zeros(B, H, E))

    def forward(
        self,
        x: Float[Tensor, "B T M"],
        state: PrefixSummary | RememberedPrefix,
        valid: Bool[Tensor, "B T"] | None = None,
        *,
        weights: bool = False,
    ) -> PrefixOutput:
        """Read on.  valid: True = a real place; None: all.  weights=True hands over the weights too and never changes the context."""
        T, valid = x.shape[1], torch.ones_like(x[..., 0], dtype=torch.bool) if valid is None else valid
        memory, before = self.attention.remember(x, valid), state.summary if isinstance(state, RememberedPrefix) else state
        scores = self._scores(memory).to(before.top.dtype)
        seen = valid[:, None] & (scores > -torch.inf)
        values = memory.values.to(scores.dtype)
        read, shown, run, left = kernels.prefix(*before, scores, seen, values), None, None, None
        if weights or read is None or isinstance(state, RememberedPrefix):
            run = self._scan(before, scores, seen, values)
            shown = _taken(scores, seen, run.top) / run.total.where(run.total > 0, 1.0)[..., None] if weights else None
            read = read or (run.read(), *(PrefixSummary(*(t[:, :, -1] for t in run)) if T else before))
        context, kept = read[0], PrefixSummary(*read[1:])
        if isinstance(state, RememberedPrefix) and run is not None:
            context, shown, left = self._edited(run, context, kept, state.places.extend(memory), weights)
        context = context.to(memory.values.dtype).transpose(1, 2).flatten(2)
        return PrefixOutput(self.attention.out(context), kept if left is None else left, shown)

    def _scores(self, memory: Memory) -> Float[Tensor, "B H T"]:
        look, none = self.attention, memory.values.new_zeros(1, 0)
        query = none if self.query is None else look.query(self.query)
        query = query.unflatten(-1, (look.heads, -1)).transpose(0, 1).expand(len(memory.valid), -1, -1, -1)
        return kernels.scores(look.score.form(query, memory, torch.zeros_like(memory.at[:, :1])))[:, :, 0]

    def _edited(
        self, run: PrefixSummary, context: Float[Tensor, "B H T E"], left: PrefixSummary, places: Memory, weights: bool
    ) -> tuple[Float[Tensor, "B H T E"], Tensor | None, RememberedPrefix]:
        """The same with the weights of all places that were read, changed."""
        assert self.edit is not None
        T, P = run.top.shape[2], places.valid.shape[1]
        at = torch.arange(P, device=places.at.device).expand_as(places.at)
        scores = self._scores(places).to(run.top.dtype)
        behind = (at[:, None] <= at[:, P - T :, None])[:, None]
        seen = behind & (places.valid[:, None] & (scores > -torch.inf))[:, :, None]
        made = (scores[:, :, None] - run.top[..., None]).masked_fill(~seen, -torch.inf).exp()
        shown = made / run.total.where(run.total > 0, 1.0)[..., None]
        memory = replace(places, at=at)
        look = self.edit.apply(TileOutput(context, shown), seen, memory, at[:, P - T :], normal=True)
        return (
            look.context,
            look.shown[..., P - T :] if weights and look.shown is not None else None,
            RememberedPrefix(left, memory),
        )

    def _scan(
        self, before: PrefixSummary, scores: Float[Tensor, "B H T"], seen: Bool[Tensor, "B H T"], values: Float[Tensor, "B H T E"]
    ) -> PrefixSummary:
        """The summary of each prefix: within a block by one product, from block to block by a scan of their ends."""
        T = scores.shape[-1]
        block = max(1, T if in_a_graph() else min(self.block, T))  # a graph is one for any number of places, so without rounds
        spare = -T % block
        scores, seen = (F.pad(t, (0, spare)).unflatten(2, (-1, block)) for t in (scores, seen))
        values = F.pad(values, (0, 0, 0, spare)).unflatten(2, (-1, block))
        top = scores.detach().masked_fill(~seen, torch.finfo(scores.dtype).min).cummax(-1).values
        taken = _taken(scores, seen, top)
        within = PrefixSummary(top, taken.sum(-1), taken @ values)
        ends = (torch.cat([b[:, :, None], w[:, :, :-1, -1]], 2) for b, w in zip(before, within, strict=True))
        run = PrefixSummary(*(t[:, :, :, None] for t in _prefixes(PrefixSummary(*ends)))).then(within)
        return PrefixSummary(*(t.flatten(2, 3)[:, :, :T] for t in run))


def _taken(scores: Float[Tensor, "B H *N T"], seen: Bool[Tensor, "B H *N T"], top: Float[Tensor, "B H *N T"]) -> Tensor:
    """ "B H *N T T", exp(score of k - top of t) for k up to t, of real places; nothing is exponentiated that is not taken."""
    T = scores.shape[-1]
    behind = torch.ones(T, T, dtype=torch.bool, device=scores.device).tril()
    far = (scores[..., None, :] - top[..., :, None]).masked_fill(~(behind & seen[..., None, :]), -torch.inf)
    return far.exp()


def _prefixes(each: PrefixSummary) -> PrefixSummary:
    """What is kept of every prefix of "B H N" summaries, in log2 N rounds.  Hillis & Steele 1986."""
    step = 1
    while step < each.top.shape[2]:
        later = _part(each, None, -step).then(_part(each, step, None))
        each = PrefixSummary(*(torch.cat([t[:, :, :step], u], 2) for t, u in zip(each, later, strict=True)))
        step *= 2
    return each


def _part(each: PrefixSummary, first: int | None, last: int | None) -> PrefixSummary:
    return PrefixSummary(*(t[:, :, first:last] for t in each))


def _refuse(attention: Attention, block: int) -> None:
    score, weighting = type(attention.score).__name__, type(attention.weighting).__name__
    wrong = {
        f"scope {type(attention.scope).__name__}": not isinstance(attention.scope, Causal),
        f"weighting {weighting}": not attention.weighting.softmax,
        f"{score} and {weighting}, which look step by step": attention.sequential,
        f"score {score}, which depends on positions": "places" in attention.score.reads,
        "rotary turns": attention.rotary is not None,
        f"dropout {attention.dropout}": attention.dropout > 0,
        f"block {block}": block < 1,
    }
    received = [what for what, is_wrong in wrong.items() if is_wrong]
    if received:
        expected = "scope causal, weighting softmax, a score of queries and keys alone, no rotary turns, no dropout of weights"
        raise ConfigError(message("aaren", expected, " and ".join(received), "Its state is one summary: use causal attention."))
