"""The whole net of Raffel & Ellis 2015 (section 2, and the code that they released): one number for a sequence of pairs."""

from __future__ import annotations

import math

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from regard.attention import Attention, KeyOnly, Pool


class Mean(nn.Module):
    """The unweighted mean of the real places; of all where none is named."""

    def forward(self, h: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"] | None = None) -> Float[Tensor, "B D"]:
        if valid is None:
            return h.mean(1)
        return (h * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp(min=1)


class Attended(nn.Module):
    """Their attention: a pooled reading without a query."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.pool = Pool(Attention(0, size, score=KeyOnly(size)))

    def forward(self, h: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"] | None = None) -> Float[Tensor, "B D"]:
        return self.pool(h, valid).context[:, 0]


class FeedForwardNet(nn.Module):
    """`h = LReLU(W x + b); c = pool(h); s = LReLU(W c + b); y = LReLU(w s + b)`, with a leak of .01; weights from N(0, 1 / fan in),
    biases from 0.  At size 100: 10,602 parameters with attention, 10,501 with the mean.

    valid: the real places; None: every place, padding too, which is what the released code does."""

    def __init__(self, size: int = 100, *, attention: bool = True) -> None:
        super().__init__()
        self.inner, self.outer, self.last = nn.Linear(2, size), nn.Linear(size, size), nn.Linear(size, 1)
        self.pool = Attended(size) if attention else Mean()
        for linear in (self.inner, self.outer, self.last):
            nn.init.normal_(linear.weight, std=1 / math.sqrt(linear.in_features))
            nn.init.zeros_(linear.bias)

    def forward(self, x: Float[Tensor, "B K 2"], valid: Bool[Tensor, "B K"] | None = None) -> Float[Tensor, " B"]:
        context = self.pool(F.leaky_relu(self.inner(x)), valid)
        return F.leaky_relu(self.last(F.leaky_relu(self.outer(context))))[:, 0]
