"""What an ONNX graph is written with: typed values, constants and sizes, each once, and nodes in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from regard.export.recorder import Unexportable
from regard.runtime.folder import SCALE
from regard.runtime.graph import Size

OPSET = 18  # the first with BitwiseAnd and BitwiseXor; onnxruntime reads it from 1.14 on
IR_VERSION = 8  # of opset 18
ONNX_DTYPES = {
    "bool": TensorProto.BOOL, "int8": TensorProto.INT8, "int32": TensorProto.INT32, "int64": TensorProto.INT64,
    "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE,
}  # fmt: skip
SIZE_FORMS = {"+": "Add", "*": "Mul", "max": "Max", "min": "Min"}
LAST = np.iinfo(np.int64).max  # where a slice goes on to the end
ONLY_FLOAT32 = frozenset({"GRU", "LSTM", "RNN", "Conv", "Erf", "Atan", "Cos", "ReduceProd"})  # in onnxruntime 1.20


@dataclass(frozen=True)
class Operand:
    """A value of an ONNX graph: its name, its dtype in the words of a graph, and how many axes it has."""

    name: str
    dtype: str
    rank: int


class OnnxWriter:
    """The nodes of one graph, or of the body of a loop in `outer`, which reads the constants of the outermost graph.

    prefix: before each name that is made, since a body may not use a name of the graph around it.  reserved: names of what the graph
    reads and gives, which no weight may have.
    """

    def __init__(self, outer: OnnxWriter | None = None, prefix: str = "", reserved: Collection[str] = ()) -> None:
        self.prefix, self.reserved = prefix, reserved
        self.root: OnnxWriter = outer.root if outer else self
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.weights: dict[str, tuple[Operand, tuple[int, ...]]] = {}  # by name, and how large each is
        self.inputs: dict[str, Operand] = {}
        self._sizes: dict[Any, Operand] = {}
        self._literals: dict[tuple[str, tuple[int, ...], bytes], Operand] = {}
        self._fixed: set[str] = set()  # what depends on weights alone
        self._made = 0

    def name(self, stem: str) -> str:
        """A new name."""
        self.root._made += 1
        return f"{self.prefix}{stem}_{self.root._made}"

    def weight(self, name: str, arrays: Mapping[str, np.ndarray]) -> Operand:
        """A weight of the graph by its own name; of one in bytes (`runtime.folder.SCALE`) the numbers that they stand for.

        Whoever loads the model multiplies once, so that its arithmetic is that of any model in float32.
        """
        root = self.root
        if name not in root.weights:
            array, scale = arrays[name], arrays.get(name + SCALE)
            kept = root.keep(name, array)
            if scale is not None:
                each = root.add("Unsqueeze", root.keep(name + SCALE, scale), root.constant([scale.ndim]), rank=array.ndim)
                kept = root.add("Mul", root.cast(kept, scale.dtype.name), each)
            root.weights[name] = kept, array.shape
        return root.weights[name][0]

    def keep(self, name: str, array: np.ndarray) -> Operand:
        """An array that stands in the graph under this name, or one like it where the name is taken."""
        name = f"{name}.weight" if name in self.reserved else name
        self.root.initializers[name] = numpy_helper.from_array(array, name)
        self.root._fixed.add(name)
        return Operand(name, array.dtype.name, array.ndim)

    def shape_of(self, weight: Operand) -> tuple[int, ...] | None:
        """How large a weight is; None of what is none."""
        return next((shape for kept, shape in self.root.weights.values() if kept == weight), None)

    def constant(self, numbers: Any, dtype: str = "int64") -> Operand:
        """Numbers that stand in the graph."""
        array, root = np.asarray(numbers, dtype), self.root
        key = dtype, array.shape, array.tobytes()
        if key not in root._literals:
            root._literals[key] = root.keep(root.name("literal"), array)
        return root._literals[key]

    def add(
        self, operation: str, *inputs: Operand | None, dtype: str = "", rank: int | None = None, **attributes: Any
    ) -> Operand:
        """A node with one result: of the type of the first input and the rank of the largest, where nothing else is said."""
        given = [x for x in inputs if x is not None]
        made = rank if rank is not None else max(x.rank for x in given)
        return self.add_several(operation, inputs, ((dtype or given[0].dtype, made),), **attributes)[0]

    def add_several(
        self, operation: str, inputs: Sequence[Operand | None], results: Sequence[tuple[str, int]], **attributes: Any
    ) -> list[Operand]:
        """A node with several results, each a dtype and a rank.  None: an optional input that is left out."""
        given = [x.name if x is not None else "" for x in inputs]
        if operation in ONLY_FLOAT32 and inputs[0] is not None and inputs[0].dtype == "float64":
            raise Unexportable(f"takes {operation} of float64, which onnxruntime does not have")
        fixed = bool(given) and self.root._fixed.issuperset(name for name in given if name)
        at = self.root if fixed else self  # out of the loop, once
        names = [at.name(operation.lower()) for _ in results]
        at.nodes.append(helper.make_node(operation, given, names, name=names[0], **attributes))
        if fixed:
            self.root._fixed.update(names)
        return [Operand(name, dtype, rank) for name, (dtype, rank) in zip(names, results, strict=True)]

    def cast(self, x: Operand, dtype: str) -> Operand:
        """The same numbers in another type."""
        return x if x.dtype == dtype else self.add("Cast", x, dtype=dtype, to=ONNX_DTYPES[dtype])

    def size(self, size: Size) -> Operand:
        """A size as an array of one number."""
        if isinstance(size, int):
            return self.constant([size])
        if size not in self._sizes:
            if size[0] == "size":
                _, name, axis = size
                made = self.add("Shape", self.inputs[name], dtype="int64", rank=1, start=axis, end=axis + 1)
            else:
                a, b = map(self.size, size[1:])
                if size[0] == "//":  # Div goes towards zero: without what is left over, both ways are one
                    made = self.add("Div", self.add("Sub", a, self.add("Mod", a, b)), b)
                else:
                    made = self.add(SIZE_FORMS[size[0]], a, b)
            self._sizes[size] = made
        return self._sizes[size]

    def sizes(self, sizes: Sequence[Size]) -> Operand:
        """Sizes as an array of so many numbers."""
        if all(isinstance(s, int) for s in sizes):
            return self.constant(np.array(sizes, "int64").reshape(-1))
        key = ("sizes", *sizes)
        if key not in self._sizes:
            parts = [self.size(s) for s in sizes]
            self._sizes[key] = parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)
        return self._sizes[key]

    def number(self, size: Size) -> Operand:
        """A size as an array without axes."""
        if isinstance(size, int):
            return self.constant(size)
        key = ("number", size)
        if key not in self._sizes:
            self._sizes[key] = self.add("Squeeze", self.size(size), self.constant([0]), rank=0)
        return self._sizes[key]

    def size_of(self, x: Operand, axis: int) -> Operand:
        """How large a value is along an axis, as an array of one number."""
        return self.add("Shape", x, dtype="int64", rank=1, start=axis, end=axis + 1)


def name_dimensions(shape: Sequence[Size], names: Mapping[Size, str], port: str) -> list[int | str]:
    """The shape of an input as ONNX tells it: numbers, and names of sizes that differ from call to call."""
    return [s if isinstance(s, int) else names.get(s, _own_name(s, f"{port}_{axis}")) for axis, s in enumerate(shape)]


def _own_name(size: Size, otherwise: str) -> str:
    return f"{size[1]}_{size[2]}" if isinstance(size, tuple) and size[0] == "size" else otherwise
