"""The loops of `inference.transformer_steps`: a whole step of a decoder, for many rows where there are tiles; else the looks alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.kernels.single_numba import look
from regard.core.fast_math import exp
from regard.core.numba_loops import arrays, compiled, exactly
from regard.core.parallel import spread
from regard.inference.kernels import gemv_numba, layout_numba
from regard.inference.kernels.layout_numba import GROUP, SOME, matrix, room, times

F = np.float32
MOST = gemv_numba.MOST
ZERO, ONE, HALF, ROOT_HALF = F(0), F(1), F(0.5), F(math.sqrt(0.5))


def step(h: Float[Tensor, "R D"], weights: tuple[Any, ...], state: Any) -> Float[Tensor, "R D"]:
    """Rows through all layers.  weights: of `ready`; state: `transformer_steps.TransformerStepState`, with a slot for what is new."""
    out = h.clone()
    kept = arrays(state.pool, state.slots, state.sentence, state.keys, state.values, state.valid)
    spread(_step, (*arrays(out), *weights[:5], *kept, *weights[5:]), -(-len(out) // GROUP), out.numel() * len(weights[0]) * 20)
    return out


def ready(flat: Any) -> tuple[Any, ...]:
    """The weights of a decoder, flat, as `step` takes them."""
    plan, norms, rest, heads, back = arrays(flat.products, flat.norms, flat.rest, flat.heads, flat.back)
    widest = int(flat.products[..., 1:3].max())
    return (
        plan,
        norms,
        layout_numba.ready(flat.floats, flat.bytes),
        rest,
        widest,
        heads,
        back,
        F(flat.eps),
        not flat.post,
        flat.gelu,
    )


def look_back(
    given: Float[Tensor, "R 3D"], pool: Float[Tensor, "S L 2 D"], slots: Int[Tensor, "R T"], layer: int, heads: int, back: float
) -> Float[Tensor, "R D"]:
    """What each row reads of its own places in a layer.  given: query, key and value of the new place; key and value go into the
    pool, at the row's last slot.  back: how many places before it are in sight."""
    out = given.new_empty(len(given), pool.shape[-1])
    fixed = (layer, heads, int(min(back, slots.shape[1])))
    spread(_look_back, (*arrays(given, pool, slots, out), *fixed), len(out), slots.numel() * out.shape[1] * 2)
    return out


def look_at_source(
    query: Float[Tensor, "R D"], keys: Float[Tensor, "L N H K E"], values: Float[Tensor, "L N H K E"], valid: Bool[Tensor, "N K"],
    sentence: Int[Tensor, " R"], layer: int,
) -> Float[Tensor, "R D"]:  # fmt: skip
    """What each row reads of its sentence in a layer; zeros where nothing is in sight."""
    out = torch.empty_like(query)
    given = arrays(query.contiguous(), keys, values, valid, sentence, out)
    spread(_look_at_source, (*given, layer), len(out), out.numel() * keys.shape[3] * 2)
    return out


def added(
    h: Float[Tensor, "R D"], made: Float[Tensor, "R D"], weight: Float[Tensor, " D"], bias: Float[Tensor, " D"], eps: float
) -> tuple[Float[Tensor, "R D"], Float[Tensor, "R D"]]:
    """h + made, and its layer norm."""
    sum, out = torch.empty_like(h), torch.empty_like(h)
    _added(*arrays(h, made, weight, bias, sum, out), F(eps))
    return sum, out


@compiled
def _added(h: Any, made: Any, weight: Any, bias: Any, sum: Any, out: Any, eps: Any) -> None:
    for r in range(len(h)):
        for d in range(h.shape[1]):
            sum[r, d] = h[r, d] + made[r, d]
        _norm(sum[r], weight, bias, eps, out[r])


@compiled
def _look_back(given: Any, pool: Any, slots: Any, out: Any, layer: int, heads: int, back: int, first: int, last: int) -> None:
    D = out.shape[1]
    for r in range(first, last):
        _keep(given[r], pool[slots[r, slots.shape[1] - 1], layer])
        _own(given[r, :D], pool, slots[r], layer, heads, back, out[r])


@exactly
def _keep(given: Any, here: Any) -> None:
    """Key and value, behind the query."""
    D = here.shape[1]
    for d in range(D):
        here[0, d], here[1, d] = given[D + d], given[2 * D + d]


@exactly
def _own(query: Any, pool: Any, slots: Any, layer: Any, heads: Any, back: Any, out: Any) -> None:
    """A row.  No part of an array is named in the innermost loops: to count who holds it takes as long as a head."""
    E = len(out) // heads
    begin = max(0, len(slots) - 1 - back)
    share, scale = np.empty((heads, len(slots) - begin), F), ONE / np.sqrt(F(E))
    q, c = matrix(query, 0, heads, E), matrix(out, 0, heads, E)
    for t in range(begin, len(slots)):
        key = matrix(pool[slots[t], layer, 0], 0, heads, E)
        for h in range(heads):
            share[h, t - begin] = _dot(q, key, h) * scale
    for h in range(heads):
        _softmax(share[h])
    for h in range(heads):
        for e in range(E):
            c[h, e] = ZERO
    for t in range(begin, len(slots)):
        value = matrix(pool[slots[t], layer, 1], 0, heads, E)
        for h in range(heads):
            part = share[h, t - begin]
            for e in range(E):
                c[h, e] += part * value[h, e]


