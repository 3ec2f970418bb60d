"""Exported folders changed at random: bytes of any file, values of any JSON, nodes of a graph, the header of the weights."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

MANIFEST, GRAPHS, WEIGHTS = "export.json", "graphs.json", "weights.safetensors"
Files = dict[str, bytes]
OTHERS: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        0,
        1,
        2,
        7,
        2**31,
        2**63,
        10**30,
        0.5,
        -1e308,
        "",
        "a",
        "scan",
        "softmax",
        "matmul",
        "../../x",
        "\x00",
        "x" * 5000,
    ),
    *(
        [],
        [0],
        [-1, 2],
        [10**6, 10**6],
        ["size", "source", 1],
        ["mul", 99999, 99999],
        {},
        {"axis": 7},
        {"body": {}},
        "float64",
        "int8",
    ),
)


def change(files: Files, by: random.Random) -> tuple[str, Files]:
    """A kind of change, and the files that it makes."""
    kind = by.choices([*KINDS], [weight for _, weight in KINDS.values()])[0]
    made = dict(files)
    KINDS[kind][0](made, by)
    name = next((n for n in made if made[n] != files[n]), MANIFEST)
    if name != MANIFEST and by.random() < 0.95:  # nearly always the hash is right, or all would end there
        told = json.loads(made[MANIFEST])
        told["files"][name] = sha256(made[name]).hexdigest()
        made[MANIFEST] = json.dumps(told).encode()
    return kind, made


def change_bytes(files: Files, by: random.Random) -> None:
    """Some bytes other, gone, twice, or the end cut off."""
    name = by.choice([*files])
    data, (a, b) = bytearray(files[name]), sorted(by.randrange(len(files[name])) for _ in range(2))
    how = by.randrange(5)
    if how == 0:
        for _ in range(by.choice((1, 1, 2, 8))):
            data[by.randrange(len(data))] ^= 1 << by.randrange(8)
    elif how == 1:
        del data[a : a + by.choice((1, 2, 9, b - a))]
    elif how == 2:
        data[a:a] = by.randbytes(by.choice((1, 2, 9)))
    elif how == 3:
        data[a:a] = data[a : min(b, a + 4000)]
    else:
        del data[a:]
    files[name] = bytes(data)


def change_json(files: Files, by: random.Random) -> None:
    """One value of a JSON file other, gone, or in another's place."""
    name = by.choice([n for n in files if n.endswith(".json")])
    told = json.loads(files[name])
    _change_value(told, by)
    files[name] = json.dumps(told).encode()


def change_graph(files: Files, by: random.Random) -> None:
    """A node: what it does, reads, makes, or its attributes; or it is gone, twice, elsewhere; or the weights and ports of a graph."""
    told = json.loads(files[GRAPHS])
    graph = by.choice([*told.values()])
    bodies = [a["body"] for n in graph.get("nodes", ()) if isinstance(n, list) for a in n if isinstance(a, dict) and "body" in a]
    graph = by.choice([graph, graph, *bodies])
    nodes, place = graph["nodes"], by.randrange(len(graph["nodes"]))
    how = by.randrange(7)
    if how == 0:
        _change_value(nodes[place], by)
    elif how == 1:
        del nodes[place]
    elif how == 2:
        nodes.insert(by.randrange(len(nodes)), nodes[place])
    elif how == 3:
        other = by.randrange(len(nodes))
        nodes[place], nodes[other] = nodes[other], nodes[place]
    elif how == 4:
        nodes[place][0] = by.choice(nodes)[0]
    elif how == 5:
        numbers = [part for part in nodes[place] if isinstance(part, list) and part and all(isinstance(n, int) for n in part)]
        if numbers:
            by.choice(numbers)[0] = by.choice((by.randrange(len(nodes) * 2), -1, 0, 10**9))
    else:
        _change_value({key: value for key, value in graph.items() if key != "nodes"}, by)
    files[GRAPHS] = json.dumps(told).encode()


def change_weights(files: Files, by: random.Random) -> None:
    """The header of the weights, lengths and all; or some numbers that are none."""
    whole = files[WEIGHTS]
    (size,) = struct.unpack("<Q", whole[:8])
    told, data = json.loads(whole[8 : 8 + size]), bytearray(whole[8 + size :])
    how, name = by.randrange(5), by.choice([n for n in told if n != "__metadata__"])
    if how == 0:
        _change_value(told, by)
    elif how == 1:
        told[name]["shape"] = told[name]["shape"][::-1] if by.random() < 0.5 else [*told[name]["shape"], 1]
    elif how == 2:
        told[name]["dtype"] = by.choice(("F64", "F32", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3"))
    elif how == 3:
        other = by.choice([n for n in told if n != "__metadata__"])
        told[name], told[other] = told[other], told[name]
    else:
        for _ in range(64):
            place = by.randrange(max(1, len(data) // 4)) * 4
            data[place : place + 4] = struct.pack(
                "<f", by.choice((float("nan"), float("inf"), -float("inf"), 1e38, -1e38, 1e-45))
            )
    head = json.dumps(told).encode()
    files[WEIGHTS] = (
        struct.pack("<Q", len(head) if by.random() < 0.95 else by.choice((0, 2**63, len(whole)))) + head + bytes(data)
    )


def _change_value(told: Any, by: random.Random) -> None:
    """Within lists and objects: one place, at any depth."""
    places = list(_places(told))
    if not places:
        return
    where, key = by.choice(places)
    how = by.randrange(5)
    if how == 0:
        del where[key]
    elif how == 1:
        other, its = by.choice(places)
        if its in other if isinstance(other, dict) else its < len(other):
            where[key] = json.loads(json.dumps(other[its]))
    elif how == 2 and isinstance(where[key], int | float):
        where[key] += by.choice((-1, 1, 2, 255, -256))
    elif how == 3 and isinstance(where, dict):
        where[by.choice(("", "axis", "__class__", str(key) + "s"))] = where.pop(key)
    else:
        where[key] = by.choice(OTHERS)


def _places(told: Any) -> Iterator[tuple[Any, Any]]:
    pairs = list(told.items()) if isinstance(told, dict) else list(enumerate(told)) if isinstance(told, list) else []
    for key, value in pairs:
        yield told, key
        yield from _places(value)


KINDS: dict[str, tuple[Callable[[Files, random.Random], None], int]] = {
    "bytes": (change_bytes, 2),
    "values": (change_json, 3),
    "graph": (change_graph, 4),
    "weights": (change_weights, 1),
}
