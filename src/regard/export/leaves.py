"""What PyTorch would take apart and a graph keeps whole: products, and recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from regard.export.recorder import Recorder, unrecorded


class Leaves(TorchFunctionMode):
    """Keeps whole what PyTorch would take apart: products, which become reshapes around smaller ones, and recurrent layers, which become
    operations of their own for each step."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kept = None if self.recorder.paused else _KEPT.get(getattr(func, "__name__", ""))
        if kept is None or kwargs:
            return func(*args, **(kwargs or {}))
        with unrecorded():
            made = func(*args)
        kept(self.recorder, args, made)
        return made


def _keep_product(recorder: Recorder, args: tuple[Any, ...], made: Tensor) -> None:
    a, b = map(recorder.value, args)
    recorder.bind([made], recorder.emit("matmul", [a, b], (made.dtype, made.shape)))


def _keep_linear(recorder: Recorder, args: tuple[Any, ...], made: Tensor) -> None:
    """x W' + b."""
    x, weight, *bias = (recorder.value(t) for t in args if t is not None)
    turned = recorder.emit("transpose", [weight], (weight.dtype, weight.shape[::-1]), order=(1, 0))[0]
    told = recorder.emit("matmul", [x, turned], (made.dtype, made.shape))
    recorder.bind([made], recorder.emit("add", [*told, *bias], (made.dtype, made.shape)) if bias else told)


def _keep_layer(name: str) -> Callable[[Recorder, tuple[Any, ...], Any], None]:
    """One recurrent layer in one direction; the first axis of its state, the layers, is left out."""

    def keep(recorder: Recorder, args: tuple[Any, ...], made: Any) -> None:
        x, begin, weights = args[0], args[1] if name == "lstm" else [args[1]], args[2]
        states = [recorder.emit("select", [recorder.value(t)], (t.dtype, t.shape[1:]), axis=0, index=0)[0] for t in begin]
        shapes = [(t.dtype, t.shape[1:]) for t in begin]
        left = recorder.emit(name, [recorder.value(x), *states, *map(recorder.value, weights)], (x.dtype, made[0].shape), *shapes)
        ends = [recorder.emit("unsqueeze", [v], (v.dtype, (1, *v.shape)), axis=0)[0] for v in left[1:]]
        recorder.bind(made, [left[0], *ends])

    return keep


_KEPT = {"matmul": _keep_product, "__matmul__": _keep_product, "linear": _keep_linear} | {
    name: _keep_layer(name) for name in ("gru", "lstm", "rnn_tanh")
}