@compiled
def _dot(query: Any, key: Any, h: Any) -> Any:
    """Of a head."""
    sum = ZERO
    for e in range(query.shape[1]):
        sum += query[h, e] * key[h, e]
    return sum


@compiled
def _look_at_source(
    query: Any, keys: Any, values: Any, valid: Any, sentence: Any, out: Any, layer: int, first: int, last: int
) -> None:
    for r in range(first, last):
        _source(query[r], keys[layer, sentence[r]], values[layer, sentence[r]], valid[sentence[r]], out[r])


@compiled
def _source(query: Any, keys: Any, values: Any, valid: Any, out: Any) -> None:
    """A row."""
    H, K, E = keys.shape
    scale, share = ONE / np.sqrt(F(E)), np.empty(K, F)
    for d in range(len(out)):
        out[d] = ZERO
    for h in range(H):
        look(query[h * E : (h + 1) * E], keys[h], valid, values[h], scale, share, out[h * E : (h + 1) * E])


@exactly
def _softmax(x: Any) -> None:
    best, total = x[0], ZERO
    for i in range(len(x)):
        best = max(best, x[i])
    for i in range(len(x)):
        x[i] = exp(x[i] - best)
        total += x[i]
    for i in range(len(x)):
        x[i] /= total


@exactly
def _norm(x: Any, weight: Any, bias: Any, eps: Any, out: Any) -> None:
    mean = _sum(x) / F(len(x))
    scale = ONE / np.sqrt(_squares(x, mean) / F(len(x)) + eps)
    for d in range(len(x)):
        out[d] = (x[d] - mean) * scale * weight[d] + bias[d]


@compiled
def _sum(x: Any) -> Any:
    sum = ZERO
    for d in range(len(x)):
        sum += x[d]
    return sum


@compiled
def _squares(x: Any, mean: Any) -> Any:
    sum = ZERO
    for d in range(len(x)):
        sum += (x[d] - mean) ** 2
    return sum


@exactly
def _step(
    x: Any, plan: Any, norms: Any, numbers: Any, rest: Any, widest: int, pool: Any, slots: Any, sentence: Any, keys: Any, values: Any,
    valid: Any, heads: Any, back: Any, eps: Any, pre: bool, gelu: bool, first: int, last: int,
) -> None:  # fmt: skip
    """Rows in place, some at a time: the units are `GROUP` rows each."""
    D, some = x.shape[1], min(SOME, len(x))
    y, made, context = np.empty(some * widest, F), np.empty(some * widest, F), np.empty(some * D, F)
    space = room(numbers, widest)
    for top in range(first * GROUP, min(last * GROUP, len(x)), some):
        h = x[top : min(top + some, last * GROUP)]
        R, normed, read = len(h), matrix(y, 0, len(h), D), matrix(context, 0, len(h), D)
        for n in range(len(plan)):
            for part in range(3):
                at = norms[n, part]
                weight, bias = rest[at : at + D], rest[at + D : at + 2 * D]
                for r in range(R):
                    if pre:
                        _norm(h[r], weight, bias, eps, normed[r])
                    else:
                        for d in range(D):
                            normed[r, d] = h[r, d]
                times(plan[n, 2 * part], numbers, rest, y, R, made, space)
                inner = matrix(made, 0, R, plan[n, 2 * part, 1])
                for r in range(R):
                    _between(part, n, top + r, inner[r], pool, slots, sentence, keys, values, valid, heads, back, gelu, read[r])
                times(plan[n, 2 * part + 1], numbers, rest, made if part == 2 else context, R, y, space)
                for r in range(R):
                    for d in range(D):
                        h[r, d] += normed[r, d]
                    if not pre:
                        _norm(h[r], weight, bias, eps, h[r])


@exactly
def _between(
    part: Any, n: Any, row: Any, given: Any, pool: Any, slots: Any, sentence: Any, keys: Any, values: Any, valid: Any, heads: Any,
    back: Any, gelu: Any, read: Any,
) -> None:  # fmt: skip
    """What a part of layer n does between its two products, of one row."""
    if part == 0:
        D, mine = len(read), slots[row]
        _keep(given, pool[mine[len(mine) - 1], n])
        _own(given[:D], pool, mine, n, heads[n, 0], back[n], read)
    elif part == 1:
        of = sentence[row]
        _source(given, keys[n, of], values[n, of], valid[of], read)
    else:
        _activate(given, gelu)


@compiled
def _activate(x: Any, gelu: Any) -> None:
    for i in range(len(x)):
        x[i] = HALF * x[i] * (ONE + F(math.erf(x[i] * ROOT_HALF))) if gelu else max(x[i], ZERO)
