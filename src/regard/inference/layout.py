"""The layout of a decoder's weights: the numbers of its products in three rows, for loops that take a whole step (`layout_numba`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from regard.core.optional import module
from regard.inference.int8 import Int8Weight


class WeightLayout:
    """What products multiply with, laid out in tiles where there are any (`tiled`), and other numbers beside it.

    widest: the outputs of the widest product, for which there must be zeros where a bias is wanting.
    """

    def __init__(self, widest: int) -> None:
        self._tiles = module("inference.kernels.gemm_numba")
        self.tiled = self._tiles is not None
        self._floats, self._bytes = [torch.zeros(0)], [torch.zeros(0, dtype=torch.int32 if self.tiled else torch.int8)]
        self._rest = [torch.ones(1), torch.zeros(widest)]

    def product(self, weight: Any, bias: Tensor | None) -> list[int]:
        """A line of the plan: whether it is of bytes, its rows and columns, where its numbers lie (in floats or bytes), where its
        scales and its bias do (in the rest)."""
        bias_at = 1 if bias is None else self.put(bias)
        if isinstance(weight, Int8Weight):
            laid_out = (
                (weight.q,) if self._tiles is None else map(torch.from_numpy, self._tiles.of_bytes(weight.q, weight.scale)[:2])
            )
            return [1, *weight.q.shape, _put(self._bytes, *laid_out), self.put(weight.scale), bias_at]
        plain = weight.detach().float()
        laid = plain if self._tiles is None else torch.from_numpy(*self._tiles.of_floats(plain))
        return [0, *plain.shape, _put(self._floats, laid), 0, bias_at]

    def put(self, numbers: Tensor) -> int:
        """Where these lie in the rest."""
        return _put(self._rest, numbers)

    def numbers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Floats, bytes, the rest."""
        return torch.cat(self._floats), torch.cat(self._bytes), torch.cat(self._rest)


def _put(pile: list[Tensor], *numbers: Tensor) -> int:
    begin = sum(map(len, pile))
    pile.extend(each.detach().flatten() for each in numbers)
    return begin
