"""A recurrent decoder in use, a word at a time in one compiled call, against the plain one: what it says, what it hands on, and that it
leaves alone what its loops do not know."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from regard.config import Config
from regard.core.optional import module
from regard.core.state import select, tree_map
from regard.inference import int8, prepacked, recurrent_steps
from regard.inference.int8 import quantize
from regard.inference.prepare import in_use
from regard.inference.recurrent_steps import RecurrentSteps
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq_builder import build_seq2seq

from .test_stepping import WAYS, WORDS, B, T, answers_alike, near, start, wrote

pytestmark = pytest.mark.skipif(module("core.matrices_loops") is None, reason="the loops were not built")
NETS = {
    "bahdanau gru": {"decoder": "gru", "attention": "additive"},
    "bahdanau lstm": {"decoder": "lstm", "attention": "general", "decoder_layers": 2},
    "fed gru": {"decoder": "gru", "order": "luong", "attention": "additive", "decoder_layers": 3},
    "fed lstm": {"decoder": "lstm", "order": "luong", "attention": "scaled"},
    "unfed gru": {"decoder": "gru", "order": "luong", "input_feeding": False, "attention": "dot"},
    "copy": {"decoder": "gru", "attention": "additive", "head": "copy"},
}
FOREIGN = {
    "heads": {"attention": {"score": "scaled", "heads": 2}},
    "cosine": {"attention": "cosine"},
    "concat": {"attention": "concat"},
    "sparsemax": {"attention": {"score": "additive", "weighting": "sparsemax"}},
    "local": {"attention": {"score": "additive", "scope": "local-m(2)"}},
    "peephole": {"decoder": "lstm-peephole"},
    "rnn": {"decoder": "rnn"},
    "fixed": {"attention": "none"},
}


def made(words: dict) -> EncoderDecoder:
    torch.manual_seed(0)
    config = Config.model_validate({"model": {"encoder": "gru", "size": 32, "embedding": 24, "dropout": 0.0, **words}})
    net = build_seq2seq(config, source_words=11, target_words=13, twins=[*range(11), 0, 0]).network.eval()
    for x in net.parameters():
        if x.dim() == 1:  # biases that could be told from none
            nn.init.normal_(x, mean=0.2, std=0.3)
    return net


@pytest.fixture(params=NETS)
def net(request: pytest.FixtureRequest) -> EncoderDecoder:
    return made(NETS[request.param])


def test_it_says_what_the_plain_one_says(net):
    """A row, two, and many; a word at a time, and several."""
    want, used = wrote(net), in_use(net, B)
    assert isinstance(used.decoder, RecurrentSteps) and not isinstance(net.decoder, RecurrentSteps)
    for rows in (slice(0, 1), slice(2, 3), slice(1, 3), slice(0, 5)):
        for cutting in ((1,) * T, (3, 1, 2, 1), (T,)):
            near(wrote(used, rows, cutting), want[rows])


@pytest.mark.parametrize("least", [1, 2_500], ids=["all of bytes", "some of bytes"])
def test_of_bytes_it_says_what_the_plain_one_in_bytes_says(net, least, monkeypatch):
    monkeypatch.setattr(int8, "LEAST", least)
    net = quantize(net)
    want, used = wrote(net), in_use(net, B)
    assert isinstance(used.decoder, RecurrentSteps)
    for rows in (slice(0, 1), slice(1, 3), slice(0, 5)):
        near(wrote(used, rows), want[rows])


@torch.no_grad()
def test_the_state_is_that_of_the_plain_one(net):
    """So either can go on where the other stopped; and a state never changes."""
    used = in_use(net, B)
    mine, plain = start(used).decoder, start(net).decoder
    for word in WORDS[:, :3].T:
        x = net.target(word[:, None], plain.at[:, None])
        before = tree_map(torch.clone, mine)
        told, after = used.decoder(x, mine)
        tree_map(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), mine, before)
        right, plain = net.decoder(x, plain)
        near(told.states, right.states)
        tree_map(lambda a, b: torch.testing.assert_close(a, b, atol=2e-6, rtol=2e-6), after, plain)
        mine = after
    rows = torch.tensor([2, 0, 0, 1])
    x = net.target(WORDS[rows, 3:4], plain.at[rows, None])
    near(used.decoder(x, select(mine, rows))[0].states, net.decoder(x, select(plain, rows))[0].states)


@torch.no_grad()
@pytest.mark.parametrize("rows", [5, 70])
@pytest.mark.parametrize("name", ["bahdanau gru", "fed lstm"])
def test_a_step_of_a_row_is_the_same_alone(name, rows, monkeypatch):
    """To the last bit, in whatever block of rows and on whatever thread it is taken."""
    monkeypatch.setattr(prepacked, "LEAST", 1)
    used, of = in_use(made(NETS[name]), rows), torch.arange(rows) % B
    state = start(used, of)
    for word in WORDS[of].T[:3]:
        _, state = used(word[:, None], state)
    told = used(WORDS[of, 3:4], state)[0]
    assert all(used(WORDS[of[i : i + 1], 3:4], select(state, torch.tensor([i])))[0].equal(told[i : i + 1]) for i in range(rows))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_answers_and_attention_are_the_same(net, way):
    answers_alike(net, way)


def test_gradients_and_other_types_go_the_plain_way(net):
    used = in_use(net, B)
    for word, each in ((WORDS[:, :1], net), (WORDS[:, :1], used)):
        assert each(word, start(each))[0].requires_grad
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(used(WORDS[:, :1], start(used))[0], net(WORDS[:, :1], start(net))[0])


@pytest.mark.parametrize("words", FOREIGN.values(), ids=FOREIGN)
def test_other_parts_go_the_plain_way(words):
    net = made(words)
    used = in_use(deepcopy(net), B)
    assert not isinstance(used.decoder, RecurrentSteps)
    near(wrote(used), wrote(net))


def test_without_loops_it_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(recurrent_steps, "module", lambda name: None)
    assert not isinstance(in_use(made(NETS["fed gru"]), B).decoder, RecurrentSteps)
