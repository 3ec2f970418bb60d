"""What the hand-written loops of cells share.  Each stands beside its cell, whose plain `step` says what it means.

Autograd's own way through a loop makes a node and several small tensors for each kernel of each step.  These loops write into rooms
made once, keep the gates, and take in one product for all steps whatever does not wait for the step before: up to twice as
fast for small nets, by a fifth at width 128 (benchmarks/cells.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor


def steps(*sequences: Float[Tensor, "T ..."]) -> Iterator[tuple[Tensor, ...]]:
    """Side by side, step by step; `unbind` makes all the views in one call."""
    return zip(*(x.unbind(0) for x in sequences), strict=True)


def backwards(*sequences: Float[Tensor, "T ..."]) -> Iterator[tuple[Tensor, ...]]:
    """The same from the last step to the first."""
    return zip(*(reversed(x.unbind(0)) for x in sequences), strict=True)


def sigmoid(x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """In use by way of tanh: PyTorch's own takes another road for what is left over of a vector, and so would a row in another batch."""
    return torch.sigmoid(x) if torch.is_grad_enabled() else torch.tanh(x * 0.5).mul_(0.5).add_(0.5)


def add_product(
    to: Float[Tensor, "B G"], x: Float[Tensor, "B D"], weight: Float[Tensor, "D G"], out: Float[Tensor, "B G"]
) -> Float[Tensor, "B G"]:
    """out = to + x W.  Under autocast `to` and W are in its type, and the product too; the sum is in the type of the state."""
    if weight.dtype == out.dtype:
        return torch.addmm(to, x, weight, out=out)
    return torch.add(to.to(out.dtype), x.to(weight.dtype) @ weight, out=out)


def product(x: Float[Tensor, "*B D"], weight: Float[Tensor, "D G"]) -> Float[Tensor, "*B G"]:
    """x W in the type of the weights, handed over in that of x."""
    return (x.to(weight.dtype) @ weight).to(x.dtype)


def weight_gradient(gates: Float[Tensor, "T B G"], x: Float[Tensor, "T B D"], dtype: torch.dtype) -> Float[Tensor, "G D"]:
    """The sum over steps and batch of gates x^T: one product for the whole sequence, in the type of the weights."""
    return gates.flatten(0, 1).to(dtype).t() @ x.flatten(0, 1).to(dtype)


def behind(first: Float[Tensor, "B D"], states: Float[Tensor, "T B D"]) -> Float[Tensor, "T B D"]:
    """The state before each step."""
    return torch.cat([first[None], states[:-1]])
