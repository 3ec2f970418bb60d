"""Whether onnxruntime says of models what numpy says of their graphs; and names for the sizes that differ from call to call."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from regard.core.errors import RegardError, describe_exhaustion, message
from regard.export.onnx_model import output_name
from regard.export.proof import CLOSE
from regard.runtime.folding import Arrays, Folded
from regard.runtime.graph import Graph, Port, Size
from regard.runtime.networks import BOS, STATE, arrays
from regard.runtime.player import Player

SHAPES = ((1, 1), (1, 9), (3, 5), (64, 7))  # rows and tokens of the items that are compared
STEPS = 4  # words that are written
SEED = 20261202


class OnnxSession:
    """A model in onnxruntime, asked as a `Player` is: arrays by the names of a graph, on one thread of the CPU."""

    def __init__(self, graph: Graph, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self._names = {port.name: output_name(port.name, graph) for port, _ in graph.outputs}

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name."""
        read = {port.name for port in self._session.get_inputs()}
        given = {name: array for name, array in inputs.items() if name in read}
        return dict(zip(self._names, self._session.run(list(self._names.values()), given), strict=True))


def name_sizes(graphs: Mapping[str, Graph], weights: Arrays) -> dict[Size, str]:
    """Names of the sizes of what is read: "batch"; "source" and "written" where a state's size follows them; each size its own."""
    names: dict[Size, str] = {}
    for graph in graphs.values():
        first = next((s for port in graph.inputs for s in port.shape[:1] if not isinstance(s, int)), None)
        names |= {} if first is None else {first: "batch"}
    if "step" not in graphs:
        return names
    names |= {s: "source" for port in graphs["start"].inputs for s in port.shape[1:2] if not isinstance(s, int)}
    start, step = (Player(graphs[name], weights) for name in ("start", "step"))
    short, long = (start(**_zeros(graphs["start"], length)) for length in (2, 3))
    words = np.ones(2, np.int64)
    once, other = (step(words=words, **_states(made)) for made in (short, long))
    twice = step(words=words, **_states(once))
    for port in graphs["step"].inputs:
        for axis, size in enumerate(port.shape):
            if isinstance(size, int) or size in names:
                continue
            follows = [name for name, made in (("source", other), ("written", twice)) if _grows(port, axis, once, made)]
            stem, count = "_".join(follows) or "size", 1
            while (name := stem if count == 1 else f"{stem}_{count}") in names.values():
                count += 1
            names[size] = name
    return names


def _grows(port: Port, axis: int, before: Arrays, after: Arrays) -> bool:
    return port.name in before and before[port.name].shape[axis] != after[port.name].shape[axis]


def _zeros(graph: Graph, length: int) -> dict[str, np.ndarray]:
    """Two rows of so many tokens, all there."""
    sizes = [2, *[length] * 9]
    shapes = {p.name: tuple(s if isinstance(s, int) else n for s, n in zip(p.shape, sizes, strict=False)) for p in graph.inputs}
    return {p.name: np.full(shapes[p.name], p.dtype == "bool", p.dtype) for p in graph.inputs}


def _states(told: Arrays) -> dict[str, np.ndarray]:
    return {name: array for name, array in told.items() if name.startswith(STATE)}


def refuse_other(
    model: Any, graphs: Mapping[str, Graph], weights: Arrays, models: Mapping[str, onnx.ModelProto], out: Path
) -> None:
    """RegardError where onnxruntime says something else than numpy, of made-up items of `model`: alone, side by side, of one token."""
    do = "Nothing was written. Please report it, with the config of the run and the version of onnxruntime."
    players = {name: Player(graph, weights) for name, graph in graphs.items()}
    try:
        for made in models.values():
            onnx.checker.check_model(made, full_check=True)
        sessions = {name: OnnxSession(graphs[name], made) for name, made in models.items()}
        for name, right, told in _said(model, players, sessions):
            gaps = {key: _gap(array, told[key]) for key, array in right.items()}
            if (worst := max(gaps, key=lambda key: gaps[key])) and gaps[worst] > CLOSE:
                found = f"{gaps[worst]:.1e} in {worst} of {name}, by onnxruntime {onnxruntime.__version__}"
                raise RegardError(message(f"{out}: the proof", f"numbers within {CLOSE:g}", found, do))
    except RegardError:
        raise
    except Exception as error:  # those of onnx and onnxruntime have no class in common
        of = f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}"
        found = describe_exhaustion(error) or f"{type(error).__name__} of {of}: {error}"
        raise RegardError(message(f"{out}: the proof", "models that onnxruntime can run", found[:400], do)) from error


def _said(model: Any, players: Mapping[str, Player], sessions: Mapping[str, OnnxSession]) -> Iterator[tuple[str, Arrays, Arrays]]:
    """What both say of the same inputs, step by step."""
    by = random.Random(SEED)
    for rows, tokens in SHAPES:
        if "answer" in players:
            items = [model.make_up(by, tokens if i == 0 else by.randint(1, tokens)) for i in range(rows)]
            given = dict(arrays(model.graph_batch([model.encode(item) for item in items], by)))
            given = {port.name: given[port.name] for port in players["answer"].graph.inputs}
            yield "answer", players["answer"](**given), sessions["answer"](**given)
            continue
        given = _begin(model, players["start"].graph, rows, tokens, by)
        right, told = players["start"](**given), sessions["start"](**given)
        yield "start", right, told
        for _ in range(STEPS):
            vocabulary = right["log_p"].shape[1] if "log_p" in right else 4
            words = np.array([by.randrange(vocabulary) for _ in range(rows)])
            right, told = (play["step"](words=words, **_states(x)) for play, x in ((players, right), (sessions, told)))
            yield "step", right, told


def _begin(model: Any, graph: Folded, rows: int, tokens: int, by: random.Random) -> dict[str, np.ndarray]:
    """What is read before the first word: sources, one of them of no token; images; of a language model the start sign."""
    source = next((port for port in graph.inputs if port.name == "source"), None)
    if source is None:
        return {"words": np.full(rows, BOS)}
    if source.dtype != "int64":
        batch = model.collate([model.make_up(by, tokens) for _ in range(rows)], range(rows))
        return {"source": batch.source, "valid": batch.source_valid}
    words = model.networks[0].source_words
    lengths = np.array([tokens, *(by.randint(0, tokens) for _ in range(rows - 2)), 0])[:rows]
    valid = np.arange(tokens) < lengths[:, None]
    return {"source": np.array([[by.randrange(words) for _ in row] for row in valid]) * valid, "valid": valid}


def _gap(right: np.ndarray, told: np.ndarray) -> float:
    """The largest difference, of a number above 1 its share; infinite where shapes or types differ."""
    if right.shape != told.shape or right.dtype != told.dtype:
        return np.inf
    if right.dtype.kind != "f":
        return np.inf if (right != told).any() else 0.0
    same = (right == told) | (np.isnan(right) & np.isnan(told))
    with np.errstate(all="ignore"):
        gaps = np.where(same, 0, np.abs(right - told) / np.maximum(np.abs(right), 1))
    return float(np.nan_to_num(gaps, nan=np.inf).max(initial=0))
