"""A decoder in use, step by step through compiled loops, against the plain one: what it says, and that its state is a state."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from regard.config import Config
from regard.core.optional import module
from regard.core.state import reorder, select, tree_map
from regard.decoding.limits import Limits
from regard.decoding.ways import Beam
from regard.inference import int8, prepacked, transformer_steps
from regard.inference.array_writer import ArrayWriter
from regard.inference.int8 import quantize
from regard.inference.prepare import in_use
from regard.inference.transformer_steps import TransformerSteps
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.writing import answer
from tests.laws.test_answers import alike, sources

pytestmark = pytest.mark.skipif(module("inference.kernels.transformer_steps_loops") is None, reason="the loops were not built")
B, K, T = 5, 6, 7
LENGTHS = torch.tensor([6, 3, 0, 5, 1])  # one source has no real place
NETS = {
    "pre": {},
    "post": {"norm": "post"},
    "window": {"self_attention": {"bias": True, "scope": "window(2, 0)"}, "attention": {"bias": True}},
    "gelu": {"activation": "gelu", "tie": "output", "positions": "learned"},
    "one head": {"heads": 1, "self_attention": {"heads": 2}},
}
FOREIGN = {
    "rotary": {"positions": "rotary"},
    "additive": {"attention": "additive"},
    "sparsemax": {"self_attention": {"weighting": "sparsemax"}},
    "groups": {"self_attention": {"groups": 2}},
    "local": {"attention": {"scope": "local-m(2)"}},
    "aaren": {"family": "aaren"},
}


def made(words: dict) -> EncoderDecoder:
    torch.manual_seed(0)
    sizes = {"size": 32, "heads": 4, "feedforward": 64, "encoder_layers": 1, "decoder_layers": 2, "dropout": 0.0}
    config = Config.model_validate({"model": {"family": "transformer", **sizes, **words}})
    net = build_seq2seq(config, source_words=11, target_words=13).network.eval()
    for x in net.parameters():
        if x.dim() == 1:  # norms and biases that could be told from none
            nn.init.normal_(x, mean=0.5, std=0.3)
    return net


SOURCE = torch.randint(4, 11, (B, K), generator=torch.Generator().manual_seed(1))
WORDS = torch.randint(4, 13, (B, T), generator=torch.Generator().manual_seed(2))
VALID = torch.arange(K) < LENGTHS[:, None]


def start(net: EncoderDecoder, rows=slice(None)):
    return net.start(net.encode(SOURCE[rows], VALID[rows]), SOURCE[rows])


@torch.no_grad()
def wrote(net: EncoderDecoder, rows=slice(None), cutting=(1,) * T) -> Tensor:
    state, told = start(net, rows), []
    for words in WORDS[rows].split(list(cutting), 1):
        log_p, state = net(words, state)
        told.append(log_p)
    return torch.cat(told, 1)


@pytest.fixture(params=NETS)
def net(request: pytest.FixtureRequest) -> EncoderDecoder:
    return made(NETS[request.param])


def near(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, atol=2e-6, rtol=2e-6)


def test_it_says_what_the_plain_one_says(net):
    """A row, two, and many; a word at a time, and several."""
    want, used = wrote(net), in_use(net, B)
    assert isinstance(used.decoder, TransformerSteps) and not isinstance(net.decoder, TransformerSteps)
    for rows in (slice(0, 1), slice(2, 3), slice(1, 3), slice(0, 5)):
        for cutting in ((1,) * T, (3, 1, 2, 1), (T,)):
            near(wrote(used, rows, cutting), want[rows])


@pytest.mark.parametrize("least", [1, 2_000], ids=["all of bytes", "some of bytes"])
def test_of_bytes_it_says_what_the_plain_one_in_bytes_says(net, least, monkeypatch):
    monkeypatch.setattr(int8, "LEAST", least)
    net = quantize(net)
    want, used = wrote(net), in_use(net, B)
    assert isinstance(used.decoder, TransformerSteps)
    for rows in (slice(0, 1), slice(1, 3), slice(0, 5)):
        near(wrote(used, rows), want[rows])


@pytest.mark.parametrize("rows", [5, 70])
def test_a_step_of_a_row_is_the_same_alone(net, rows, monkeypatch):
    """To the last bit, in whatever block of rows and on whatever thread it is taken."""
    monkeypatch.setattr(prepacked, "LEAST", 1)
    used = in_use(net, rows)
    of = torch.arange(rows) % B
    with torch.no_grad():
        state = start(used, of)
        for word in WORDS[of].T[:3]:
            _, state = used(word[:, None], state)
        told = used(WORDS[of, 3:4], state)[0]
        assert all(
            used(WORDS[of[i : i + 1], 3:4], select(state, torch.tensor([i])))[0].equal(told[i : i + 1]) for i in range(rows)
        )


@torch.no_grad()
def test_rows_are_chosen_and_old_states_never_change(net, monkeypatch):
    """Laws 1 and 2, in pools that are full again and again."""
    monkeypatch.setattr(transformer_steps, "LEAST", 1)
    used, want, rows = in_use(net, B), wrote(net), torch.tensor([2, 0, 0, 1])
    for chosen in (select, reorder):
        state = start(used)
        for t in range(3):
            _, state = used(WORDS[:, t : t + 1], state)
        before = tree_map(torch.clone, state)
        kept = state.decoder.pool[state.decoder.slots].clone()
        picked = chosen(state, rows)
        for t in range(3, T):
            log_p, picked = used(WORDS[rows, t : t + 1], picked)
            near(log_p[:, 0], want[rows, t])
        other, _ = used(WORDS[:, 3:4], state)  # another heir of the same state
        near(other[:, 0], want[:, 3])
        tree_map(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), state, before)
        torch.testing.assert_close(state.decoder.pool[state.decoder.slots], kept, rtol=0, atol=0)


@torch.no_grad()
def test_a_pool_holds_little_more_than_what_rows_keep():
    net = in_use(made(NETS["window"]), 3)
    state = start(net, slice(0, 3))
    for _ in range(400):
        _, state = net(WORDS[:3, :1], state)
    assert state.decoder.slots.shape == (3, 2) and len(state.decoder.pool) <= max(transformer_steps.LEAST, 3 * 16 * 2)


def test_layers_that_see_no_equally_far():
    """What is kept is what the farthest sees; the others see less of it."""
    net = made({"self_attention": {"scope": "window(3, 0)"}})
    nearer = made({"self_attention": {"scope": "window(1, 0)"}})
    net.decoder.layers[1].own.scope = nearer.decoder.layers[1].own.scope
    near(wrote(in_use(net, B)), wrote(net))


WAYS = {"greedy": Beam(1), "beam": Beam(3, n_best=2, length_penalty=1.0)}


def answers_alike(net: EncoderDecoder, way: Beam) -> None:
    """In use, texts and attention are those of the plain net."""
    limits, batch = Limits(least=1, ratio=0.5, extra=3), sources(range(7))
    want = answer(ArrayWriter(net), batch, way=way, limits=limits, attention=True)
    for got, right in zip(answer(ArrayWriter(in_use(net, 7)), batch, way=way, limits=limits, attention=True), want, strict=True):
        alike(got, right)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_answers_and_attention_are_the_same(net, way):
    answers_alike(net, way)


@pytest.mark.parametrize("words", FOREIGN.values(), ids=FOREIGN)
def test_other_parts_go_the_plain_way(words):
    net = made(words)
    used = in_use(deepcopy(net), B)
    assert not isinstance(used.decoder, TransformerSteps)
    near(wrote(used), wrote(net))


def test_without_loops_it_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(transformer_steps, "module", lambda name: None)
    assert not isinstance(in_use(made({}), B).decoder, TransformerSteps)
