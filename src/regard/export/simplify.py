"""A graph without what is made twice, or for nothing."""

from __future__ import annotations

from dataclasses import replace

from regard.runtime.graph import Graph, Node


def simplify(graph: Graph) -> Graph:
    """The same graph; of operations that are told the same of the same values the first alone, and none whose results nobody reads."""
    same, first, kept = dict[int, int](), dict[tuple[object, ...], Node](), list[Node]()
    for node in graph.nodes:
        reads = tuple(same.get(i, i) for i in node.inputs)
        key = (node.operation, reads, repr(sorted(node.attributes.items())))
        if (known := first.get(key)) is not None:
            same |= {node.made + i: known.made + i for i in range(node.results)}
        else:
            first[key] = node
            kept.append(replace(node, inputs=reads))
    outputs = tuple((port, same.get(value, value)) for port, value in graph.outputs)
    whole = replace(graph, nodes=tuple(kept), outputs=outputs)
    return whole.only([port.name for port, _ in outputs])
