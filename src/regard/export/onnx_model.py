"""A graph and its weights as an ONNX model, operation by operation.

One opset, 18; no operator of onnxruntime's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper

from regard.export.onnx_loops import close_body, describe
from regard.export.onnx_operations import OPERATIONS
from regard.export.onnx_writer import IR_VERSION, ONNX_DTYPES, OnnxWriter, Operand, name_dimensions
from regard.export.onnx_writer import OPSET as OPSET
from regard.export.recorder import Unexportable
from regard.runtime.graph import Graph, Node, Size, from_json
from regard.runtime.player import NAMES


def to_onnx(graph: Graph, weights: Mapping[str, np.ndarray], axes: Mapping[Size, str] | None = None) -> onnx.ModelProto:
    """The graph as a model of opset 18.  An output that has the name of an input (a state) is called `NAME.next`.

    axes: names for sizes that differ from call to call, such as `{("size", "words", 0): "batch"}`.
    Raises Unexportable for what onnxruntime cannot run.
    """
    ports = {port.name for port in (*graph.inputs, *(p for p, _ in graph.outputs))}
    writer = OnnxWriter(reserved=ports)
    inputs = [Operand(port.name, port.dtype, len(port.shape)) for port in graph.inputs]
    values = _write_nodes(writer, graph, weights, inputs)
    results = []
    for port, place in graph.outputs:
        name = output_name(port.name, graph)
        writer.nodes.append(helper.make_node("Identity", [values[place].name], [name], name=f"{name}:output"))
        results.append(Operand(name, port.dtype, values[place].rank))
    given = [describe(x, name_dimensions(p.shape, axes or {}, p.name)) for x, p in zip(inputs, graph.inputs, strict=True)]
    told = [describe(x) for x in results]
    made = helper.make_graph(writer.nodes, "regard", given, told, initializer=list(writer.initializers.values()))
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION, producer_name="regard")


def output_name(name: str, graph: Graph) -> str:
    """What an output is called in ONNX, where no two values have one name."""
    return f"{name}.next" if any(port.name == name for port in graph.inputs) else name


def describe_ports(model: onnx.ModelProto) -> dict[str, list[dict[str, Any]]]:
    """The inputs and outputs of a model, with dtypes and shapes: numbers, names of sizes, None for what only the result tells."""
    words = {int(number): word for word, number in ONNX_DTYPES.items()}

    def describe_port(port: onnx.ValueInfoProto) -> dict[str, Any]:
        kind = port.type.tensor_type
        shape = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.shape.dim]
        return {"name": port.name, "dtype": words[kind.elem_type], "shape": shape}

    return {"inputs": [*map(describe_port, model.graph.input)], "outputs": [*map(describe_port, model.graph.output)]}


def _write_nodes(w: OnnxWriter, graph: Graph, weights: Mapping[str, np.ndarray], inputs: list[Operand]) -> dict[int, Operand]:
    """All nodes of a graph; its values by number."""
    w.inputs = {port.name: x for port, x in zip(graph.inputs, inputs, strict=True)}
    values = dict(enumerate([*inputs, *(w.weight(name, weights) for name in graph.weights)]))
    for node in graph.nodes:
        reads = [values[i] for i in node.inputs]
        if node.operation == "scan":
            made: Any = _scan(w, node, reads, weights)
        elif node.operation in OPERATIONS:
            made = OPERATIONS[node.operation](w, *reads, **node.attributes)
        else:
            raise Unexportable(f"has an operation without a form in ONNX, {node.operation}")
        made = [made] if isinstance(made, Operand) else made
        values |= {node.made + i: x for i, x in enumerate(made)}
    return values


def _scan(w: OnnxWriter, node: Node, reads: list[Operand], weights: Mapping[str, np.ndarray]) -> list[Operand]:
    """A loop over the first axis of what it reads first: ONNX has the states before what is said."""
    graph = from_json(node.attributes["body"], NAMES, "a loop")
    steps, *states = reads
    body = OnnxWriter(w, w.name("loop") + ".")
    inputs = [Operand(body.prefix + port.name, port.dtype, len(port.shape)) for port in graph.inputs]
    values = _write_nodes(body, graph, weights, inputs)
    by_name = {port.name: values[place] for port, place in graph.outputs}
    said, left = by_name["y"], [by_name[f"state.{i}"] for i in range(len(states))]
    inner = close_body(body, [*inputs[1:], inputs[0]], [*left, said], body.prefix + "body")
    results = [*((x.dtype, x.rank) for x in left), (said.dtype, said.rank + 1)]
    axes = {"scan_input_axes": [0], "scan_output_axes": [1]}
    *ends, whole = w.add_several("Scan", (*states, steps), results, body=inner, num_scan_inputs=1, **axes)
    return [whole, *ends]
