"""What goes on from place to place, in ONNX: recurrent layers, sums and maxima so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import GraphProto, ValueInfoProto, helper

from regard.export.onnx_writer import LAST, ONNX_DTYPES, OnnxWriter, Operand
from regard.export.recorder import Unexportable

Step = Callable[[OnnxWriter, Operand, Operand], Operand]


def greatest_of(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    """The greater of two numbers, place by place."""
    return w.add("Or" if a.dtype == "bool" else "Max", a, b)


def add_log_of_sum(w: OnnxWriter, a: Operand, b: Operand) -> Operand:
    """log(exp(a) + exp(b)), of infinities too: max + log(1 + exp(-|a - b|))."""
    apart = w.add("Neg", w.add("Abs", w.add("Sub", a, b)))
    same = w.add("Equal", a, b, dtype="bool")  # -inf - -inf would be NaN
    apart = w.add("Where", same, w.constant(0, a.dtype), apart, dtype=a.dtype)
    return w.add("Add", w.add("Max", a, b), w.add("Log", w.add("Add", w.add("Exp", apart), w.constant(1, a.dtype))))


def close_body(w: OnnxWriter, inputs: Sequence[Operand], outputs: Sequence[Operand], name: str) -> GraphProto:
    """The body of a loop, of what was written so far."""
    results = []
    for x in outputs:  # an input, or a value twice, is no result by itself
        made = w.name("said")
        w.nodes.append(helper.make_node("Identity", [x.name], [made], name=made))
        results.append(Operand(made, x.dtype, x.rank))
    return helper.make_graph(w.nodes, name, [describe(x) for x in inputs], [describe(x) for x in results])


def describe(x: Operand, dimensions: Sequence[int | str | None] | None = None) -> ValueInfoProto:
    """What ONNX is told of an input or an output."""
    return helper.make_tensor_value_info(x.name, ONNX_DTYPES[x.dtype], dimensions if dimensions is not None else [None] * x.rank)


def _accumulated(first: Mapping[str, float], combine: Step) -> Callable[..., Operand]:
    """Along an axis, each place combined with all before it.  first: for each dtype, what changes nothing.

    It also stands as a place of its own before the first, so that no loop is ever without a place.
    """

    def form(w: OnnxWriter, x: Operand, axis: int) -> Operand:
        body = OnnxWriter(w, w.name("loop") + ".")
        before, here = Operand(body.name("before"), x.dtype, x.rank - 1), Operand(body.name("here"), x.dtype, x.rank - 1)
        left = combine(body, before, here)
        graph = close_body(body, [before, here], [left, left], body.prefix + "body")
        shape = w.add("Shape", x, dtype="int64", rank=1)
        others = w.add("Gather", shape, w.constant([i for i in range(x.rank) if i != axis]), axis=0)
        begin = w.add("Expand", w.constant(first[x.dtype], x.dtype), others, rank=x.rank - 1)
        whole = w.add("Concat", w.add("Unsqueeze", begin, w.constant([axis]), rank=x.rank), x, axis=axis)
        results = (x.dtype, x.rank - 1), (x.dtype, x.rank)
        axes = {"scan_input_axes": [axis], "scan_output_axes": [axis]}
        told = w.add_several("Scan", (begin, whole), results, body=graph, num_scan_inputs=1, **axes)[1]
        return w.add("Slice", told, w.constant([1]), w.constant([LAST]), w.constant([axis]))

    return form


def _recurrent(operation: str, gates: Sequence[int], states: int, **attributes: int) -> Callable[..., Sequence[Operand]]:
    """A layer in one direction.  gates: which of PyTorch's stand where in ONNX's order; states: what goes from step to step."""

    def form(w: OnnxWriter, x: Operand, *given: Operand) -> Sequence[Operand]:
        begin, (wx, wh, bx, bh) = given[:states], given[states:]
        if (shape := w.shape_of(wh)) is None:
            raise Unexportable(f"has a recurrent layer ({operation.lower()}) whose weights are computed")
        size = shape[1]
        order = w.constant(np.concatenate([np.arange(g * size, (g + 1) * size) for g in gates]))
        wx, wh, bx, bh = (w.add("Gather", weight, order, rank=weight.rank, axis=0) for weight in (wx, wh, bx, bh))
        first = w.constant([0])
        wide, deep, bias = (
            w.add("Unsqueeze", weight, first, rank=weight.rank + 1) for weight in (wx, wh, w.add("Concat", bx, bh, axis=0))
        )
        begun = [w.add("Unsqueeze", state, first, rank=3) for state in begin]
        steps = w.add("Transpose", x, perm=[1, 0, 2])
        results = (x.dtype, 4), *[(x.dtype, 3)] * states
        said, *left = w.add_several(operation, (steps, wide, deep, bias, None, *begun), results, hidden_size=size, **attributes)
        told = w.add("Transpose", w.add("Squeeze", said, w.constant([1]), rank=3), perm=[1, 0, 2])
        return told, *(w.add("Squeeze", state, first, rank=2) for state in left)

    return form


_LOWEST = {"float32": -np.inf, "float64": -np.inf, "int64": np.iinfo(np.int64).min, "int32": np.iinfo(np.int32).min}
LOOPS: Mapping[str, Callable[..., Operand | Sequence[Operand]]] = {
    "cummax": _accumulated(_LOWEST, greatest_of),
    "cumprod": _accumulated(dict.fromkeys(_LOWEST, 1), lambda w, a, b: w.add("Mul", a, b)),
    "logcumsumexp": _accumulated(_LOWEST, add_log_of_sum),
    "gru": _recurrent("GRU", (1, 0, 2), 1, linear_before_reset=1),  # r z n -> z r n
    "lstm": _recurrent("LSTM", (0, 3, 1, 2), 2),  # i f g o -> i o f g
    "rnn_tanh": _recurrent("RNN", (0,), 1),
}
