"""The loops of `networks.stepping_cells`: cells and a look, of many rows, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.single_numba import look, look_by_tanh
from regard.attention.memory import Memory
from regard.ground.compiled import arrays, exactly
from regard.ground.exponential import tanh
from regard.ground.threads import spread
from regard.networks.cells_numba import gru_row, lstm_row
from regard.networks.plan_numba import GROUP, SOME, matrix, room, times

F = np.float32
QUERY, WORD, BESIDE, JOIN, CELLS = range(5)  # lines of the plan


def step(
    x: Float[Tensor, "B X"], hidden: Sequence[Tensor], kept: Sequence[Tensor], fed: Tensor | None, source: Memory,
    weights: tuple[Any, ...], size: int,
) -> tuple[Float[Tensor, "B D"], Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
    """What is handed over, "B D", and the states "B S" of the cells.  kept: what an LSTM's cells hold; fed: what is fed to the lowest
    cell, or asks, before it moves; weights: of `ready`; size: D."""
    h = torch.stack(list(hidden))
    c = torch.stack(list(kept)) if kept else h.new_zeros(0, 0, 0)
    h_new, c_new, out = torch.empty_like(h), torch.empty_like(c), x.new_empty(len(x), size)
    before = h[-1] if fed is None else fed
    given = arrays(
        *(t.contiguous() for t in (x, h, c, before, source.keys[:, 0], source.values[:, 0], source.valid)), h_new, c_new, out
    )
    spread(_step, (*weights, *given), -(-len(x) // GROUP), h.numel() * 1000)
    return out, h_new.unbind(), c_new.unbind()


def ready(flat: Any) -> tuple[Any, ...]:
    """The weights of a decoder, flat, as `step` takes them."""
    plan, rest, v = arrays(flat.plan, flat.rest, flat.v)
    return plan, arrays(flat.floats, flat.bytes), rest, v, F(flat.scale), flat.looks_first


@exactly
def _step(
    plan: Any, numbers: Any, rest: Any, v: Any, scale: Any, looks_first: Any, x: Any, h: Any, c: Any, fed: Any, keys: Any, values: Any,
    valid: Any, h_new: Any, c_new: Any, out: Any, first: int, last: int,
) -> None:  # fmt: skip
    """Some rows at a time: the units are `GROUP` rows each."""
    L, B, S = h.shape
    E = values.shape[2]
    widest = max(plan[:, 1:3].max(), S + E)
    a, gates, inner, context = (
        np.empty(SOME * widest, F),
        np.empty(SOME * widest, F),
        np.empty(SOME * widest, F),
        np.empty(SOME * E, F),
    )
    space = room(numbers, widest)
    for top in range(first * GROUP, min(last * GROUP, B), SOME):
        end = min(top + SOME, last * GROUP, B)
        R = end - top
        read = matrix(context, 0, R, E)
        if looks_first:
            _look(
                plan[QUERY],
                numbers,
                rest,
                v,
                scale,
                fed[top:end],
                keys[top:end],
                values[top:end],
                valid[top:end],
                a,
                gates,
                read,
                space,
            )
        _rows(a, x[top:end])
        times(plan[WORD], numbers, rest, a, R, gates, space)
        if plan[BESIDE, 0] >= 0:
            _rows(a, read if looks_first else fed[top:end])
            times(plan[BESIDE], numbers, rest, a, R, inner, space)
            for i in range(R * plan[WORD, 1]):
                gates[i] += inner[i]
        for n in range(L):
            if n > 0:
                _rows(a, h_new[n - 1, top:end])
                times(plan[CELLS + 2 * n], numbers, rest, a, R, gates, space)
            _rows(a, h[n, top:end])
            times(plan[CELLS + 2 * n + 1], numbers, rest, a, R, inner, space)
            _cells(matrix(gates, 0, R, plan[WORD, 1]), matrix(inner, 0, R, plan[WORD, 1]), h, c, n, top, h_new, c_new)
        s = h_new[L - 1, top:end]
        if looks_first:
            for r in range(R):
                made = out[top + r]
                made[:S], made[S : S + E], made[S + E :] = s[r], read[r], x[top + r]
        else:
            _look(plan[QUERY], numbers, rest, v, scale, s, keys[top:end], values[top:end], valid[top:end], a, gates, read, space)
            both = matrix(a, 0, R, E + S)
            for r in range(R):
                both[r, :E], both[r, E:] = read[r], s[r]
            times(plan[JOIN], numbers, rest, a, R, inner, space)
            joined = matrix(inner, 0, R, S)
            for r in range(R):
                for d in range(S):
                    out[top + r, d] = tanh(joined[r, d])


@exactly
def _rows(a: Any, x: Any) -> None:
    """Rows, one behind the other."""
    made = matrix(a, 0, x.shape[0], x.shape[1])
    for r in range(len(x)):
        made[r] = x[r]


@exactly
def _look(
    line: Any, numbers: Any, rest: Any, v: Any, scale: Any, asks: Any, keys: Any, values: Any, valid: Any, a: Any, made: Any, read: Any,
    space: Any,
) -> None:  # fmt: skip
    """What rows read of their sentences."""
    R, K = len(asks), keys.shape[1]
    share = np.empty(K, F)
    _rows(a, asks)
    if line[0] >= 0:
        times(line, numbers, rest, a, R, made, space)
    query = matrix(made if line[0] >= 0 else a, 0, R, keys.shape[2])
    read[:] = F(0)
    for r in range(R):
        if len(v) > 0:
            look_by_tanh(query[r], v, keys[r], valid[r], values[r], share, read[r])
        else:
            look(query[r], keys[r], valid[r], values[r], scale, share, read[r])


@exactly
def _cells(gates: Any, inner: Any, h: Any, c: Any, n: Any, top: Any, h_new: Any, c_new: Any) -> None:
    """Layer n moves on."""
    for r in range(len(gates)):
        if len(c) > 0:
            lstm_row(gates[r], inner[r], c[n, top + r], h_new[n, top + r], c_new[n, top + r])
        else:
            gru_row(gates[r], inner[r], h[n, top + r], h_new[n, top + r])
