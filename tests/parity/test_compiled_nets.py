"""Whole nets by the compiled loops: beside numpy, in float32 and in bytes; a sentence alone and in a batch; beams that share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from regard.config import read_config
from regard.core.library import library
from regard.decoding.search import Bounds, beam
from regard.export import bytes as in_int8
from regard.export.functions import WritingFunctions, names_of, sources, trace_steps
from regard.runtime import networks
from regard.runtime.networks import GraphWriter
from regard.tasks.seq2seq_builder import build_seq2seq
from tests.parity.test_export_graphs import NETS

WORDS = 20
KINDS = ("luong", "peephole", "history", "transformer", "windows", "aaren")

pytestmark = pytest.mark.skipif(library() is None, reason="no compiled loops: there was no C compiler when Regard was installed")


@pytest.fixture(scope="module", params=KINDS)
def traced(request) -> tuple[str, Any]:
    torch.manual_seed(3)
    net = build_seq2seq(read_config({"model": NETS[request.param]}), source_words=WORDS, target_words=WORDS).eval().network
    weights: dict[str, np.ndarray] = {}
    draw = torch.Generator().manual_seed(1)
    return request.param, (*trace_steps(WritingFunctions(net), sources(WORDS, None, draw), None, names_of(net), weights), weights)


def writers(traced: Any, patch: pytest.MonkeyPatch, precision: str) -> tuple[GraphWriter, GraphWriter]:
    """By the loops, and by numpy."""
    start, step, common, weights = traced
    if precision == "int8":
        patch.setattr(in_int8, "LEAST", 8)
        patch.setattr(in_int8, "LEAST_MULTIPLIED", 8)
        weights = in_int8.in_bytes(weights)
        start, step = (in_int8.multiply_in_bytes(graph, weights) for graph in (start, step))
        operations = {node.operation for graph in (start, step) for node in graph.nodes}
        assert "linear_bytes" in operations and not operations & {"gru", "lstm"}
    sizes: dict[str, Any] = {"source_words": WORDS, "target_words": WORDS, "common": common}
    quick = GraphWriter(start, step, weights, **sizes)
    patch.setattr(networks, "packs_of", lambda: None)
    return quick, GraphWriter(start, step, weights, **sizes)


def given(rows: int, places: int) -> tuple[np.ndarray, np.ndarray]:
    by = np.random.default_rng(5)
    valid = np.arange(places) < by.integers(1, places + 1, (rows, 1))
    return by.integers(4, WORDS, (rows, places)) * valid, valid


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_net_says_what_numpy_says(traced, precision, monkeypatch):
    quick, plain = writers(traced[1], monkeypatch, precision)
    source, valid = given(7, 9)
    states, words = [w.start(source, valid) for w in (quick, plain)], np.random.default_rng(7).integers(4, WORDS, (7, 8))
    for t, word in enumerate(words.T):
        told = []
        for i, writer in enumerate((quick, plain)):
            log_p, states[i] = writer.step(word, states[i])
            told.append(np.exp(log_p))
        # in bytes a number that lies between two may be rounded either way: then the nets say a little else from there on
        assert np.abs(told[0] - told[1]).max() < (1e-5 if precision == "float32" else 0.02), t
    assert not quick._step.by_numpy and not quick._start.by_numpy


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_sentence_alone_is_the_sentence_in_a_batch(traced, precision, monkeypatch):
    """To the last bit, in each step, whatever stands behind it as padding."""
    quick, _ = writers(traced[1], monkeypatch, precision)
    source, valid = given(7, 9)
    words = np.random.default_rng(7).integers(4, WORDS, (7, 8))
    state, whole = quick.start(source, valid), []
    for word in words.T:
        log_p, state = quick.step(word, state)
        whole.append(log_p)
    for row in range(7):
        length = int(valid[row].sum())
        state = quick.start(source[row : row + 1, :length], valid[row : row + 1, :length])
        for t, word in enumerate(words[row]):
            log_p, state = quick.step(np.array([word]), state)
            np.testing.assert_array_equal(log_p[0], whole[t][row], err_msg=f"{traced[0]}, row {row}, step {t}")


def test_beams_find_what_numpy_finds(traced, monkeypatch):
    """With sentences that end at different times, so that rows are chosen, put in order and shared on the way."""
    quick, plain = writers(traced[1], monkeypatch, "float32")
    source, valid = given(6, 8)
    bounds = Bounds(start=1, stop=2, never=(0, 1), most=np.array([4, 9, 3, 12, 7, 5]))
    found = [beam(w, w.start(source, valid), bounds=bounds, width=4, n_best=3) for w in (quick, plain)]
    for mine, other in zip(*found, strict=True):
        assert [f.words for f in mine] == [f.words for f in other]
        np.testing.assert_allclose([f.score for f in mine], [f.score for f in other], atol=1e-4)
    if traced[0] == "transformer":
        assert quick._step.shared, "what beams read of one source is not shared"
