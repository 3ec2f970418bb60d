"""The loops of `networks.stepping`: a whole step of a decoder for a row or two, and the looks alone for many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.attention.kernels.single_numba import dot, gather, look
from regard.ground.compiled import arrays, compiled
from regard.ground.exponential import exp
from regard.ground.threads import spread
from regard.networks import rows_numba
from regard.networks.rows_numba import product

F = np.float32
MOST = rows_numba.MOST
ZERO, ONE, HALF, ROOT_HALF = F(0), F(1), F(0.5), F(math.sqrt(0.5))


def step(h: Float[Tensor, "R D"], weights: tuple[Any, ...], state: Any) -> Float[Tensor, "R D"]:
    """A row or two through all layers.  weights: of `ready`; state: `stepping.Stepped`, with a slot for what is new."""
    out = h.clone()
    kept = arrays(state.pool, state.slots, state.sentence, state.keys, state.values, state.valid)
    _step(*arrays(out), *weights[:5], *kept, *weights[5:], 0, len(out))
    return out


def ready(flat: Any) -> tuple[Any, ...]:
    """The weights of a `stepping.Flat` as `step` takes them."""
    numbers = arrays(flat.plan, flat.norms, flat.floats, flat.bytes, flat.rest, flat.heads, flat.back)
    return *numbers, F(flat.eps), not flat.post, flat.gelu


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
    sentence: Int[Tensor, "R"], layer: int,
) -> Float[Tensor, "R D"]:  # fmt: skip
    """What each row reads of its sentence in a layer; zeros where nothing is in sight."""
    out = torch.empty_like(query)
    given = arrays(query.contiguous(), keys, values, valid, sentence, out)
    spread(_look_at_source, (*given, layer), len(out), out.numel() * keys.shape[3] * 2)
    return out


def added(
    h: Float[Tensor, "R D"], made: Float[Tensor, "R D"], weight: Float[Tensor, "D"], bias: Float[Tensor, "D"], eps: float
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
        here = pool[slots[r, slots.shape[1] - 1], layer]
        here[0, :] = given[r, D : 2 * D]
        here[1, :] = given[r, 2 * D :]
        _own(given[r, :D], pool, slots[r], layer, heads, back, out[r])


@compiled
def _own(query: Any, pool: Any, slots: Any, layer: Any, heads: Any, back: Any, out: Any) -> None:
    """A row."""
    T, E = len(slots), len(out) // heads
    scale = ONE / np.sqrt(F(E))
    begin = max(0, T - 1 - back)
    share = np.empty(T - begin, F)
    for h in range(heads):
        a, b = h * E, (h + 1) * E
        q, c = query[a:b], out[a:b]
        for t in range(begin, T):
            share[t - begin] = dot(q, pool[slots[t], layer, 0, a:b]) * scale
        _softmax(share)
        c[:] = ZERO
        for t in range(begin, T):
            gather(c, share[t - begin], pool[slots[t], layer, 1, a:b])


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
    out[:] = ZERO
    for h in range(H):
        look(query[h * E : (h + 1) * E], keys[h], valid, values[h], scale, share, out[h * E : (h + 1) * E])


@compiled
def _softmax(x: Any) -> None:
    best, total = x[0], ZERO
    for i in range(len(x)):
        best = max(best, x[i])
    for i in range(len(x)):
        x[i] = exp(x[i] - best)
        total += x[i]
    for i in range(len(x)):
        x[i] /= total


@compiled
def _norm(x: Any, weight: Any, bias: Any, eps: Any, out: Any) -> None:
    mean, spread = ZERO, ZERO
    for d in range(len(x)):
        mean += x[d]
    mean /= F(len(x))
    for d in range(len(x)):
        spread += (x[d] - mean) ** 2
    scale = ONE / np.sqrt(spread / F(len(x)) + eps)
    for d in range(len(x)):
        out[d] = (x[d] - mean) * scale * weight[d] + bias[d]


@compiled
def _matrix(flat: Any, at: Any, shape: Any) -> Any:
    return flat[at : at + shape[0] * shape[1]].reshape((shape[0], shape[1]))


@compiled
def _times(part: Any, floats: Any, bytes_: Any, rest: Any, x: Any, out: Any, room: Any) -> None:
    """A product of the plan.  part: is it of bytes?, rows, columns, where its numbers, scales and bias lie."""
    rows, columns = part[1], part[2]
    bias = rest[part[5] : part[5] + rows]
    if part[0]:
        product(_matrix(bytes_, part[3], part[1:3]), rest[part[4] : part[4] + rows], bias, x[:columns], out[:rows], room, 0, rows)
    else:
        product(_matrix(floats, part[3], part[1:3]), rest[part[4] : part[4] + 1], bias, x[:columns], out[:rows], room, 0, rows)


@compiled
def _step(
    x: Any, plan: Any, norms: Any, floats: Any, bytes_: Any, rest: Any, pool: Any, slots: Any, sentence: Any, keys: Any, values: Any,
    valid: Any, heads: Any, back: Any, eps: Any, pre: bool, gelu: bool, first: int, last: int,
) -> None:  # fmt: skip
    """Row by row, in place."""
    D, widest = x.shape[1], max(3 * x.shape[1], plan[:, :, 1:3].max())
    y, made, context = np.empty(widest, F), np.empty(widest, F), np.empty(D, F)
    room = np.empty(widest, np.int8)
    for r in range(first, last):
        h = x[r]
        for n in range(len(plan)):
            for part in range(3):
                at = norms[n, part]
                weight, bias = rest[at : at + D], rest[at + D : at + 2 * D]
                if pre:
                    _norm(h, weight, bias, eps, y[:D])
                else:
                    y[:D] = h
                if part == 0:
                    _times(plan[n, 0], floats, bytes_, rest, y, made, room)
                    here = pool[slots[r, slots.shape[1] - 1], n]
                    here[0, :], here[1, :] = made[D : 2 * D], made[2 * D : 3 * D]
                    _own(made[:D], pool, slots[r], n, heads[n, 0], back[n], context)
                    _times(plan[n, 1], floats, bytes_, rest, context, made, room)
                elif part == 1:
                    _times(plan[n, 2], floats, bytes_, rest, y, made, room)
                    _source(made[:D], keys[n, sentence[r]], values[n, sentence[r]], valid[sentence[r]], context)
                    _times(plan[n, 3], floats, bytes_, rest, context, made, room)
                else:
                    _times(plan[n, 4], floats, bytes_, rest, y, made, room)
                    _activate(made[: plan[n, 4, 1]], gelu)
                    y[: plan[n, 4, 1]] = made[: plan[n, 4, 1]]
                    _times(plan[n, 5], floats, bytes_, rest, y, made, room)
                for d in range(D):
                    h[d] += made[d]
                if not pre:
                    _norm(h, weight, bias, eps, h)


@compiled
def _activate(x: Any, gelu: Any) -> None:
    for i in range(len(x)):
        x[i] = HALF * x[i] * (ONE + F(math.erf(x[i] * ROOT_HALF))) if gelu else max(x[i], ZERO)
