"""The loops of `inference.transformer_steps`: a step through all layers, of many rows; see `regard/kernels/transformer_steps.h`."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.loops import call_told, describe
from regard.core.matrices_loops import plan

GROUP = 6  # rows that one thread takes at least: those of a tile


class TransformerWeights:
    """Of a decoder, as `step` takes them."""

    def __init__(self, flat: Any) -> None:
        self.kept = (
            flat.products,
            [each.contiguous() for norm in flat.norms for each in (norm.weight.detach(), norm.bias.detach())],
        )
        self.plan, self.norms = plan(flat.products), torch.tensor([each.data_ptr() for each in self.kept[1]])
        self.heads, self.back = torch.tensor(flat.heads), torch.tensor([int(min(back, 2**31)) for back in flat.back])
        self.told = describe(self.plan, self.norms, self.heads, self.back)
        self.widest = max(p[0].outputs for p in flat.products)
        self.numbers = (flat.norms[0].eps, not flat.post, flat.gelu)
        self.cost = sum(p[0].inputs * p[0].outputs for p in flat.products)


def step(h: Float[Tensor, "R D"], weights: TransformerWeights, state: Any) -> Float[Tensor, "R D"]:
    """Rows through all layers.  state: `transformer_steps.TransformerStepState`, with a slot for what is new."""
    out = h.clone()
    units = max(1, min(torch.get_num_threads(), len(out) // GROUP))
    given = [t.contiguous() for t in (state.slots, state.sentence, state.keys, state.values, state.valid)]
    told = describe(out) + weights.told + describe(state.pool, *given)
    call_told("transformer_step", told, (*weights.numbers, units, weights.widest), units=units, cost=len(out) * weights.cost)
    return out
