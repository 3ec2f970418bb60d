"""The loops of `inference.recurrent_steps`: cells and a look, of many rows, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.kernels.single_numba import look, look_by_tanh
from regard.attention.memory import Memory
from regard.core.fast_math import tanh
from regard.core.numba_loops import arrays, exactly, part_of_loops
from regard.core.parallel import spread
from regard.inference.kernels import layout_numba
from regard.inference.kernels.layout_numba import GROUP, SOME, matrix, put, room, times
from regard.networks.kernels.cells_numba import gru_row, lstm_row

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
    widest = int(flat.plan[:, 1:3].max())
    return plan, layout_numba.ready(flat.floats, flat.bytes), rest, widest, v, F(flat.scale), flat.looks_first


@exactly
def _step(
    plan: Any, numbers: Any, rest: Any, widest: Any, v: Any, scale: Any, looks_first: Any, x: Any, h: Any, c: Any, fed: Any, keys: Any,
    values: Any, valid: Any, h_new: Any, c_new: Any, out: Any, first: int, last: int,
) -> None:  # fmt: skip
    """Some rows at a time: the units are `GROUP` rows each."""
    L, B, S = h.shape
    E = values.shape[2]
    work = np.empty(SOME * widest, F), np.empty(SOME * widest, F), np.empty(SOME * widest, F), room(numbers, widest)
    context, net, source = np.empty(SOME * E, F), (plan, numbers, rest), (keys, values, valid)
    for top in range(first * GROUP, min(last * GROUP, B), SOME):
        end = min(top + SOME, last * GROUP, B)
        read, before = matrix(context, 0, end - top, E), fed[top:end]
        if looks_first:
            _look(net, v, scale, before, source, top, read, work)
        _first(net, x[top:end], read if looks_first else before, work)
        _layers(net, h, c, top, end, h_new, c_new, work)
        s = h_new[L - 1, top:end]
        if looks_first:
            put(s, out[top:end], 0)
            put(read, out[top:end], S)
            put(x[top:end], out[top:end], S + E)
        else:
            _look(net, v, scale, s, source, top, read, work)
            _joined(net, read, s, out[top:end], work)


@part_of_loops
def _times(net: Any, line: Any, R: Any, into: Any, work: Any) -> None:
    """A line of the plan, of the rows that lie in `work[0]`."""
    times(net[0][line], net[1], net[2], work[0], R, into, work[3])


@part_of_loops
def _rows(x: Any, work: Any) -> None:
    """Rows, one behind the other, for the next product."""
    put(x, matrix(work[0], 0, x.shape[0], x.shape[1]), 0)


@part_of_loops
def _look(net: Any, v: Any, scale: Any, asks: Any, source: Any, top: Any, read: Any, work: Any) -> None:
    """What rows read of their sentences."""
    keys, values, valid = source
    R, share, asked = len(asks), np.empty(keys.shape[1], F), net[0][QUERY, 0] >= 0
    _rows(asks, work)
    if asked:
        _times(net, QUERY, R, work[1], work)
    query = matrix(work[1] if asked else work[0], 0, R, keys.shape[2])
    for r in range(R):
        row = top + r
        for e in range(read.shape[1]):
            read[r, e] = F(0)
        if len(v) > 0:
            look_by_tanh(query[r], v, keys[row], valid[row], values[row], share, read[r])
        else:
            look(query[r], keys[row], valid[row], values[row], scale, share, read[r])


@part_of_loops
def _first(net: Any, x: Any, beside: Any, work: Any) -> None:
    """What the word, and what is fed beside it, say to the gates of the lowest cell."""
    _rows(x, work)
    _times(net, WORD, len(x), work[1], work)
    if net[0][BESIDE, 0] >= 0:
        _rows(beside, work)
        _times(net, BESIDE, len(x), work[2], work)
        for i in range(len(x) * net[0][WORD, 1]):
            work[1][i] += work[2][i]


@part_of_loops
def _layers(net: Any, h: Any, c: Any, top: Any, end: Any, h_new: Any, c_new: Any, work: Any) -> None:
    """All cells move on."""
    R, wide = end - top, net[0][WORD, 1]
    gates, inner = matrix(work[1], 0, R, wide), matrix(work[2], 0, R, wide)
    for n in range(len(h)):
        if n > 0:
            _rows(h_new[n - 1, top:end], work)
            _times(net, CELLS + 2 * n, R, work[1], work)
        _rows(h[n, top:end], work)
        _times(net, CELLS + 2 * n + 1, R, work[2], work)
        for r in range(R):
            if len(c) > 0:
                lstm_row(gates[r], inner[r], c[n, top + r], h_new[n, top + r], c_new[n, top + r])
            else:
                gru_row(gates[r], inner[r], h[n, top + r], h_new[n, top + r])


@part_of_loops
def _joined(net: Any, read: Any, s: Any, out: Any, work: Any) -> None:
    """tanh(W [c; s] + b)."""
    R, E = read.shape
    both, made = matrix(work[0], 0, R, E + s.shape[1]), matrix(work[2], 0, R, out.shape[1])
    put(read, both, 0)
    put(s, both, E)
    _times(net, JOIN, R, work[2], work)
    for r in range(R):
        for d in range(out.shape[1]):
            out[r, d] = tanh(made[r, d])
