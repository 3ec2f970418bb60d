"""Products with matrices that are laid out beforehand, in panels that fit the registers, compiled: see `runtime/loops/packed.h`.

A row's sums have the same order in any batch, and so the same bits.  Of bytes each row that is multiplied is rounded to bytes in steps of
its own, and products are summed exactly.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from typing import Any, Self

import torch
from jaxtyping import Float, Int8
from torch import Tensor

from regard.core.loops import NOTHING, call_told, describe, loops

WIDEST = 1 << 16  # columns of a matrix in bytes, at most
FASTER = loops.processors == 4 and not loops.function("intel")()
"""Whether these products are faster than PyTorch's own in float32: see `core.products`."""


def _function(name: str, gives: Any, *takes: Any) -> Any:
    made = loops.function(name)
    made.restype, made.argtypes = gives, takes
    return made


_pack_floats = _function("pack_floats", c_void_p, c_void_p, c_int64, c_int64, c_int64, c_int64)
_pack_bytes = _function("pack_bytes", c_void_p, c_void_p, c_void_p, c_int64, c_int64)
_unpack = _function("unpack", None, c_void_p)


class PackedMatrix:
    """A matrix "N K" as loops read it.  It never changes."""

    def __init__(self, address: int | None, shape: Sequence[int]) -> None:
        if not address:
            raise MemoryError(f"no memory to lay out a matrix of {tuple(shape)}")
        self.address, (self.outputs, self.inputs) = address, shape
        weakref.finalize(self, _unpack, address)

    @classmethod
    def of_floats(cls, weight: Float[Tensor, "N K"]) -> Self:
        plain = weight.detach().float()
        return cls(_pack_floats(plain.data_ptr(), *plain.shape, *plain.stride()), plain.shape)

    @classmethod
    def of_bytes(cls, q: Int8[Tensor, "N K"], scale: Float[Tensor, " N"]) -> Self:
        """scale: how much one unit of each row is.  At most `WIDEST` columns."""
        q, scale = q.contiguous(), scale.detach().float().contiguous()
        return cls(_pack_bytes(q.data_ptr(), scale.data_ptr(), *q.shape), q.shape)

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def describe(self) -> list[int]:
        """As `core.loops.describe` has it."""
        return [self.address, *NOTHING[1:]]

    def linear(self, x: Float[Tensor, "R K"], bias: Float[Tensor, " N"] | None) -> Float[Tensor, "R N"]:
        """`x W^T + b`."""
        x, out = x.contiguous(), x.new_empty(len(x), self.outputs)
        bias = None if bias is None else bias.float().contiguous()
        told = describe(x) + self.describe() + describe(bias, out)
        call_told("linear", told, units=1, cost=x.numel() * self.outputs)
        return out


def plan(products: Sequence[tuple[PackedMatrix, Tensor | None] | None]) -> Tensor:
    """Of the products of a step where their matrices and biases lie, "lines 2", as loops read it; None: none.  Who keeps it keeps those."""
    told = [(0, 0) if p is None else (p[0].address, 0 if p[1] is None else p[1].data_ptr()) for p in products]
    return torch.tensor(told, dtype=torch.int64)
