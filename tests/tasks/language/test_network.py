"""Law 7 and the laws of steps and search for language models."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from regard.config import read_config
from regard.core.errors import ConfigError
from regard.data.tokenizer import BOS, EOS
from regard.decoding.ways import Beam, Sample
from regard.tasks.language import builder
from regard.tasks.language.batch import LanguageBatch
from regard.tasks.language.continuation import go_on
from regard.tasks.language.distances import Distances
from regard.tasks.language.network import ArrayLanguageModel

WORDS = 7
CELLS = {"decoder": "lstm", "decoder_layers": 2, "embedding": 5, "size": 6, "dropout": 0.0}
WRITER = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 12, "decoder_layers": 2, "dropout": 0.0}
NETS = {
    "cells": CELLS,
    "plain": CELLS | {"past": {"score": "additive", "scope": "window(3, 0)"}},
    "key-value": CELLS | {"past": {"score": "general", "scope": "window(3, 0)", "memory": "key-value"}},
    "key-value-predict": CELLS | {"past": {"score": "scaled", "scope": "window(3, 0)", "memory": "key-value-predict"}},
    "transformer": WRITER | {"positions": "rotary", "self_attention": {"scope": "window(4, 0)"}},
    "aaren": WRITER | {"family": "aaren", "positions": "none"},
}


def made(net: str, **section):
    torch.manual_seed(1)
    values = {"task": "language", "model": NETS[net], "language": {"carry": True, **section}}
    return builder.build_language_model(read_config(values), WORDS).eval()


def batch(words: torch.Tensor, *, first: bool, real: torch.Tensor | None = None) -> LanguageBatch:
    return LanguageBatch(words[:, :-1], words[:, 1:], torch.ones_like(words[:, 1:]).bool() if real is None else real, first)


@pytest.mark.parametrize("net", NETS)
def test_windows_are_the_text(net):
    """Nats of windows with a carried state sum to those of the text at once; rows that are over drop out; gradients are cut."""
    task = made(net)
    text = torch.randint(4, WORDS, (3, 12))
    text[:, 0] = BOS
    with torch.no_grad():
        whole = float(task.reading(batch(text, first=True), None)[0].nats)
    parts, state = [], None
    for start, stop in ((0, 5), (5, 10), (10, 11)):
        found, state = task.reading(batch(text[:, start : stop + 1], first=start == 0), state)
        parts.append(float(found.nats))
    assert sum(parts) == pytest.approx(whole, rel=1e-5)
    _, left = task.reading(batch(text[:, :6], first=True), None)
    fewer, _ = task.reading(batch(text[:2, 5:], first=False), left)
    alone, _ = task.reading(batch(text[:2, 5:], first=False), task.reading(batch(text[:2, :6], first=True), None)[1])
    assert float(fewer.nats) == pytest.approx(float(alone.nats), rel=1e-5)
    fewer.total.backward()  # nothing of the window before is left to go back through


@pytest.mark.parametrize("net", NETS)
def test_what_is_carried_is_given_back(net):
    task, other = made(net).train(), made(net).train()
    text = torch.randint(4, WORDS, (3, 12))
    task.loss(batch(text[:, :6], first=True))
    other.carry([tensor.clone() for tensor in task.carried()])
    one, two = (float(x.loss(batch(text[:, 5:], first=False)).nats) for x in (task, other))
    assert one == two and len(task.carried()) > 0
    assert made(net).carried() == []


def test_judging_leaves_training_alone():
    task = made("cells").train()
    text = torch.randint(4, WORDS, (3, 6))
    task.loss(batch(text, first=True))
    before = [tensor.clone() for tensor in task.carried()]
    task.eval()
    task.loss(batch(text, first=True))
    assert all((a == b).all() for a, b in zip(before, task.carried(), strict=True))


def test_a_net_that_knows_nothing():
    """All logits 0: each word costs log V, whatever was said."""
    task = made("cells")
    for parameter in task.network.head.parameters():
        parameter.data.zero_()
    found = task.loss(batch(torch.randint(4, WORDS, (2, 9)), first=True))
    assert float(found.nats) == pytest.approx(16 * np.log(WORDS)) and found.tokens == 16


def forced(task, begun: list[int], written: list[int]) -> float:
    """The log-probability of words after a beginning, all at once."""
    words = torch.tensor([[BOS, *begun, *written]])
    with torch.no_grad():
        read, _ = task.network.write(words[:, :-1], task.network.start(1))
        log_p = task.network.head.log_p(read.states)[0, len(begun) :]
    return float(log_p.gather(1, torch.tensor(written)[:, None]).sum())


@pytest.mark.parametrize("way", [Beam(1), Beam(4, 4), Sample(3, 5)])
@pytest.mark.parametrize("net", NETS)
def test_scores_are_forced_scores(net, way):
    """Of what was written, its end included where the net wrote it: a text that was cut off pays nothing for that."""
    task = made(net)
    for begun in ([], [5, 4, 6, 3]):
        read = np.array([begun] * 2, dtype=np.int64)
        for best in go_on(ArrayLanguageModel(task), read, most=5, least=0, way=way, attention=True):
            for found in best:
                assert len(found.words) <= 5 and (len(found.words) == 5 or found.words[-1] == EOS)
                assert found.score == pytest.approx(forced(task, begun, list(found.words)), abs=1e-4)
                for weights in found.attention.values():
                    assert weights.shape[1:] == (len(found.words), len(begun) + len(found.words))
                    assert (np.triu(weights.mean(0), len(begun) + 1) == 0).all()  # nobody looks ahead


def test_a_wide_beam_finds_the_best():
    task = made("key-value")
    (best,) = go_on(ArrayLanguageModel(task), np.array([[4, 5]]), most=3, least=0, way=Beam(200), attention=False)
    likely = [4, 5, 6]
    every = [list(w) + e for n in range(4) for w in product(likely, repeat=n) for e in ([[EOS]] if n < 3 else [[]])]
    assert best[0].score == pytest.approx(max(forced(task, [4, 5], words) for words in every), abs=1e-4)


def test_how_far_back_by_hand():
    """Two queries at the last two of three places: the first takes 1/2 of 1 and 1/2 of 0 back, the second all of 2 back."""
    looks = Distances((1,))
    assert looks.told() == {}
    weights = np.array([[[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]]])
    looks.add(weights, np.array([[True, True]]))
    assert looks.told() == {"distance": pytest.approx(2.5 / 2), "within_1": pytest.approx(0.5)}
    looks.add(weights, np.array([[True, False]]))
    assert looks.told() == {"distance": pytest.approx(3 / 3), "within_1": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (CELLS | {"past": {"score": "additive"}}, r"model\.past\.scope: expected a scope that ends"),
        (WRITER | {"positions": "none"}, r"model\.self_attention\.scope: expected a scope that ends"),
        (
            CELLS | {"past": {"score": "additive-coverage", "scope": "window(3, 0)"}},
            r"model\.past: expected a look that does not go by",
        ),
    ],
)
def test_a_state_without_end_is_not_carried(model, text):
    values = {"task": "language", "model": model, "language": {"carry": True}}
    with pytest.raises(ConfigError, match=text):
        builder.build_language_model(read_config(values), WORDS)
    if "positions" not in model:
        builder.build_language_model(read_config(values | {"language": {"carry": False}}), WORDS)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"model": WRITER}, r"model\.positions: expected none or rotary.*received sinusoidal"),
        (
            {"model": CELLS | {"past": {"weighting": "hard"}}},
            r"model\.past\.weighting: expected a weighting that draws no places",
        ),
        ({"model": CELLS | {"encoder": "gru"}}, r"model\.encoder: expected no such key with task language"),
        ({"model": CELLS | {"attention": "dot"}}, r"model\.attention: expected no such key with task language"),
        (
            {"model": WRITER | {"positions": "learned", "max_positions": 9, "norm": "post"}, "language": {"carry": False}},
            r"language\.window: expected at most model\.max_positions \(9\)",
        ),
        (
            {"data": {"source_tokenizer": "bpe(99)"}, "language": {"min_count": 2}},
            r"language\.min_count: expected char, space or word",
        ),
    ],
)
def test_keys_that_do_not_fit(more, text):
    with pytest.raises(ConfigError, match=text):
        read_config({"task": "language", "language": {"carry": True}} | more)


@pytest.mark.parametrize("memory", ["none", "plain", "key-value-predict"])
def test_what_is_said_drops_once(memory):
    """In training, from a state of which nothing was dropped: a net with a look back is no more at the mercy of chance than one without."""
    past = {} if memory == "none" else {"past": {"score": "additive", "scope": "window(15, 0)", "memory": memory}}
    model = {"decoder": "lstm", "embedding": 8, "size": 384, "dropout": 0.5, **past}
    net = builder.build_language_model(read_config({"task": "language", "model": model}), 9).network.train()
    torch.manual_seed(0)
    said = net.write(torch.randint(1, 9, (40, 7)), net.start(40))[0].states
    assert float((said == 0).float().mean()) == pytest.approx(0.5, abs=0.01)
    inner = net.decoder.decoder if past else net.decoder
    assert (inner.dropout.below == 0) == bool(past)
