"""Products with weights of one byte, for use on a CPU: a quarter of the memory to read.

Weights: a scale for each row (output), symmetric, -127 to 127.  What is multiplied: rounded to a byte too, with a scale for each row of its
own, so that no row knows its neighbours and the batch stays invisible.  The products of bytes are summed exactly.
Dynamic quantisation as in Jacob et al. 2018, section 2, with zero points at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int, Int8
from torch import Tensor, nn

from regard.core.optional import module
from regard.inference.batch_invariant import keep_steady
from regard.inference.weights import WeightFormat, exchange

# Numbers of a weight from which bytes pay.  32 rows: 256 x 256 takes oneDNN 61 us in float32, and 34 in bytes, 512 x 256 117 and 46,
# 8,000 x 256 2,778 and 392; a single row, in panels both: 11 and 8, 8,000 x 256 156 and 50 (one core, other numbers between).  Smaller
# ones stay as they are, for exactness: what rounding costs (benchmarks/bytes.py) was measured with these.
LEAST = 1 << 16

N = TypeVar("N", bound=nn.Module)


class Int8Weight(WeightFormat):
    """A matrix in bytes, and a scale for each row."""

    def __init__(self, q: Int8[Tensor, "N K"], scale: Float[Tensor, "N"]) -> None:
        super().__init__()
        self.q, self.scale = q, scale
        self._packed: Any = None  # made when it is first used

    @classmethod
    def of(cls, weight: Float[Tensor, "N K"]) -> Int8Weight:
        """The nearest: off by at most half a step, a 254th of the largest number of each row."""
        scale = _steps(weight)
        return cls((weight / scale).round().to(torch.int8), scale[:, 0])

    def float(self) -> Float[Tensor, "N K"]:
        return self.q.to(torch.float32) * self.scale[:, None]

    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, "N"] | None) -> Float[Tensor, "*B N"]:
        rows = x.detach().reshape(-1, x.shape[-1]).float()
        own = self.pack() if rows.device.type == "cpu" and rows.numel() else None
        if own is None:
            steps = _steps(rows)
            made = torch._int_mm((rows * steps.reciprocal()).round_().to(torch.int8), self.q.T).to(torch.float32).mul_(steps)
            made = made.mul_(self.scale) if bias is None else torch.addcmul(bias, made, self.scale, out=made)
        else:
            made = own.linear(rows, bias)
        return made.view(*x.shape[:-1], len(self.q))

    def pack(self) -> Any:
        """As loops read it (`matrices_loops.PackedMatrix`); None where they were not built, or it is too wide for them."""
        loops = module("core.matrices_loops")
        if loops is None or self.q.shape[1] > loops.WIDEST:
            return None
        if self._packed is None:
            self._packed = loops.PackedMatrix.of_bytes(self.q, self.scale)
        return self._packed

    def embedding(self, rows: Int[Tensor, "*B"]) -> Float[Tensor, "*B K"]:
        return self.q[rows].to(torch.float32) * self.scale[rows][..., None]

    def columns(self, first: int | None, last: int | None) -> Int8Weight:
        return Int8Weight(self.q[:, first:last].contiguous(), self.scale)

    def split(self, rows: Sequence[int]) -> list[Int8Weight]:
        return [Int8Weight(*part) for part in zip(self.q.split(list(rows)), self.scale.split(list(rows)), strict=True)]

    def __len__(self) -> int:
        return len(self.q)


def quantize(network: N) -> N:
    """The network, the large matrices that it multiplies with in bytes, in place (see `weights.exchange`); what is left in float32 says
    the same in any batch to the last bit, or its rounding to bytes would not."""
    keep_steady(exchange(network, Int8Weight.of, LEAST))
    return network


def _steps(x: Float[Tensor, "R K"]) -> Float[Tensor, "R 1"]:
    return x.abs().amax(1, keepdim=True).div_(127).clamp_(min=torch.finfo(torch.float32).tiny)
