"""A matrix laid out for the processor by oneDNN, for products of a few rows that are made many times."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

# Rows and numbers of the matrix from which it pays to lay it out for each batch anew (2 ms for 8,000 x 256, 5 for 8,000 x 512): 32 rows,
# 8,000 x 256: 3.1 ms a product as it is, 1.7 laid out; 8,000 x 512: 7.4 and 3.0; a single row: 0.2 and 0.1 (one core).
ROWS, LEAST = 8, 1 << 20


class Packed:
    """`x W^T + b` with W as it was when it was laid out."""

    def __init__(self, weight: Float[Tensor, "N K"], laid_out: Tensor) -> None:
        self.weight, self.laid_out = weight, laid_out

    @classmethod
    def of(cls, weight: Any, rows: int) -> Packed | None:
        """None where it would not be faster, or cannot be done: another type or device, a torch without oneDNN."""
        plain = isinstance(weight, Tensor) and weight.device.type == "cpu" and weight.dtype == torch.float32
        ops: Any = torch.ops.mkldnn
        if not plain or rows < ROWS or weight.numel() < LEAST or not hasattr(ops, "_reorder_linear_weight"):
            return None
        return cls(weight, ops._reorder_linear_weight(weight.detach(), rows))

    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, "N"]) -> Float[Tensor, "*B N"]:
        """The product, without a gradient."""
        ops: Any = torch.ops.mkldnn
        made: Tensor = ops._linear_pointwise(x.reshape(-1, x.shape[-1]), self.laid_out, bias, "none", [], "")
        return made.view(*x.shape[:-1], -1)
