"""Linear layers in training, by faster products where there are any (`core.products`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

from regard.core.optional import module
from regard.core.products import matmul, panels

LARGE = 1_000_000  # weights of a net from which products gain more than a mode costs, which every operation asks


def fast_products(weights: int = LARGE) -> AbstractContextManager[Any]:
    """Within it `F.linear` gives what it gives, forward and back, by faster products where there are any, and the net has so many weights
    that it gains."""
    loops = module("core.matrices_loops") if weights >= LARGE and not torch.is_autocast_enabled("cpu") else None
    return FastProducts() if loops is not None and loops.FASTER else nullcontext()


class FastProducts(TorchFunctionMode):
    """See `fast_products`.  Whoever calls `F.linear` gains: layers and cells of others too."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is not F.linear or kwargs or not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
            return func(*args, **(kwargs or {}))
        x, weight, bias = args if len(args) == 3 else (*args, None)
        if type(x) is not Tensor or not isinstance(weight, Tensor) or panels(x.numel() * len(weight), x, weight) is None:
            return func(*args)
        return _Linear.apply(x, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(rows, weight)
        ctx.shape, ctx.biased = x.shape, bias is not None
        made = matmul(rows, weight.t())
        return (made if bias is None else made.add_(bias)).view(*x.shape[:-1], len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (rows, weight), needs = ctx.saved_tensors, ctx.needs_input_grad
        grad = grad.reshape(-1, len(weight))
        return (
            matmul(grad, weight).view(ctx.shape) if needs[0] else None,
            matmul(grad.t(), rows) if needs[1] else None,
            grad.sum(0) if ctx.biased and needs[2] else None,
        )
