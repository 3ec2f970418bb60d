"""A look by softmax, compiled (`regard/kernels/looks.h`): scores, weights and context of a query in one pass, where nothing is trained.

What a query reads depends on what it sees alone, to the last bit: not on other queries, other rows, or padding.
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor

from regard.core.loops import call


def of_tanh(
    query: Float[Tensor, "B H Q D"],
    keys: Float[Tensor, "B H K D"],
    v: Float[Tensor, "H D"],
    mask: Bool[Tensor, " B #H Q K"],
    values: Float[Tensor, "B H K E"],
) -> Float[Tensor, "B H Q E"]:
    """softmax(v . tanh(q + k)) in sight, times the values; zeros where nothing is."""
    return _looked("single_tanh", query, keys, mask, values, v)


def of_inner(
    query: Float[Tensor, "B H Q D"],
    keys: Float[Tensor, "B H K D"],
    mask: Bool[Tensor, " B #H Q K"],
    values: Float[Tensor, "B H K E"],
) -> Float[Tensor, "B H Q E"]:
    """softmax(q . k) in sight, times the values; zeros where nothing is."""
    return _looked("single_inner", query, keys, mask, values)


def _looked(kernel: str, query: Tensor, keys: Tensor, mask: Tensor, values: Tensor, *more: Tensor) -> Tensor:
    out, room = values.new_empty(*query.shape[:3], values.shape[-1]), values.new_empty(*query.shape[:3], keys.shape[2])
    given = (*(t.contiguous() for t in (query, keys, mask, values)), out, room, *(t.contiguous() for t in more))
    call(kernel, given, units=out.shape[:3].numel(), steps=out.shape[2] * (keys.numel() + values.numel()))
    return out
