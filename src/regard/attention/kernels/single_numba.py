"""A look by softmax, compiled: scores, weights and context of a query in one pass, where nothing is trained.

What a query reads depends on what it sees alone, to the last bit: not on other queries, other rows, or padding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from regard.core.fast_math import exp, tanh
from regard.core.numba_loops import arrays, compiled, exactly
from regard.core.parallel import spread

F = np.float32
ZERO, ONE = F(0), F(1)


def of_tanh(
    query: Float[Tensor, "B H Q D"],
    keys: Float[Tensor, "B H K D"],
    v: Float[Tensor, "H D"],
    mask: Bool[Tensor, " B #H Q K"],
    values: Float[Tensor, "B H K E"],
) -> Float[Tensor, "B H Q E"]:
    """softmax(v . tanh(q + k)) in sight, times the values; zeros where nothing is."""
    return _looked(_of_tanh, query, keys, mask, values, v)


def of_inner(
    query: Float[Tensor, "B H Q D"],
    keys: Float[Tensor, "B H K D"],
    mask: Bool[Tensor, " B #H Q K"],
    values: Float[Tensor, "B H K E"],
) -> Float[Tensor, "B H Q E"]:
    """softmax(q . k) in sight, times the values; zeros where nothing is."""
    return _looked(_of_inner, query, keys, mask, values)


def _looked(loops: Any, query: Tensor, keys: Tensor, mask: Tensor, values: Tensor, *more: Tensor) -> Tensor:
    out = values.new_zeros(*query.shape[:3], values.shape[-1])
    given = arrays(*(t.contiguous() for t in (query, keys, mask, values, *more)), out)
    spread(loops, given, out.shape[:3].numel(), out.shape[2] * (keys.numel() + values.numel()))
    return out


@compiled
def _of_tanh(query: Any, keys: Any, mask: Any, values: Any, v: Any, out: Any, first: int, last: int) -> None:
    (H, Q), K = query.shape[1:3], keys.shape[2]
    share = np.empty(K, F)
    for n in range(first, last):
        b, h, q = n // (H * Q), n // Q % H, n % Q
        look_by_tanh(query[b, h, q], v[h], keys[b, h], mask[b, h % mask.shape[1], q], values[b, h], share, out[b, h, q])


@compiled
def _of_inner(query: Any, keys: Any, mask: Any, values: Any, out: Any, first: int, last: int) -> None:
    (H, Q), K = query.shape[1:3], keys.shape[2]
    share = np.empty(K, F)
    for n in range(first, last):
        b, h, q = n // (H * Q), n // Q % H, n % Q
        look(query[b, h, q], keys[b, h], mask[b, h % mask.shape[1], q], values[b, h], ONE, share, out[b, h, q])


@exactly
def look(query: Any, keys: Any, seen: Any, values: Any, scale: Any, share: Any, out: Any) -> None:
    """Within loops: softmax(scale q . k) in sight, times the values, onto `out`, which is zero.  share: room for a number a place."""
    for k in range(len(keys)):
        if seen[k]:
            share[k] = _dot(query, keys, k) * scale
    _gathered(share, seen, values, out)


@exactly
def look_by_tanh(query: Any, v: Any, keys: Any, seen: Any, values: Any, share: Any, out: Any) -> None:
    """Within loops: softmax(v . tanh(q + k)) in sight, times the values, onto `out`, which is zero."""
    for k in range(len(keys)):
        if seen[k]:
            share[k] = _by_tanh(query, v, keys, k)
    _gathered(share, seen, values, out)


@compiled
def _dot(query: Any, keys: Any, k: Any) -> Any:
    """By itself, as the next one: it may be summed in any order, since nothing is written beside it."""
    sum = ZERO
    for d in range(len(query)):
        sum += query[d] * keys[k, d]
    return sum


@compiled
def _by_tanh(query: Any, v: Any, keys: Any, k: Any) -> Any:
    sum = ZERO
    for d in range(len(query)):
        sum += v[d] * tanh(query[d] + keys[k, d])
    return sum


@exactly
def _gathered(share: Any, seen: Any, values: Any, out: Any) -> None:
    """softmax of what is in sight, and the sum of the values that it weighs, onto `out`, which is zero."""
    most, total = F(-np.inf), ZERO
    for k in range(len(share)):
        if seen[k]:
            most = max(most, share[k])
    for k in range(len(share)):
        if seen[k]:
            share[k] = exp(share[k] - most)
            total += share[k]
    for k in range(len(share)):
        if seen[k]:
            part = share[k] / total
            for e in range(len(out)):
                out[e] += part * values[k, e]
