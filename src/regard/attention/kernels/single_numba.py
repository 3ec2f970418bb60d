"""Looks as in `single_loops`, within the loops of `inference.kernels` that are in numba, until these are in C too."""

from __future__ import annotations

from typing import Any

import numpy as np

from regard.core.fast_math import exp, tanh
from regard.core.numba_loops import compiled, exactly

F = np.float32
ZERO = F(0)


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
