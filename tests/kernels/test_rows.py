"""Compiled loops over rows and values, against their plain twins: probabilities less the right word, dropout, bits of bfloat16."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from regard.ground import compiled
from regard.networks import dropout, dropout_numba, loss, loss_numba
from regard.networks.dropout import Dropout
from regard.networks.loss import chunked_cross_entropy


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 2), (70, 37), (5, 8000)])
def test_shares(kind, size):
    """The compiled loop against the plain one, in more groups than one, and against float64."""
    logits, bias, words = (torch.randn(size) * 6).to(kind), torch.randn(size[1]), torch.randint(size[1], size[:1])
    plain, quick = (made.shares(logits.clone(), bias, words, 0.9) for made in (loss, loss_numba))
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
    _, _, _, nats = loss_numba.shares(logits.clone(), torch.zeros(40), words, 1.0)
    assert nats.isfinite().tolist() == want.isfinite().tolist() == [True, abs(value) < torch.inf, True]
    torch.testing.assert_close(nats[[0, 2]], want[[0, 2]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("low", [False, True])
def test_the_loss_is_the_same_with_loops_and_without(smoothing, low, monkeypatch):
    """In chunks, with and without bfloat16, on one thread and on two."""
    monkeypatch.setattr(loss, "CELLS", 50 * 300)
    given = [torch.randn(120, 16), torch.randn(300, 16), torch.randn(300)]
    words = torch.randint(300, (120,))

    def made() -> tuple[Tensor, ...]:
        leaves = [t.clone().requires_grad_() for t in given]
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            total, nats = chunked_cross_entropy(*leaves, words, smoothing)
        return (total.detach(), nats, *torch.autograd.grad(total, leaves))

    quick = made()
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "SMALL", 1)
        patch.setattr(torch, "get_num_threads", lambda: 3)
        for one, more in zip(quick, made(), strict=True):
            assert torch.equal(one, more)
    monkeypatch.setattr(loss, "module", lambda name: None)
    for ours, theirs in zip(quick, made(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2 if low else 1e-5, atol=1e-2 if low else 1e-5)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_dropout_is_the_same_with_the_loop_and_without(kind, monkeypatch):
    """To the bit, forward and backward, also of what does not lie in one piece; and no thread changes it."""
    monkeypatch.setattr(dropout_numba, "GRAIN", 64)
    monkeypatch.setattr(compiled, "SMALL", 1)
    drawn = torch.randint(256, (300, 70), dtype=torch.uint8)
    whole = torch.randn(70, 300).to(kind)
    told = []
    for made, threads in ((dropout, 1), (dropout_numba, 1), (dropout_numba, 3)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        leaf = whole.clone().requires_grad_()
        y = made.dropped(leaf.T, drawn, 77, 256 / 179)
        y.backward(torch.full((70, 300), 1.3).T.to(kind))
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
    monkeypatch.setattr(dropout_numba, "dropped", lambda *given: None)
    assert drop(x) is None


def test_bits_of_bfloat16():
    """`wide` and `like` round as PyTorch does: every bfloat16 comes back, halfway goes to the even one."""

    @compiled.compiled
    def there_and_back(x: Any, y: Any, made: Any) -> None:
        for i in range(len(x)):
            made[i] = compiled.like(compiled.wide(x[i]) * y[i], x[i])

    every = torch.arange(2**16, dtype=torch.int32).to(torch.uint16).view(torch.bfloat16)
    every = every[every.isfinite()]
    for factor in (torch.ones(len(every)), torch.rand(len(every)) + 0.5, torch.full((len(every),), 1 + 2**-8)):
        made = torch.empty_like(every)
        there_and_back(*compiled.arrays(every, factor, made))
        assert torch.equal(made, (every.float() * factor).bfloat16())


@pytest.mark.parametrize("threads", ["OpenMP's", "ours"])
def test_work_is_spread_once_over_all_units(threads, monkeypatch):
    """Every unit once, by several threads; and what goes wrong in one of them is told."""
    if threads == "ours":
        monkeypatch.setattr(compiled, "_openmp", lambda: None)
    elif compiled._openmp() is None:
        pytest.skip("this PyTorch has no OpenMP of GNU")
    monkeypatch.setattr(compiled, "SMALL", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    done: list[tuple[int, int]] = []

    def work(first: int, last: int) -> None:
        done.append((first, last))
        if first == 0 and last == 5:
            raise ValueError("the first part")

    compiled.spread(work, 7, 100)
    assert sorted(done) == [(0, 2), (2, 4), (4, 7)]
    compiled.spread(work, 0, 100)
    assert len(done) == 3
    with pytest.raises(ValueError, match="the first part"):
        compiled.spread(work, 15, 100)


def test_work_within_work_is_done_too(monkeypatch):
    """OpenMP gives a nested call one thread, however many it asks for: what the others would have done is done by it."""
    monkeypatch.setattr(compiled, "SMALL", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    done: list[tuple[int, int, int]] = []

    def inner(n: int, first: int, last: int) -> None:
        done.append((n, first, last))

    def outer(first: int, last: int) -> None:
        for n in range(first, last):
            compiled.spread(partial(inner, n), 4, 100)

    compiled.spread(outer, 2, 100)
    assert sorted(done) == [(0, 0, 2), (0, 2, 4), (1, 0, 2), (1, 2, 4)]
