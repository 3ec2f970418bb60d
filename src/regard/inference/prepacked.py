"""Prepacked weights: matrices laid out for the processor, for products of a few rows that are made many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from regard.core.optional import module
from regard.inference.int8 import Int8Weight
from regard.inference.weights import WeightFormat

# Rows, and numbers of a matrix, from which oneDNN's layout pays where our loops were not built.  All matrices of a Transformer's decoder
# (3 layers of 256, feed-forward 1024), 32 rows, each step anew from memory: 4.4 ms as they are, 2.3 laid out; its words (8,000 x 256) 3.1
# and 1.7; 160 rows: 10.2 and 8.7; a single row: no gain (one core).  Our panels pay for any number of rows.
ROWS, LEAST = 16, 1 << 16
LOOPS = "core.matrices_loops"


class PrepackedWeight(WeightFormat):
    """A float32 matrix, and how our loops, or oneDNN for products with about `rows` rows, have laid it out."""

    def __init__(self, weight: Float[Tensor, "N K"], rows: int) -> None:
        super().__init__()
        ops: Any = torch.ops.mkldnn
        self.plain, self.rows, loops = weight, rows, module(LOOPS)
        self.packed = None if loops is None else loops.PackedMatrix.of_floats(weight)
        self.laid_out = ops._reorder_linear_weight(weight.contiguous(), rows) if loops is None else None

    def float(self) -> Float[Tensor, "N K"]:
        return self.plain

    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, " N"] | None) -> Float[Tensor, "*B N"]:
        if x.dtype != torch.float32 or not x.numel() or torch.is_autocast_enabled("cpu"):
            return F.linear(x, self.plain, bias)
        rows = x.detach().reshape(-1, x.shape[-1])
        if self.packed is not None:
            made: Tensor = self.packed.linear(rows, bias)
        else:
            ops: Any = torch.ops.mkldnn
            made = ops._linear_pointwise(rows, self.laid_out, bias, "none", [], "")
        return made.view(*x.shape[:-1], len(self.plain))

    def embedding(self, rows: Int[Tensor, "*B"]) -> Float[Tensor, "*B K"]:
        return F.embedding(rows, self.plain)

    def columns(self, first: int | None, last: int | None) -> PrepackedWeight:
        return PrepackedWeight(self.plain[:, first:last], self.rows)

    def split(self, rows: Sequence[int]) -> list[PrepackedWeight]:
        return [PrepackedWeight(part, self.rows) for part in self.plain.split(list(rows))]

    def __len__(self) -> int:
        return len(self.plain)


def pack(weight: Any, bias: Tensor | None) -> tuple[Any, Tensor | None]:
    """A matrix, in whatever form, as loops that take a whole step read it, and its bias."""
    loops = module(LOOPS)
    assert loops is not None  # who asks has loops that stand beside them
    own = weight.pack() if isinstance(weight, Int8Weight) else None
    return (loops.PackedMatrix.of_floats(weight.float()) if own is None else own), None if bias is None else bias.detach().float()
