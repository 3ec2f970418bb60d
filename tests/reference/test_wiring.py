"""Law 7: how the recurrent decoders are wired, by value: everything has width 1 and its own weight, so that no two inputs can be
exchanged, dropped or taken from another step without another number coming out."""

from __future__ import annotations

from math import exp, tanh

import pytest
import torch
from torch import nn

from regard.attention import Attention, Dot
from regard.build.cells import make_reader
from regard.config import ModelSection
from regard.core.errors import ConfigError
from regard.networks.base import EncoderOutput
from regard.networks.cells import LSTM, RNN, Stack
from regard.networks.recurrent import (
    BahdanauDecoder,
    Bridge,
    FixedDecoder,
    LastState,
    LuongDecoder,
    TransformedAll,
    TransformedLast,
)

STATES, FINAL, WORDS = [1.0, 3.0], 0.5, [0.7, -0.4]  # the source's states, its final state, two words; a third state is padding


def encoded() -> EncoderOutput:
    valid = torch.tensor([[True, True, False]])
    return EncoderOutput(torch.tensor([[[h] for h in (*STATES, 99.0)]]), valid, torch.tensor([[FINAL]]))


def look(s: float) -> float:
    """Dot scores of state s, softmax, and what they gather."""
    weights = [exp(s * h) for h in STATES]
    return sum(w * h for w, h in zip(weights, STATES, strict=True)) / sum(weights)


def put(module: nn.Linear, *weights: float, bias: float) -> None:
    module.weight.data.copy_(torch.tensor([weights]))
    module.bias.data.fill_(bias)


def cell(*weights: float, back: float = 0.5, bias: float = 0.1) -> RNN:
    made = RNN(len(weights), 1)
    for parameter, values in zip(made.net.parameters(), (weights, (back,), (bias,), (0.0,)), strict=True):
        parameter.data.copy_(torch.tensor(values).view_as(parameter))
    return made


def wrote(decoder, steps: int = 2) -> tuple[list[list[float]], list[list[float]]]:
    """What was handed over at each step, and the weights of each look, all at once (and, equally, step by step)."""
    decoder.eval()
    words = torch.tensor([[[w] for w in WORDS[:steps]]])
    whole, _ = decoder(words, decoder.start(encoded()), weights=True)
    state, parts = decoder.start(encoded()), []
    for t in range(steps):
        told, state = decoder(words[:, t : t + 1], state)
        parts.append(told.states)
    torch.testing.assert_close(torch.cat(parts, 1), whole.states)
    cross = whole.looks.get("decoder.0.cross")
    return whole.states[0].tolist(), [] if cross is None else cross[0, 0].tolist()


def close(got, want) -> None:
    torch.testing.assert_close(torch.tensor(got), torch.tensor(want), atol=2e-6, rtol=0)


def test_dropout_stands_between_the_layers_of_an_encoder():
    """PyTorch warns of one that stands behind the last layer alone; our own cells have it in the same place."""
    for cell, layers, share in (("bilstm", 2, 0.3), ("bilstm", 1, 0.0), ("lstm-peephole", 2, 0.3)):
        model = ModelSection(encoder=cell, encoder_layers=layers, dropout=0.3, size=5, embedding=3)
        assert make_reader(model, 3).dropout == share


def test_bridge():
    """tanh(2 * 0.5 + 0.3) for the lower cell and tanh(-1 * 0.5 + 0.2) for the upper; an LSTM's memory begins at 0."""
    stack = Stack([RNN(1, 1), LSTM(1, 1)])
    bridge = Bridge(1, stack)
    bridge.linear.weight.data.copy_(torch.tensor([[2.0], [-1.0]]))
    bridge.linear.bias.data.copy_(torch.tensor([0.3, 0.2]))
    below, (above, memory) = bridge(torch.tensor([[FINAL]]), stack)
    close([below.item(), above.item(), memory.item()], [tanh(1.3), tanh(-0.3), 0.0])


def test_bahdanau():
    """s0 = tanh(2 * 0.5).  At each step: c from s BEFORE the step; s' = tanh(0.3 c - 0.8 y + 0.5 s + 0.1); over goes [s'; c; y]."""
    decoder = BahdanauDecoder(Stack([cell(0.3, -0.8)]), Attention(1, 1, score=Dot()), 1)
    put(decoder.bridge.linear, 2.0, bias=0.0)
    s, want, looks = tanh(1.0), [], []
    for y in WORDS:
        c, e = look(s), exp(s * 3.0) / (exp(s) + exp(s * 3.0))
        looks.append([1 - e, e, 0.0])
        s = tanh(0.3 * c - 0.8 * y + 0.5 * s + 0.1)
        want.append([s, c, y])
    got, seen = wrote(decoder)
    close(got, want)
    close(seen, looks)
    assert decoder.size == 3


