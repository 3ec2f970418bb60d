"""Compiled loops over rows and values, against their plain twins: probabilities less the right word, dropout, bits of bfloat16."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from regard.networks import dropout, loss
from regard.networks.dropout import Dropout
from regard.networks.kernels import dropout_loops, loss_loops
from regard.networks.loss import chunked_cross_entropy


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 2), (70, 37), (5, 8000)])
def test_shares(kind, size):
    """The compiled loop against the plain one, in more groups than one, and against float64."""
    logits, bias, words = (torch.randn(size) * 6).to(kind), torch.randn(size[1]), torch.randint(size[1], size[:1])
    plain, quick = (made.shares(logits.clone(), bias, words, 0.9) for made in (loss, loss_loops))
    for ours, theirs in zip(quick, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2 if ours.dtype == torch.bfloat16 else 2e-6, atol=2e-6)
    exact = logits.double() + bias
    p = exact.softmax(-1)
    p[torch.arange(len(p)), words] -= 0.9
    for made in (plain, quick):
        d, sums, lse, nats = made
        torch.testing.assert_close(d.double(), p, rtol=4e-3 if kind == torch.bfloat16 else 3e-6, atol=1e-6)
        torch.testing.assert_close(sums.double(), p.sum(0), rtol=3e-6, atol=3e-6)
        torch.testing.assert_close(lse.double(), exact.logsumexp(-1), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(nats.double(), F.cross_entropy(exact, words, reduction="none"), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38, -1e38])
def test_what_is_not_finite_is_told(value):
    """A logit that broke down breaks its row's loss, and no other row's; one that is only huge does not."""
    logits = torch.randn(3, 40)
    logits[1, 7] = value
    words = torch.tensor([1, 2, 3])
    want = F.cross_entropy(logits, words, reduction="none")
    _, _, _, nats = loss_loops.shares(logits.clone(), torch.zeros(40), words, 1.0)
    assert nats.isfinite().tolist() == want.isfinite().tolist() == [True, abs(value) < torch.inf, True]
    torch.testing.assert_close(nats[[0, 2]], want[[0, 2]])


@pytest.mark.parametrize("size", [(1, 1), (3, 15), (5, 64), (7, 8000), (2, 3, 130)])
def test_log_softmax(size):
    x = torch.randn(size) * 8
    exact = x.double().log_softmax(-1)
    torch.testing.assert_close(loss_loops.log_softmax(x.clone()).double(), exact, rtol=1e-6, atol=1e-5)
    forbidden = x.clone()
    forbidden[..., :-1:3] = -torch.inf
    torch.testing.assert_close(loss_loops.log_softmax(forbidden.clone()), forbidden.log_softmax(-1), rtol=1e-6, atol=1e-5)
    alone = torch.cat([loss_loops.log_softmax(row.clone()[None]) for row in x.view(-1, size[-1])])
    assert torch.equal(alone, loss_loops.log_softmax(x.clone()).view(-1, size[-1]))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_row_that_broke_down_says_so(value):
    x = torch.randn(3, 100)
    x[1, 70] = value
    made = loss_loops.log_softmax(x.clone())
    assert made.isnan().any(1).tolist() == x.log_softmax(-1).isnan().any(1).tolist() == [False, True, False]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("low", [False, True])
def test_the_loss_is_the_same_with_loops_and_without(smoothing, low, monkeypatch):
    """In chunks, with and without bfloat16, on one thread and on two."""
    monkeypatch.setattr(loss, "CELLS", 100 * 300)  # so many that they are shared
    given = [torch.randn(220, 16), torch.randn(300, 16), torch.randn(300)]
    words = torch.randint(300, (220,))

    def made() -> tuple[Tensor, ...]:
        leaves = [t.clone().requires_grad_() for t in given]
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            total, nats = chunked_cross_entropy(*leaves, words, smoothing)
        return (total.detach(), nats, *torch.autograd.grad(total, leaves))

    quick = made()
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 3)
        for one, more in zip(quick, made(), strict=True):
            assert torch.equal(one, more)
    monkeypatch.setattr(loss, "module", lambda name: None)
    for ours, theirs in zip(quick, made(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2 if low else 1e-5, atol=1e-2 if low else 1e-5)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_dropout_is_the_same_with_the_loop_and_without(kind, monkeypatch):
    """To the bit, forward and backward, also of what does not lie in one piece; and no thread changes it."""
    monkeypatch.setattr(dropout_loops, "GRAIN", 64)
    drawn = torch.randint(256, (300, 270), dtype=torch.uint8)  # so many that they are shared
    whole = torch.randn(270, 300).to(kind)
    told = []
    for made, many in ((dropout, 1), (dropout_loops, 1), (dropout_loops, 3)):
        monkeypatch.setattr(torch, "get_num_threads", lambda many=many: many)
        leaf = whole.clone().requires_grad_()
        y = made.apply_dropout(leaf.T, drawn, 77, 256 / 179)
        y.backward(torch.full((270, 300), 1.3).T.to(kind))
        told.append((y.detach(), leaf.grad))
    for y, grad in told[1:]:
        assert torch.equal(y, told[0][0]) and torch.equal(grad, told[0][1])
    assert float((told[0][0] == 0).double().mean()) == pytest.approx(77 / 256, abs=0.02)


def test_dropout_takes_the_loop(monkeypatch):
    """Above LEAST values, and draws the same either way."""
    x, drop = torch.randn(dropout.LEAST), Dropout(0.3).train()
    torch.manual_seed(1)
    quick = drop(x)
    monkeypatch.setattr(dropout, "LEAST", 10**9)
    torch.manual_seed(1)
    assert torch.equal(drop(x), quick)
    monkeypatch.setattr(dropout, "LEAST", 0)
    monkeypatch.setattr(dropout_loops, "apply_dropout", lambda *given: None)
    assert drop(x) is None


def test_bits_of_bfloat16():
    """They are rounded as by PyTorch: every bfloat16 comes back, halfway goes to the even one; what is not a number stays that."""
    every = torch.arange(2**16, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16)
    kept = torch.full(every.shape, 255, dtype=torch.uint8)
    for factor in (1.0, 1 + 2**-8, 1 + 3 * 2**-8, 0.7311, 2**-120):
        made, want = dropout_loops.apply_dropout(every, kept, 1, factor), (every.float() * factor).bfloat16()
        finite = every.isfinite()
        assert torch.equal(made[finite].view(torch.int16), want[finite].view(torch.int16))
        assert torch.equal(made.isnan(), want.isnan()) and torch.equal(made.isinf(), want.isinf())
