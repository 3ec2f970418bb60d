"""Aaren's compiled scan against the scan of blocks, and against the quadratic form in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.attention import Aaren, Attention, Causal, PrefixSummary, kernels
from regard.attention.kernels import prefix_loops


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def drawn(R: int, T: int, E: int) -> list[Tensor]:
    """Top, total and sum of what came before, scores, seen, values."""
    return [
        torch.randn(R),
        torch.rand(R) + 0.5,
        torch.randn(R, E),
        torch.randn(R, T) * 3,
        torch.rand(R, T) > 0.2,
        torch.randn(R, T, E),
    ]


def quadratic(top: Tensor, total: Tensor, sum: Tensor, scores: Tensor, seen: Tensor, values: Tensor) -> tuple[Tensor, ...]:
    """What prefix gives, by the table of all pairs."""
    T = scores.shape[1]
    behind = torch.ones(T, T, dtype=torch.bool).tril() & seen[:, None]
    best = torch.maximum(top[:, None], scores.masked_fill(~seen, -torch.inf).cummax(1).values).detach()
    w = (scores[:, None] - best[..., None]).masked_fill(~behind, -torch.inf).exp()
    old = (top[:, None] - best).exp()
    Z, S = w.sum(-1) + old * total[:, None], w @ values + old[..., None] * sum[:, None]
    return S / Z.where(Z > 0, 1.0)[..., None], best[:, -1], Z[:, -1], S[:, -1]


@pytest.mark.parametrize(
    "shape", [(3, 17, 5), (1, 1, 1), (2, 40, 2 * prefix_loops.WIDTH + 3), (4, 5, prefix_loops.WIDTH)], ids=str
)
def test_values_and_gradients(shape):
    def told(given: list[Tensor], prefix) -> list[Tensor]:
        leaves = [given[i].requires_grad_() for i in (1, 2, 3, 5)]
        made = prefix(given[0], leaves[0], leaves[1], leaves[2], given[4], leaves[3])
        loss = sum((m * torch.linspace(-1, 1, m.numel(), dtype=m.dtype).view_as(m)).sum() for i, m in enumerate(made) if i != 1)
        return [*made, *torch.autograd.grad(loss, leaves)]

    given = drawn(*shape)
    fast = told([t.clone() for t in given], prefix_loops.prefix)
    plain = told([t.double() if t.is_floating_point() else t for t in given], quadratic)
    for ours, theirs in zip(fast, plain, strict=True):
        assert (ours - theirs).abs().max() <= 5e-6 * theirs.abs().max().clamp(min=1e-6)


def test_the_module_reads_the_same_by_either(monkeypatch):
    look = Aaren(Attention(12, 12, scope=Causal(), heads=3), 12)
    x, valid = torch.randn(2, 50, 12), torch.arange(50) != torch.tensor([[0], [49]])
    valid[1, :3] = False

    def told() -> list[Tensor]:
        leaf, state = x.clone().requires_grad_(), look.start(x)
        first = look(leaf[:, :20], state, valid[:, :20])
        rest = look(leaf[:, 20:], first.state, valid[:, 20:], weights=True)
        whole = torch.cat([first.context, rest.context], 1)
        return [whole, *rest.state, rest.weights, *torch.autograd.grad(whole.sin().sum(), [leaf, *look.parameters()])]

    fast = told()
    monkeypatch.setattr(kernels, "prefix", lambda *_: None)
    for ours, plain in zip(fast, told(), strict=True):
        assert torch.allclose(ours, plain, rtol=1e-4, atol=2e-6)


def test_nothing_seen_reads_zeros():
    state = Aaren(Attention(4, 4, scope=Causal()), 4).start(torch.zeros(1, 1, 4))
    scores, values = torch.randn(1, 1, 5, requires_grad=True), torch.randn(1, 1, 5, 4, requires_grad=True)
    read, *left = kernels.prefix(*state, scores, torch.zeros(1, 1, 5, dtype=torch.bool), values)
    moved = torch.autograd.grad(read.sum() + left[2].sum(), [scores, values])
    assert not read.any() and not any(m.any() for m in moved)
    assert not PrefixSummary(*left).read().any()


@pytest.mark.parametrize("by", ["compiled", "blocks"])
def test_no_drift_and_rising_scores_stay_finite(by, monkeypatch):
    """32,768 places: against float64; and scores that rise to 300, which no running maximum knows beforehand."""
    if by == "blocks":
        monkeypatch.setattr(kernels, "prefix", lambda *_: None)
    N, look = 32_768, Aaren(Attention(8, 8, scope=Causal()), 8)
    x = torch.randn(1, N, 8)
    with torch.no_grad():
        read = look(x, look.start(x)).context
        scores = (x @ look.query[0]).double()[0] / 8**0.5
        w = (scores - scores.max()).exp()
        exact = (w[:, None] * x[0].double()).cumsum(0) / w.cumsum(0)[:, None]
    assert (read[0] - exact).abs().max() < 2e-6
    rising = torch.linspace(0, 300, 1024)[None, :, None] * torch.ones(8)
    rising = (rising / (look.query.detach().sum() / 8**0.5)).requires_grad_()
    context = look(rising, look.start(rising)).context
    (moved,) = torch.autograd.grad(context.sum(), rising)
    assert context.isfinite().all() and moved.isfinite().all()


def test_threads_do_not_change_a_bit():
    given, before, told = drawn(3, 30, 200), torch.get_num_threads(), []
    leaves = [given[i].requires_grad_() for i in (1, 2, 3, 5)]
    try:
        for many in (1, 2, 5):
            torch.set_num_threads(many)
            made = prefix_loops.prefix(*given)
            moved = torch.autograd.grad([made[0].sin().sum() + made[3].sum()], leaves)
            told.append([*made, *moved])
    finally:
        torch.set_num_threads(before)
    assert all(a.equal(b) for other in told[1:] for a, b in zip(told[0], other, strict=True))
