"""The loops of `inference.recurrent_steps`: cells and a look, of many rows, in one call; see `regard/kernels/recurrent_steps.h`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.attention.memory import Memory
from regard.core.loops import call_told, describe
from regard.core.matrices_loops import plan

GROUP = 6  # rows that one thread takes at least: those of a tile


class RecurrentWeights:
    """Of a decoder, as `step` takes them."""

    def __init__(self, flat: Any) -> None:
        self.kept, self.plan = flat.products, plan(flat.products)
        self.v, self.numbers = flat.v.contiguous(), (flat.scale, flat.looks_first)
        self.told = describe(self.plan, self.v)
        self.cost = sum(p[0].inputs * p[0].outputs for p in flat.products if p is not None)


def step(
    x: Float[Tensor, "B X"], hidden: Sequence[Tensor], kept: Sequence[Tensor], fed: Tensor | None, source: Memory,
    weights: RecurrentWeights, size: int,
) -> tuple[Float[Tensor, "B D"], Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
    """What is handed over, "B D", and the states "B S" of the cells.  kept: what an LSTM's cells hold; fed: what is fed to the lowest
    cell, or asks, before it moves; size: D."""
    h = torch.stack(list(hidden))
    c = torch.stack(list(kept)) if kept else h.new_zeros(0, 0, 0)
    h_new, c_new, out = torch.empty_like(h), torch.empty_like(c), x.new_empty(len(x), size)
    before = h[-1] if fed is None else fed
    given = [t.contiguous() for t in (x, h, c, before, source.keys[:, 0], source.values[:, 0], source.valid)]
    units = max(1, min(torch.get_num_threads(), len(x) // GROUP))
    told = weights.told + describe(*given, h_new, c_new, out)
    call_told("recurrent_step", told, (*weights.numbers, units), units=units, cost=len(x) * weights.cost)
    return out, h_new.unbind(), c_new.unbind()
