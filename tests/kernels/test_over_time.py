"""One gradient for all steps against a sum of gradients."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from regard.config import Config
from regard.networks import recurrent, weight_gradients
from regard.networks.weight_gradients import OverTime
from regard.tasks.seq2seq_builder import build_seq2seq


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def loop(x: Tensor, linear: nn.Linear, other: Tensor) -> Tensor:
    """A weight with a bias, a part of one cut out at each step, and what no step reads in time."""
    h = x[:, 0]
    for t in range(x.shape[1]):
        h = torch.tanh(linear(h) + F.linear(x[:, t], other[:, 2:]))
    return h


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_gradients(kind):
    """In float32 and float64, and in bfloat16 by autocast, where one product is nearer to the truth than a sum of rounded ones."""
    low = kind == torch.bfloat16
    x = torch.randn(3, 7, 4, dtype=torch.float32 if low else kind)
    linear, other = nn.Linear(4, 4).to(x.dtype), torch.randn(4, 6, dtype=x.dtype)
    told = []
    for steps in (0, 7, 20, 3):  # the usual way; as many as are used; more; fewer: the rest goes the usual way
        leaves = (x.clone().requires_grad_(), other.clone().requires_grad_(), linear.weight, linear.bias)
        with torch.autocast("cpu", torch.bfloat16, enabled=low), OverTime(steps):
            y = loop(leaves[0], linear, leaves[1])
        told.append((y.detach(), *torch.autograd.grad(y.float().square().sum(), leaves)))
    for made in told[1:]:
        for ours, theirs in zip(made, told[0], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=2e-2 if low else 1e-5, atol=3e-2 if low else 1e-5)


def test_a_graph_that_is_kept_gives_the_same_gradient_again():
    x, linear, other = torch.randn(2, 5, 4), nn.Linear(4, 4), torch.randn(4, 6)
    with OverTime(5):
        y = loop(x, linear, other).sum()
    first = torch.autograd.grad(y, linear.weight, retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(y, linear.weight)[0], first)


def test_steps_that_lead_nowhere_count_for_nothing():
    linear = nn.Linear(3, 3)
    with OverTime(4):
        kept = [linear(torch.randn(2, 3)) for _ in range(4)][2]
    want = torch.autograd.grad(linear(torch.ones(2, 3)).sum(), linear.bias)[0]
    assert torch.equal(torch.autograd.grad(kept.sum(), linear.bias)[0], want)


def test_without_gradients_nothing_is_kept():
    linear, steps = nn.Linear(3, 3), OverTime(4)
    with torch.no_grad():
        steps = OverTime(4)
        with steps:
            linear(torch.ones(1, 3))
    assert not steps.uses


@pytest.mark.parametrize("order", ["bahdanau", "luong"])
def test_decoders_take_it(order, monkeypatch):
    """The gradients of a whole recurrent net, with and without; and it is there."""
    words = {
        "encoder": "bigru",
        "decoder": "gru",
        "embedding": 8,
        "size": 8,
        "attention": "additive",
        "order": order,
        "dropout": 0.0,
    }
    net = build_seq2seq(Config.model_validate({"model": words}), source_words=9, target_words=9).network
    source, target = torch.randint(4, 9, (3, 6)), torch.randint(4, 9, (3, 5))
    used = []

    class Counted(OverTime):
        def __exit__(self, *told: object) -> None:
            used.append(len(self.uses))
            super().__exit__(*told)

    def gradients() -> list[Tensor]:
        state = net.start(net.encode(source, torch.ones_like(source, dtype=torch.bool)), source)
        total, _, _ = net.loss(target, target, torch.ones_like(target, dtype=torch.bool), state)
        return list(torch.autograd.grad(total, list(net.parameters())))

    monkeypatch.setattr(weight_gradients, "OverTime", Counted)
    ours = gradients()
    assert used[0] >= 3  # the fed share of the gates, the state's, the look's, and Luong's join
    monkeypatch.setattr(recurrent, "over_time", lambda steps: nullcontext())
    for one, other in zip(ours, gradients(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
