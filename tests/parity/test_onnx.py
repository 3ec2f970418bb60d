"""Nets of every kind as ONNX, in onnxruntime, say what numpy says of their graphs; and whole folders do."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

import onnx

from regard.config import read_config
from regard.config.mechanisms import CELLS, SCOPES, SCORES, WEIGHTINGS, Known
from regard.export.functions import WritingFunctions, names_of, sources, trace_steps
from regard.export.onnx_model import to_onnx
from regard.export.onnx_proof import OnnxSession
from regard.runtime.graph import Graph
from regard.runtime.player import Player
from regard.tasks.seq2seq_builder import build_seq2seq

RECURRENT = {"embedding": 6, "size": 8, "dropout": 0.0}
TRANSFORMER = {"family": "transformer", "size": 8, "feedforward": 10, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0}
AT_LEAST = {  # words that take a number
    "location": "location(45)", "window": "window(2)", "local-m": "local-m(2)", "local-p": "local-p(2)", "dilated": "dilated(2)",
    "prefix": "prefix(2)", "global": "global(1)",
}  # fmt: skip
NETS: dict[str, dict[str, Any]] = {
    "luong": {**RECURRENT, "order": "luong", "encoder": "bigru", "decoder": "gru", "attention": {"score": "cosine", "heads": 2}},
    "copy": {**RECURRENT, "head": "copy"},
    "hard-monotonic": {**RECURRENT, "order": "luong", "input_feeding": False, "head": "hard-monotonic"},
    "past": {**RECURRENT, "past": {"score": "additive"}},
    "fixed": {**RECURRENT, "attention": "none", "context": "structured"},
    "post-norm": {**TRANSFORMER, "norm": "post", "positions": "rotary", "self_attention": {"scope": "window(back=3)"}},
    "learned": {**TRANSFORMER, "positions": "learned"},
    "aaren": {**TRANSFORMER, "family": "aaren"},
    **{f"cell {word}": {**RECURRENT, "encoder": f"bi{word}", "encoder_layers": 2, "decoder": word} for word in CELLS},
}


def look(part: str, word: str, table: Mapping[str, Known], by: random.Random) -> dict[str, Any]:
    """A net with this score, scope or weighting, in an encoder-decoder or in a Transformer where it may stand there."""
    whole = not table[word].sequential and not table[word].mixes and by.random() < 0.5
    attention = {part: AT_LEAST.get(word, word)}
    return (
        {**TRANSFORMER, "self_attention": attention}
        if whole
        else {**RECURRENT, "order": by.choice(["luong", "bahdanau"]), "attention": attention}
    )


def nets() -> dict[str, dict[str, Any]]:
    """Each word of each table once, and some of their products."""
    by = random.Random(7)
    tables = {"score": SCORES, "scope": SCOPES, "weighting": WEIGHTINGS}
    made = {f"{part} {word}": look(part, word, table, by) for part, table in tables.items() for word in table}
    free = {part: [w for w, known in table.items() if not (known.sequential or known.mixes)] for part, table in tables.items()}
    for _ in range(8):
        words = {part: by.choice(some) for part, some in free.items()}
        attention = {part: AT_LEAST.get(word, word) for part, word in words.items()}
        family = by.choice([RECURRENT, TRANSFORMER])
        made[" ".join(words.values())] = {**family, "attention" if family is RECURRENT else "self_attention": attention}
    return {**NETS, **made}


ALL = nets()


def graphs_of(model: dict[str, Any]) -> tuple[dict[str, Graph], dict[str, np.ndarray]]:
    """The graphs of a net that nobody trained, and its weights."""
    torch.set_default_dtype(torch.float32)  # as nets are trained; onnxruntime has too little of float64
    torch.manual_seed(3)
    data = {"max_source_length": 45, "max_target_length": 45}
    net = build_seq2seq(read_config({"data": data, "model": model}), source_words=20, target_words=20).eval().network
    weights: dict[str, np.ndarray] = {}
    starts = sources(20, 45, torch.Generator().manual_seed(1))
    start, step, _ = trace_steps(WritingFunctions(net), starts, 45, names_of(net), weights)
    return {"start": start, "step": step}, weights


def assert_equal(told: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> None:
    assert set(told) == set(right)
    for name, array in right.items():
        assert (told[name].dtype, told[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_allclose(told[name], array, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ALL)
def test_onnxruntime_says_what_numpy_says(name):
    graphs, weights = graphs_of(ALL[name])
    models = {key: to_onnx(graph, weights) for key, graph in graphs.items()}
    for model in models.values():
        onnx.checker.check_model(model, full_check=True)
    players = {key: Player(graph, weights) for key, graph in graphs.items()}
    sessions = {key: OnnxSession(graphs[key], model) for key, model in models.items()}
    by = np.random.default_rng(2)
    for rows, places in ((1, 1), (2, 3), (5, 17), (64, 4)):
        valid = np.arange(places) < by.integers(0, places + 1, (rows, 1))
        valid[0] = rows > 1  # of a row alone no place is there
        given = {"source": by.integers(4, 20, (rows, places)) * valid, "valid": valid}
        right, told = players["start"](**given), sessions["start"](**given)
        assert_equal(told, right)
        for _ in range(5):
            words = by.integers(4, 20, rows)
            right, told = (play["step"](words=words, **{n: x[n] for n in x if n.startswith("state.")})
                           for play, x in ((players, right), (sessions, told)))  # fmt: skip
            assert_equal(told, right)
            assert not np.isnan(told["log_p"]).any()
