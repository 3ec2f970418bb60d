"""`softmax(q . k) v` by PyTorch's fused attention, whole or tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.attention.score import DotForm
from regard.attention.tiling import Tile
from regard.attention.weighting import masked_softmax
from regard.core.optional import in_a_graph

# Places from which PyTorch's way pays on a CPU in float32; in bfloat16 it never does.  Forward and backward, 4 heads of 64, 4,096 queries
# in all, plain / fused, ms (one core, with other work beside it): 32 places 21 / 19, 64: 33 / 23, 256: 101 / 57; bfloat16, 16: 9 / 62,
# 256: 40 / 62, 512: 93 / 107.
LEAST = 64
# Rows times heads up to which it pays for a single query too, where nothing is trained: 4 heads and 15 places of one row 10 us against 32,
# of 32 rows 97 against 84.
FEW = 16


def pays(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"], values: Float[Tensor, "B H K E"]) -> bool:
    """Whether `attend` takes PyTorch's way: faster, and not the slow road that it takes where values are wider than keys."""
    low = torch.is_autocast_enabled("cpu") or query.dtype not in (torch.float32, torch.float64)
    if in_a_graph() or low or query.device.type != "cpu" or keys.shape[3] != values.shape[3]:
        return False
    single = query.shape[2] == 1 and len(query) * query.shape[1] <= FEW and not torch.is_grad_enabled()
    return single or min(query.shape[2], keys.shape[2]) >= LEAST


def attend(
    query: Float[Tensor, "B H Q D"],
    keys: Float[Tensor, "B H K D"],
    values: Float[Tensor, "B H K E"],
    mask: Bool[Tensor, " B #H Q K"],
) -> Float[Tensor, "B H Q E"]:
    """The context; zeros where nothing is in sight."""
    if pays(query, keys, values):
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=1.0)
    return masked_softmax(query @ keys.mT, mask).to(values.dtype) @ values


def of_one(query: Float[Tensor, "B H Q D"], keys: Float[Tensor, "B H K D"]) -> Float[Tensor, "B H Q K"] | None:
    """`query @ keys.mT` of a single query that is learned, as recurrent decoders and Aaren ask; None where the plain way serves.

    The plain way makes the keys' gradient lie across, by products of width one.  25 steps, forward and backward, two threads, plain / this:
    64 rows of 25 places and 512 numbers 19 / 13 ms, 4 heads of 64 numbers 32 / 12, in bfloat16 15 / 12 and 13 / 12.
    """
    device, learned = query.device.type, torch.is_grad_enabled() and (query.requires_grad or keys.requires_grad)
    if query.shape[2] != 1 or query.shape[:2] != keys.shape[:2] or device != "cpu" or not learned:
        return None
    if torch.is_autocast_enabled(device):
        query, keys = (t.to(torch.get_autocast_dtype(device)) for t in (query, keys))
    return _OfOne.apply(query, keys) if query.dtype == keys.dtype else None


class _OfOne(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor) -> Tensor:
        ctx.save_for_backward(query, keys)
        return query @ keys.mT if keys.shape[1] == 1 else (keys @ query.mT).mT  # of several heads three times as fast

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        query, keys = ctx.saved_tensors
        of_query, of_keys = ctx.needs_input_grad
        return grad @ keys if of_query else None, grad.mT * query if of_keys else None


def attend_band(
    form: DotForm, values: Float[Tensor, "B H K E"], tiles: Sequence[Tile], sight: Callable[[Tile], Bool[Tensor, " B #H Q K"]]
) -> Float[Tensor, "B H Q E"]:
    """`attend` tile by tile.  Nothing is kept for the backward pass but what comes in: each tile's weights are made again there, by plain
    products, which take less than half as long as PyTorch's fused way forward and back.

    form: without a bias.  sight: which of its places each query of a tile may see.
    """
    return _BandedTiles.apply(form.query, form.keys, values, tiles, sight)


class _BandedTiles(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, keys: Tensor, values: Tensor, tiles: Sequence[Tile], sight: Callable[[Tile], Tensor]
    ) -> Tensor:
        ctx.save_for_backward(query, keys, values)
        ctx.tiles, ctx.sight, device = tiles, sight, query.device.type
        ctx.arithmetic = device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)  # over when backward runs
        context = values.new_empty(*query.shape[:3], values.shape[3])
        for tile in tiles:
            of, at = tile
            context[:, :, of] = attend(query[:, :, of], keys[:, :, at], values[:, :, at], sight(tile))
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, keys, values = ctx.saved_tensors
        d_query, d_keys, d_values = torch.empty_like(query), torch.zeros_like(keys), torch.zeros_like(values)
        for tile in ctx.tiles:
            of, at = tile
            q, k, v, g = query[:, :, of], keys[:, :, at], values[:, :, at], grad[:, :, of]
            with torch.autocast(*ctx.arithmetic):
                share = masked_softmax(q @ k.mT, ctx.sight(tile))
                d_values[:, :, at] += share.to(v.dtype).mT @ g
                d_share = (g @ v.mT).to(share.dtype)
                along = torch.linalg.vecdot(d_share, share)[..., None]
                d_scores = torch.mul(share, d_share.sub_(along), out=d_share).to(q.dtype)
                d_query[:, :, of] = d_scores @ k
                d_keys[:, :, at] += d_scores.mT @ q
        return d_query, d_keys, d_values, None, None
