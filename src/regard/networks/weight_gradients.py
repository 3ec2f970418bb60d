"""Products that are made again at every step, with one gradient of their weights for all steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

from regard.core.products import matmul, panels


def over_time(steps: int) -> AbstractContextManager[Any]:
    """`OverTime` where there are gradients to gather; else nothing, for a mode is asked at every operation."""
    return OverTime(steps) if steps > 1 and torch.is_grad_enabled() else nullcontext()


class OverTime(TorchFunctionMode):
    """Within it, `F.linear` gives what it gives, but the gradient of a weight is one product over all steps instead of a sum of products:
    dW = sum_t g_t^T x_t = G^T X, which is what a processor is good at; sums run within the product and not in bfloat16.

    steps: how often each weight is used at most; what is used more often, or with other shapes, goes the usual way.
    A loop over time that is trained is the only place for it.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.uses = steps if torch.is_grad_enabled() else 0, dict[tuple[Any, ...], _Uses]()

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is not F.linear or kwargs or self.steps < 2:
            return func(*args, **(kwargs or {}))
        x, weight, bias = args if len(args) == 3 else (*args, None)
        if not isinstance(weight, Tensor) or not weight.requires_grad or torch.compiler.is_compiling():
            return func(x, weight, bias)
        numbers = weight.data_ptr(), weight.shape, weight.stride()  # a part that is cut out again at each step is one weight
        uses = self.uses.get(numbers)
        if uses is None:
            uses = self.uses[numbers] = _Uses(x, weight, bias, self.steps)
        if uses.bias is not bias or uses.shape != x.shape or len(uses.inputs) == self.steps:
            return func(x, weight, bias)
        return _Once.apply(x, uses.places[len(uses.inputs)], uses)


class _Uses:
    """A weight and what it was multiplied with, step by step.

    places: nothing, added to the product of each step; where gradients go that way, they are those of the products.
    """

    def __init__(self, x: Tensor, weight: Tensor, bias: Tensor | None, steps: int) -> None:
        device = x.device.type
        self.weight, self.bias, self.shape, self.steps, self.inputs = weight, bias, x.shape, steps, list[Tensor]()
        self.low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        self.factor = weight.detach().to(self.low)
        self.summand = None if bias is None else bias.detach().to(self.low)
        self._packed: dict[bool, Any] = {}
        self.places: tuple[Tensor, ...] = _Gathered.apply(weight, bias, self, steps, (*x.shape[:-1], len(weight)))

    def multiply(self, x: Tensor, *, back: bool = False) -> Tensor:
        """`x W^T + b`, or on the way back `x W`: by a matrix that is laid out once for all steps, where that is faster."""
        rows = x.reshape(-1, x.shape[-1])
        loops = panels(self.factor.numel() * len(rows) * self.steps, rows, self.factor)
        if loops is None:
            return x @ self.factor if back else F.linear(x, self.factor, self.summand)
        if back not in self._packed:
            self._packed[back] = loops.PackedMatrix.of_floats(self.factor.t() if back else self.factor)
        made: Tensor = self._packed[back].linear(rows, None if back else self.summand)
        return made.view(*x.shape[:-1], made.shape[-1])


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, bias: Tensor | None, uses: _Uses, steps: int, shape: tuple[int, ...]
    ) -> tuple[Tensor, ...]:
        ctx.uses, ctx.inputs = (weight.dtype, bias is not None), uses.inputs
        ctx.set_materialize_grads(False)
        return tuple(weight.new_zeros((), dtype=uses.low).expand(shape) for _ in range(steps))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        used = [(g, x) for g, x in zip(grads, ctx.inputs, strict=False) if g is not None]
        if not used:
            return None, None, None, None, None
        g, x = (torch.cat([t.flatten(0, -2) for t in each]) for each in zip(*used, strict=True))
        kind, has_bias = ctx.uses
        d_bias = g.sum(0, dtype=torch.promote_types(kind, torch.float32)).to(kind) if has_bias else None
        return matmul(g.T, x).to(kind), d_bias, None, None, None


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, place: Tensor, uses: _Uses) -> Tensor:
        ctx.kind, ctx.uses, low = x.dtype, uses, x.detach().to(uses.low)
        uses.inputs.append(low)
        with torch.autocast(x.device.type, enabled=False):
            return uses.multiply(low)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.uses.multiply(grad, back=True).to(ctx.kind) if ctx.needs_input_grad[0] else None, grad, None
