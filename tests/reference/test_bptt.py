"""Law 7: truncated back-propagation on a net that a person can unroll, and what gradients do over long lags."""

from __future__ import annotations

import pytest
import torch

from regard.core.errors import ConfigError
from regard.networks.base import EncoderOutput
from regard.networks.bptt import gradients_by_lag, segments
from regard.networks.cells import GRU, LSTM, RNN, Stack
from regard.networks.recurrent import FixedDecoder, LastState


def linear(w, v):
    """h' = w h + v x, one unit."""

    def over(x, h):
        told = []
        for x_t in x.unbind(1):
            h = w * h + v * x_t
            told.append(h)
        return torch.stack(told, 1), h

    return over


def test_a_linear_net_by_hand():
    """w = 1/2, v = 1, h_0 = 0, x = 1, 1, 1, 1: h = 1, 3/2, 7/4, 15/8.  Of the loss h_4 in w: h_3 + w h_2 + w^2 h_1 = 11/4; cut behind
    the second step h_2 is a constant, and only h_3 + w h_2 = 7/4 + 3/4 = 5/2 is left.  In v: 1 + 1/2 + 1/4 + 1/8, of which 1 + 1/2."""
    w, v = torch.tensor(0.5, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    x, h = torch.ones(1, 4, 1), torch.zeros(1, 1)
    wanted = {4: (2.75, 1.875), 2: (2.5, 1.5), 3: (1.75, 1.0), 9: (2.75, 1.875), 1: (1.75, 1.0)}
    for length, want in wanted.items():
        parts = [y for y, _ in segments(linear(w, v), x, h, length=length)]
        y = torch.cat(parts, 1)
        torch.testing.assert_close(y.flatten(), torch.tensor([1.0, 1.5, 1.75, 1.875]))
        assert [part.shape[1] for part in parts] == [min(length, 4 - at) for at in range(0, 4, length)]
        assert torch.stack(torch.autograd.grad(y[0, -1, 0], (w, v))).tolist() == pytest.approx(want)


def test_each_segment_goes_backward_before_the_next():
    """Memory need hold one segment: going backward frees it, and the next does not miss it; the gradients add up."""
    torch.manual_seed(0)
    stack = Stack([LSTM(2, 3), GRU(3, 3)])
    x, state = torch.randn(2, 7, 2), ((torch.zeros(2, 3), torch.zeros(2, 3)), torch.zeros(2, 3))
    for y, left in segments(stack.over, x, state, length=3):
        y.square().sum().backward()
        assert all(h.grad_fn is not None for h in (*left[0], left[1]))
    stepped = [p.grad.clone() for p in stack.parameters()]
    stack.zero_grad()
    torch.cat([y for y, _ in segments(stack.over, x, state, length=3)], 1).square().sum().backward()
    torch.testing.assert_close([p.grad for p in stack.parameters()], stepped)


def test_a_decoder_in_segments():
    """Its state is carried whole, position and all; the source's share is cut after the first segment."""
    torch.manual_seed(0)
    decoder = FixedDecoder(Stack([GRU(5, 3)]), LastState(), 2, begin=True, feed=True)
    source = torch.randn(1, 4, 2, requires_grad=True)
    begin = decoder.start(EncoderOutput(source, torch.ones(1, 4, dtype=torch.bool), source[:, -1]))
    x = torch.randn(1, 6, 3)
    whole, end = decoder(x, begin)
    parts = list(segments(decoder, x, begin, length=4))
    torch.testing.assert_close(torch.cat([written.states for written, _ in parts], 1), whole.states)
    assert parts[-1][1].at.tolist() == end.at.tolist() == [6]
    assert torch.autograd.grad(parts[0][0].states.sum(), source)[0].any() and not parts[1][1].source.requires_grad


def test_no_segment_is_empty():
    with pytest.raises(ConfigError, match="at least 1 step; received 0"):
        next(segments(linear(1.0, 1.0), torch.ones(1, 4, 1), torch.zeros(1, 1), length=0))


def turned(cell, scale: float):
    """The net's matrices (one a gate) are `scale` times a rotation: every singular value is `scale`."""
    size = cell.size
    rotation = torch.linalg.qr(torch.randn(size, size, dtype=cell.net.weight_hh_l0.dtype)).Q * scale
    cell.net.weight_hh_l0.data.copy_(rotation.repeat(len(cell.net.weight_hh_l0) // size, 1))
    return cell


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_an_rnn_vanishes_or_explodes_geometrically(scale):
    """At rest (x = h = 0, no bias) tanh has slope 1, so d h_T / d x_{T-k} = (s Q)^k W, whose norm is s^k |W|."""
    torch.manual_seed(0)
    cell = turned(RNN(3, 7).double(), scale)
    cell.net.bias_ih_l0.data.zero_()
    cell.net.bias_hh_l0.data.zero_()
    x, h = torch.zeros(2, 30, 3, dtype=torch.float64), torch.zeros(2, 7, dtype=torch.float64)
    norms = gradients_by_lag(cell.over, x, h)
    weight = cell.net.weight_ih_l0.norm()
    torch.testing.assert_close(norms, weight.detach() * scale ** torch.arange(30, dtype=torch.float64))
    assert cell.net.weight_ih_l0.grad is None and not x.requires_grad
    # With inputs the slopes are below 1: what vanished vanishes faster still.
    busy = gradients_by_lag(cell.over, torch.randn_like(x), h)
    assert (busy[1:] < norms[1:]).all()


def test_an_lstm_keeps_what_an_rnn_and_a_gru_lose():
    """Over 50 steps of noise: an RNN of spectral radius 0.9 is left with less than 1e-4 of the gradient, and an LSTM as it begins with
    less; with a forget bias of 5, s(5) = 0.993, with more than a third, and a GRU whose z is s(5) likewise."""
    torch.manual_seed(0)
    x, h = torch.randn(8, 51, 3), torch.zeros(8, 16)
    cells = {
        "rnn": turned(RNN(3, 16), 0.9),
        "gru": GRU(3, 16),
        "lstm": LSTM(3, 16),
        "held lstm": LSTM(3, 16),
        "held gru": GRU(3, 16),
    }
    for name in ("held lstm", "held gru"):
        cells[name].net.bias_ih_l0.data[16:32] = 5.0  # f of i, f, g, o; z of r, z, n
    norms = {name: gradients_by_lag(cell.over, x, cell.start(h)) for name, cell in cells.items()}
    left = {name: (n[50] / n[0]).item() for name, n in norms.items()}
    assert all(left[name] < 1e-4 for name in ("rnn", "gru", "lstm")), left
    assert left["held lstm"] > 1 / 3 and left["held gru"] > 1 / 3, left