@pytest.mark.parametrize("feed", [True, False])
def test_luong(feed):
    """s0 = tanh(2 * 0.5).  s' = tanh(-0.8 y + 0.3 f + 0.5 s + 0.1), f what was handed over last, at first 0 (without feeding: never);
    c from s' AFTER the step; over goes f' = tanh(0.6 c - 1.5 s' + 0.2)."""
    inputs = (-0.8, 0.3) if feed else (-0.8,)
    decoder = LuongDecoder(Stack([cell(*inputs)]), Attention(1, 1, score=Dot()), 1, feed=feed)
    put(decoder.bridge.linear, 2.0, bias=0.0)
    put(decoder.join, 0.6, -1.5, bias=0.2)
    s, f, want, looks = tanh(1.0), 0.0, [], []
    for y in WORDS:
        s = tanh(-0.8 * y + (0.3 * f if feed else 0.0) + 0.5 * s + 0.1)
        c, e = look(s), exp(s * 3.0) / (exp(s) + exp(s * 3.0))
        looks.append([1 - e, e, 0.0])
        f = tanh(0.6 * c - 1.5 * s + 0.2)
        want.append([f])
    got, seen = wrote(decoder)
    close(got, want)
    close(seen, looks)
    assert decoder.size == 1


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize("feed", [True, False])
def test_fixed(begin, feed):
    """The context 0.5 is the bridge's (s0 = tanh(2 * 0.5), else 0), the input's (s' = tanh(0.3 * 0.5 - 0.8 y + 0.5 s + 0.1), and then
    handed over too), or both's."""
    inputs = (0.3, -0.8) if feed else (-0.8,)
    if not (begin or feed):
        with pytest.raises(ConfigError, match="state, input or both"):
            FixedDecoder(Stack([cell(*inputs)]), LastState(), 1, begin=begin, feed=feed)
        return
    decoder = FixedDecoder(Stack([cell(*inputs)]), LastState(), 1, begin=begin, feed=feed)
    if begin:
        put(decoder.bridge.linear, 2.0, bias=0.0)
    s, want = tanh(1.0) if begin else 0.0, []
    for y in WORDS:
        s = tanh((0.3 * FINAL if feed else 0.0) - 0.8 * y + 0.5 * s + 0.1)
        want.append([s, FINAL] if feed else [s])
    got, seen = wrote(decoder)
    close(got, want)
    assert not seen and decoder.size == len(want[0])


def test_the_fixed_contexts():
    """The last state 0.5; tanh(3 * 0.5 - 0.1); tanh(3 * mean(1, 3) - 5.9) = tanh 0.1 without the padding; of nothing, tanh(-5.9)."""
    last, every = TransformedLast(1), TransformedAll(1)
    put(last.linear, 3.0, bias=-0.1)
    put(every.linear, 3.0, bias=-5.9)
    close([m(encoded()).item() for m in (LastState(), last, every)], [FINAL, tanh(1.4), tanh(0.1)])
    nothing = EncoderOutput(torch.tensor([[[99.0]]]), torch.tensor([[False]]), torch.zeros(1, 1))
    close(every(nothing).item(), tanh(-5.9))


def test_the_top_cell_looks():
    """Two cells: the query is the upper state, before the step in Bahdanau's order (tanh of the second half of the bridge)."""
    decoder = BahdanauDecoder(Stack([cell(0.3, -0.8), cell(0.9)]), Attention(1, 1, score=Dot()), 1)
    decoder.bridge.linear.weight.data.copy_(torch.tensor([[2.0], [-1.0]]))
    decoder.bridge.linear.bias.data.zero_()
    below, above = tanh(1.0), tanh(-0.5)
    c = look(above)
    below = tanh(0.3 * c - 0.8 * WORDS[0] + 0.5 * below + 0.1)
    above = tanh(0.9 * below + 0.5 * above + 0.1)
    close(wrote(decoder, 1)[0], [[above, c, WORDS[0]]])
