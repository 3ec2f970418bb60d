"""Law 7: looks back at one's own states, and keys apart from values, against numbers that a person can check."""

from __future__ import annotations

from math import exp, tanh
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from regard.attention import Attention, Causal, Dot, Everywhere, General, Part, Softmax, Window, key_value
from regard.attention.key_value import part_width
from regard.core.errors import ConfigError
from regard.networks.base import Decoder, DecoderOutput, EncoderOutput
from regard.networks.self_attentive_decoder import SelfAttentiveDecoder

same = torch.testing.assert_close


class At(NamedTuple):
    at: Tensor


class Repeat(Decoder):
    """Hands over what it is given: the first numbers are its state, the rest is whatever else."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def start(self, encoded):
        return At(torch.zeros(len(encoded.states), dtype=torch.long))

    def forward(self, x, state, *, weights=False):
        return DecoderOutput(x, {}), At(state.at + x.shape[1])


def wrote(decoder: SelfAttentiveDecoder, states: list[list[float]]) -> DecoderOutput:
    """All at once, and, equally, word by word."""
    x, start = (
        torch.tensor([states]),
        decoder.start(EncoderOutput(torch.zeros(1, 1, 1), torch.ones(1, 1).bool(), torch.zeros(1, 1))),
    )
    whole, end = decoder.eval()(x, start, weights=True)
    state, parts = start, []
    for word in x.split(1, 1):
        told, state = decoder(word, state)
        parts.append(told.states)
    same(torch.cat(parts, 1), whole.states)
    assert state.at.tolist() == end.at.tolist() == [len(states)]
    return whole


def earlier(width: int, scope=None, **kinds) -> Attention:
    return Attention(width, width, score=Dot(), scope=scope or Causal() & ~Window(0), **kinds)


def test_plain():
    """Handed over: [h*; 7].  h = 1, 2, -1: no past; the first alone; then weights e^-1 and e^-2 of 1 and 2.  h* = tanh(2 r - 3 h)."""
    decoder = SelfAttentiveDecoder(Repeat(2), earlier(1), 1)
    decoder.join.weight.data.copy_(torch.tensor([[2.0, -3.0]]))
    told = wrote(decoder, [[1.0, 7.0], [2.0, 7.0], [-1.0, 7.0]])
    share = exp(-1) / (exp(-1) + exp(-2))
    read = [0.0, 1.0, share + 2 * (1 - share)]
    want = [[tanh(2 * r - 3 * h), 7.0] for r, h in zip(read, (1.0, 2.0, -1.0), strict=True)]
    same(told.states[0], torch.tensor(want))
    same(told.looks["decoder.0.self"][0, 0], torch.tensor([[0, 0, 0], [1, 0, 0], [share, 1 - share, 0]]))
    assert decoder.size == 2 and decoder.join.bias is None


def test_key_value():
    """h = [k; v]: k asks and is spoken, v is read.  k = 1, 2 and v = 5, 9: at the second word r = 5, h* = tanh(W [5; 2])."""
    decoder = SelfAttentiveDecoder(Repeat(2), earlier(1), 2, parts=2)
    decoder.join.weight.data.copy_(torch.tensor([[0.1, 0.2], [-0.3, 0.0]]))
    told = wrote(decoder, [[1.0, 5.0], [2.0, 9.0]])
    same(told.states[0], torch.tensor([[tanh(0.2), 0.0], [tanh(0.5 + 0.4), tanh(-1.5)]]))


def test_key_value_predict():
    """h = [k; v; p]: k asks, v is read, p is spoken.  k = 1, 2, 1; v = 5, 9, 0: at the third word weights e, e^2 of 5 and 9."""
    decoder = SelfAttentiveDecoder(Repeat(3), earlier(1), 3, parts=3)
    decoder.join.weight.data.copy_(torch.tensor([[0.1, 0.2], [0.0, 1.0], [0.05, 0.0]]))
    told = wrote(decoder, [[1.0, 5.0, 0.5], [2.0, 9.0, 0.25], [1.0, 0.0, -1.0]])
    r = (5 * exp(1) + 9 * exp(2)) / (exp(1) + exp(2))
    same(told.states[0, 2], torch.tensor([tanh(0.1 * r - 0.2), tanh(-1.0), tanh(0.05 * r)]))


def test_general_is_the_form_of_the_notes():
    """`h_t W h_i` over earlier states, in two dimensions, by softmax."""
    torch.manual_seed(0)
    score, h = General(3, 3), torch.randn(5, 3)
    decoder = SelfAttentiveDecoder(Repeat(3), Attention(3, 3, score=score, scope=Causal() & ~Window(0)), 3)
    told = wrote(decoder, h.tolist())
    for t in range(1, 5):
        a = torch.softmax(torch.stack([h[t] @ score.w[0] @ h[i] for i in range(t)]), 0)
        same(told.states[0, t], torch.tanh(decoder.join.weight @ torch.cat([a @ h[:t], h[t]])))


def test_a_window_forgets():
    """With a reach of 2 no more than two places are kept, and the third word no longer sees the first."""
    decoder = SelfAttentiveDecoder(Repeat(1), earlier(1, Causal() & ~Window(0) & Window(1, 0)), 1)
    told = wrote(decoder, [[1.0], [2.0], [3.0]])
    same(told.looks["decoder.0.self"][0, 0], torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    start = decoder.start(EncoderOutput(torch.zeros(1, 1, 1), torch.ones(1, 1).bool(), torch.zeros(1, 1)))
    assert decoder(torch.ones(1, 9, 1), start)[1].own.valid.shape == (1, 1)


class Mixed(Softmax):
    mixes = True


@pytest.mark.parametrize(
    ("look", "parts", "told"),
    [
        (lambda: earlier(4, Everywhere()), 1, "never looks ahead; received Everywhere"),
        (lambda: earlier(4, Window(2, 1)), 1, "never looks ahead; received Window"),
        (lambda: earlier(4, weighting=Mixed()), 1, "gathers one context; received Mixed"),
        (lambda: earlier(1), 3, "states that part into 3; received a width of 4"),
    ],
)
def test_what_is_refused(look, parts, told):
    with pytest.raises(ConfigError, match=told):
        SelfAttentiveDecoder(Repeat(4), look(), 4, parts=parts)


def test_parts():
    """Of (1 2 3 4 5 6): halves, thirds, and, in two directions side by side, the first or last of each."""
    x = torch.arange(1.0, 7)[None, None]
    parts = {(0, 2): [1, 2, 3], (1, 2): [4, 5, 6], (0, 3): [1, 2], (2, 3): [5, 6]}
    for (which, of), want in parts.items():
        assert Part(which, of)(x)[0, 0].tolist() == want
    x = torch.arange(1.0, 9)[None, None]
    assert Part(0, 2, directions=2)(x)[0, 0].tolist() == [1, 2, 5, 6]
    assert Part(1, 2, directions=2)(x)[0, 0].tolist() == [3, 4, 7, 8]
    assert part_width(8, 2, directions=2) == 4
    with pytest.raises(ConfigError, match="states that part into 4; received a width of 6"):
        part_width(6, 2, directions=2)


@pytest.mark.parametrize("heads", [1, 2])
def test_key_value_attention(heads):
    """A look at whole states is one whose keys and values are told apart."""
    torch.manual_seed(0)
    look, states, query = (
        Attention(4, 3, score=None if heads > 1 else General(4, 3), heads=heads),
        torch.randn(2, 7, 6),
        torch.randn(2, 5, 4),
    )
    at = torch.zeros(2, 5, dtype=torch.long)
    want = look(query, look.remember(states[..., :3], values=states[..., 3:]), at).context
    parted = key_value(look)
    same(parted(query, parted.remember(states), at).context, want)
    assert want.shape[-1] == (3 if heads == 1 else 4)
