"""Looking tile by tile: some queries at a time, at no more places than they can see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from regard.attention.memory import Memory
from regard.attention.scope import Reach
from regard.attention.weighting import SampledLogProb
from regard.core.state import tree_map

T = TypeVar("T")
LONG = 256  # queries above which they are looked from in tiles
NARROW, WIDE = 64, 256  # queries of a tile: where the reach is bounded to both sides, and elsewhere


class Queries(NamedTuple):
    """Queries: as they came, projected and turned; where they stand; one past the last place that is there for each, where asked for."""

    query: Float[Tensor, "B Q M"]
    turned: Float[Tensor, "B H Q D"]
    at: Int[Tensor, "B Q"]
    length: Int[Tensor, "B Q"]


class TileOutput(NamedTuple):
    """context; the weights after and before fade, where they were made; what was drawn."""

    context: Float[Tensor, "B H Q E"]
    shown: Float[Tensor, "B H Q K"] | None = None
    taken: Float[Tensor, "B H Q K"] | None = None
    choice: SampledLogProb | None = None


class Tile(NamedTuple):
    """Some queries, and the places that they may see."""

    queries: slice
    places: slice


def tiles(queries: int, places: int, reach: Reach | None) -> list[Tile]:
    """All queries, in order.  reach: of the scope where the queries are the places, one for one; None: any may see any."""
    back, ahead = reach or (places, places)
    size = NARROW if max(back, ahead) < places else WIDE
    made = []
    for first in range(0, queries, size):
        last = min(first + size, queries)
        seen = slice(int(max(first - back, 0)), int(min(last + ahead, places))) if reach else slice(0, places)
        made.append(Tile(slice(first, last), seen))
    return made


def in_tiles(
    look: Callable[[Queries, Memory, bool], TileOutput],
    asked: Queries,
    memory: Memory,
    cut: Sequence[Tile],
    *,
    shows: bool,
    context: Float[Tensor, "B H Q E"] | None,
) -> TileOutput:
    """One look, tile by tile; each tile is made again in the backward pass.

    shows: with its weights, which are zero where a tile does not reach.  context: where it is known already.
    """
    K = memory.valid.shape[1]
    asking = parts(asked, [t.queries for t in cut], lambda t: t.dim() // 2)
    memories = parts(memory, [t.places for t in cut], lambda t: min(t.dim() - 1, 2))
    looks = [cast(TileOutput, checkpoint(look, a, m, shows, use_reentrant=False)) for a, m in zip(asking, memories, strict=True)]
    wide = [
        F.pad(x.shown, (t.places.start, K - t.places.stop))
        for x, t in zip(looks, cut, strict=True)
        if x.shown is not None and shows
    ]
    choices = [x.choice for x in looks if x.choice is not None]
    return TileOutput(
        torch.cat([x.context for x in looks], 2) if context is None else context,
        torch.cat(wide, 2) if wide else None,
        None,
        SampledLogProb(*(torch.cat(c, 2) for c in zip(*choices, strict=True))) if choices else None,
    )


def parts(state: T, slices: Sequence[slice], axis: Callable[[Tensor], int]) -> list[T]:
    """Parts of a state, which may overlap.  axis: which one of each tensor is cut."""
    leaves: list[tuple[Tensor, ...]] = []
    tree_map(lambda t: leaves.append(_Parts.apply(t, slices, axis(t))), state)
    made = []
    for each in zip(*leaves, strict=True):
        left = iter(each)
        made.append(tree_map(lambda _, left=left: next(left), state))
    return made


class _Parts(torch.autograd.Function):
    """Views of a tensor.  Their gradients go into one table; by slices each would make a table of its own, as large as the whole."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "*any"], parts: Sequence[slice], axis: int) -> tuple[Tensor, ...]:
        ctx.like, ctx.parts, ctx.axis = (x.shape, x.dtype, x.device), parts, axis
        ctx.set_materialize_grads(False)
        return tuple(x.narrow(axis, part.start, part.stop - part.start) for part in parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        shape, dtype, device = ctx.like
        whole = torch.zeros(shape, dtype=dtype, device=device)
        for grad, part in zip(grads, ctx.parts, strict=True):
            if grad is not None:
                whole.narrow(ctx.axis, part.start, part.stop - part.start).add_(grad)
        return whole, None, None
