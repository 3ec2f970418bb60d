"""Law 3 for nets in use, in float32 and in bytes: a sentence alone, among two others and among many; in bytes to the last bit."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import nn

from regard.build import networks
from regard.config import ModelSection, read_config
from regard.core.optional import module
from regard.data.batching import collate
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.inference import int8, prepacked
from regard.inference.array_writer import ArrayWriter
from regard.inference.batch_invariant import InvariantWeight
from regard.inference.int8 import quantize
from regard.inference.prepare import in_use
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.language.builder import build_language_model
from regard.tasks.writing import answer

from .products import SEED

V, EOS, LEAST = 23, 2, 2600
_BY = random.Random(SEED)
LINES = [[*(_BY.randint(4, V - 1) for _ in range(_BY.choice([1, 2, 3, 6, 9, 19]))), EOS] for _ in range(20)]
_TRANSFORMER: dict[str, Any] = {"family": "transformer", "size": 44, "heads": 4, "feedforward": 61, "encoder_layers": 2}
_NET: dict[str, Any] = {"embedding": 31, "size": 44, "encoder": "bigru", "decoder": "gru"}
NETS: dict[str, dict[str, Any]] = {
    "pre": {**_TRANSFORMER, "decoder_layers": 2},
    "post, gelu": {**_TRANSFORMER, "norm": "post", "heads": 2, "activation": "gelu", "positions": "rotary"},
    "other looks": {**_TRANSFORMER, "self_attention": "additive(16)", "attention": {"weighting": "entmax15"}},
    "fading": {**_TRANSFORMER, "self_attention": "cosine(temperature)", "attention": {"scope": "local-p(2)"}, "head": "copy"},
    "aaren": {**_TRANSFORMER, "family": "aaren"},
    "bahdanau": {**_NET, "attention": "additive"},
    "senses": {**_NET, "attention": "location-sensitive", "decoder": "lstm", "encoder": "bilstm"},
    "luong": {
        **_NET,
        "order": "luong",
        "decoder": "lstm",
        "attention": {"score": "general", "weighting": "sparsemax", "heads": 4},
    },
    "copies": {**_NET, "order": "luong", "input_feeding": False, "attention": "general", "head": "copy"},
    "own cells": {**_NET, "encoder": "lstm-peephole", "decoder": "gru-reset-before", "past": "general"},
    "fixed": {**_NET, "encoder": "birnn", "decoder": "rnn", "attention": "none", "context": "pooled"},
}


@pytest.fixture(autouse=True)
def some_matrices_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some in bytes, some not; some laid out, some not."""
    torch.set_num_threads(1)
    monkeypatch.setattr(int8, "LEAST", LEAST)
    monkeypatch.setattr(prepacked, "LEAST", LEAST)


def perturbed(model: dict[str, Any]) -> EncoderDecoder:
    """As training leaves it: nothing is 0, and looks are sharp."""
    torch.manual_seed(SEED)
    made = networks.recurrent if model.get("family", "recurrent") == "recurrent" else networks.transformer
    net = made(ModelSection(**{"dropout": 0.0, "max_positions": 80, "decoder_layers": 1, **model}), V, V).eval()
    with torch.no_grad():
        for x in net.parameters():
            x.mul_(1.5).add_(0.1 * torch.randn_like(x))
    return net


def answers(network: EncoderDecoder, size: int) -> list[tuple[tuple[int, ...], float]]:
    """Each line's words and score, in batches of so many, the best of two."""
    used, found = ArrayWriter(in_use(network, size * 2)), []
    for begin in range(0, len(LINES), size):
        numbers = range(begin, min(begin + size, len(LINES)))
        batch = collate([(LINES[i], None) for i in numbers], numbers)
        told = answer(used, batch, way=Beam(2), limits=Limits(ratio=0.5, extra=4), attention=False)
        found += [(row[0].words, row[0].score) for row in told]
    return found


@pytest.mark.parametrize("name", NETS)
def test_alone_and_in_a_batch(name):
    net = perturbed(NETS[name])
    alone, *others = (answers(net, size) for size in (1, 3, 64))
    for other in others:
        assert [words for words, _ in other] == [words for words, _ in alone]
        assert [score for _, score in other] == pytest.approx([score for _, score in alone], rel=2e-6, abs=2e-6)
    quantize(net)
    alone, *others = (answers(net, size) for size in (1, 3, 64))
    if module("core.matrices_loops") is None:  # in float64, rounded once: nearly always the same bits
        others = [[(words, pytest.approx(score, abs=1e-4)) for words, score in other] for other in others]
    assert all(alone == other for other in others)


@pytest.mark.skipif(module("core.matrices_loops") is None, reason="the loops were not built")
@pytest.mark.parametrize("decoder", ["lstm", "lstm-peephole", "gru-reset-before"])
def test_a_language_model_alone_and_in_a_batch(decoder):
    """Its decoder reads whole windows, and looks back at its own states."""
    model = {"decoder": decoder, "decoder_layers": 2, "embedding": 40, "size": 48, "dropout": 0.0, "past": "additive"}
    config = read_config({"task": "language", "model": model, "language": {"carry": False}})
    torch.manual_seed(SEED)
    net = build_language_model(config, V).network.eval()
    with torch.no_grad():
        for x in net.parameters():
            x.mul_(1.5).add_(0.1 * torch.randn_like(x))
    words = torch.randint(4, V, (23, 9))
    with torch.no_grad():
        quantize(net)
        whole = net.write(words, net.start(23))[0].states
        alone = torch.cat([net.write(row[None], net.start(1))[0].states for row in words])
    assert torch.equal(whole, alone)


def test_a_steady_product_is_the_product(monkeypatch):
    """By loops and in float64."""
    weight, bias, x = torch.randn(29, 13), torch.randn(29), torch.randn(5, 7, 13)
    for absent in ((), ("core.matrices_loops",)):
        monkeypatch.setattr(
            "regard.inference.batch_invariant.module", lambda name, absent=absent: None if name in absent else module(name)
        )
        torch.testing.assert_close(InvariantWeight(weight).linear(x, bias), nn.functional.linear(x, weight, bias))
        torch.testing.assert_close(InvariantWeight(weight)[:, 3:9].linear(x[..., 3:9], None), x[..., 3:9] @ weight[:, 3:9].T)
