"""What keeps a net in bytes the same alone and in a batch: rounding to bytes makes of a last bit a whole step, so no bit of what is
rounded may depend on other rows or on padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.core.optional import module
from regard.inference.weights import WeightFormat, exchange
from regard.networks.cells import OwnCell


class InvariantWeight(WeightFormat):
    """A float32 matrix whose products with a row have the same bits in any batch: by our loops, and without them in float64,
    rounded once, where the order of the sums shows in one of a hundred million numbers."""

    def __init__(self, weight: Float[Tensor, "N K"]) -> None:
        super().__init__()
        self.plain = weight.contiguous()
        self._packed: Any = None  # made when it is first used

    def float(self) -> Float[Tensor, "N K"]:
        return self.plain

    def linear(self, x: Float[Tensor, "*B K"], bias: Float[Tensor, " N"] | None) -> Float[Tensor, "*B N"]:
        rows = x.detach().reshape(-1, x.shape[-1]).float()
        loops = module("core.matrices_loops")
        if loops is None or rows.device.type != "cpu" or not rows.numel():
            made = F.linear(rows.double(), self.plain.double(), None if bias is None else bias.double()).float()
        else:
            self._packed = loops.PackedMatrix.of_floats(self.plain) if self._packed is None else self._packed
            made = self._packed.linear(rows, bias)
        return made.view(*x.shape[:-1], len(self.plain))

    def embedding(self, rows: Int[Tensor, "*B"]) -> Float[Tensor, "*B K"]:
        return F.embedding(rows, self.plain)

    def columns(self, first: int | None, last: int | None) -> InvariantWeight:
        return InvariantWeight(self.plain[:, first:last])

    def split(self, rows: Sequence[int]) -> list[InvariantWeight]:
        return [InvariantWeight(part) for part in self.plain.split(list(rows))]

    def __len__(self) -> int:
        return len(self.plain)


def keep_steady(network: nn.Module) -> None:
    """In place: every product that is left in float32, and every look.  For use, there is nothing left to train."""
    exchange(network, InvariantWeight, 1, readers=True)
    for part in list(network.modules()):
        if isinstance(part, Attention):
            part.steady = True
            part.scope.double()
            for weight in part.score.parameters():  # of several heads
                weight.data = weight.data.double() if weight.dim() == 3 else weight.data
        elif isinstance(part, OwnCell):
            part.step_by_step()
