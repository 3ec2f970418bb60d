"""Dropout from one random byte a value: several times faster on a CPU than drawing a float for each."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Dropout(nn.Module):
    """In training, zeroes a share of the values and scales the rest so that the mean stays.  Srivastava et al. 2014.

    share: in [0, 1); rounded to 1/256, the grain of a byte, and the scale is that of the rounded share, so the mean is exact.
    Randomness comes from torch's generator.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = min(round(share * 256), 255)  # of 256 bytes

    def forward(self, x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        if not self.training or not self.dropped:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        keep = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.dropped
        return x * keep.to(x.dtype).mul_(256 / (256 - self.dropped))

    def extra_repr(self) -> str:
        return f"share={self.dropped}/256"
