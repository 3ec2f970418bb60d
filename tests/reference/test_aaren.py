"""Attention as a recurrent net: by hand, and equal to softmax attention with a fixed query, however it is cut, blocked and padded."""

from __future__ import annotations

from math import exp

import pytest
import torch

from regard.attention import Aaren, Additive, Attention, Causal, Cosine, Dot, General, KeyOnly, ScaledDot, Sparsemax, Window
from regard.attention.history_scores import Coverage
from regard.attention.position_scores import Alibi
from regard.attention.positions import Rotary
from regard.build import networks
from regard.config import mechanisms
from regard.core.errors import ConfigError
from regard.core.state import select, tree_map

same = torch.testing.assert_close
WITHOUT_PLACES = [w for w, k in mechanisms.SCORES.items() if not any(a.required for a in k.arguments)]


def by_hand() -> Aaren:
    """Query 1, scores 1 x h, values h."""
    aaren = Aaren(Attention(1, 1, score=Dot(), scope=Causal()), 1)
    aaren.query.data.fill_(1.0)
    return aaren


def test_by_hand():
    """h = 0, 2, -1: 0; 2 e^2 / (1 + e^2); (2 e^2 - e^-1) / (1 + e^2 + e^-1).  Kept at the end: the best score and the sums below it."""
    x = torch.tensor([[[0.0], [2.0], [-1.0]]])
    aaren = by_hand()
    run = aaren(x, aaren.start(x), weights=True)
    e2, e_1 = exp(2), exp(-1)
    want = [0, 2 * e2 / (1 + e2), (2 * e2 - e_1) / (1 + e2 + e_1)]
    same(run.context[0, :, 0], torch.tensor(want))
    same(run.weights[0, 0, 2], torch.tensor([1, e2, e_1]) / (1 + e2 + e_1))
    top, total, gathered = run.state
    same(torch.cat([top[0], total[0], gathered[0, 0]]), torch.tensor([2.0, (1 + e2 + e_1) / e2, (2 * e2 - e_1) / e2]))


def test_one_more_place():
    """The recurrence of the paper: from (top 2, total 1, sum 2), a score of 3 with value 3: total e^-1 + 1, sum 2 e^-1 + 3."""
    aaren, x = by_hand(), torch.tensor([[[2.0]], [[2.0]]])
    run = aaren(x + 1, aaren(x, aaren.start(x)).state)
    same(run.state.total, torch.full((2, 1), exp(-1) + 1))
    same(run.context, torch.full((2, 1, 1), (2 * exp(-1) + 3) / (exp(-1) + 1)))


LOOKS = {
    "general": lambda: Attention(6, 5, score=General(6, 5), scope=Causal()),
    "two heads": lambda: Attention(6, 5, score=ScaledDot(), scope=Causal(), heads=2),
    "grouped": lambda: Attention(6, 5, scope=Causal(), heads=3, groups=1, bias=True),
    "additive heads": lambda: Attention(6, 5, score=Additive(3, 3, 2, heads=2) + Cosine(), scope=Causal(), heads=2),
    "values": lambda: Attention(6, 6, score=ScaledDot(), scope=Causal()),
}


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("kind", LOOKS)
def test_scan_is_recurrence_is_softmax(kind, dtype, near):
    """All blocks, all cuttings, against Attention itself; weights too, and the same gradients."""
    torch.manual_seed(0)
    look = LOOKS[kind]().to(dtype)
    aaren = Aaren(look, 6).to(dtype)
    x = torch.randn(3, 13, 6 if kind == "values" else 5, dtype=dtype)
    reading = look(aaren.query.expand(3, 13, -1), look.remember(x), weights=True)
    grads = torch.autograd.grad(reading.context.square().sum(), [*aaren.parameters()])
    for block in (1, 2, 5, 13, 32):
        aaren.block = block
        run = aaren(x, aaren.start(x), weights=True)
        same(run.context, reading.context, atol=near, rtol=near)
        same(run.weights, reading.weights, atol=near, rtol=near)
        for got, want in zip(torch.autograd.grad(run.context.square().sum(), [*aaren.parameters()]), grads, strict=True):
            same(got, want, atol=20 * near, rtol=20 * near)
        for cutting in ([1] * 13, [4, 0, 9], [12, 1]):
            state, parts = aaren.start(x), []
            for part in x.split(cutting, 1):
                told = aaren(part, state)
                state = told.state
                parts.append(told.context)
            same(torch.cat(parts, 1), reading.context, atol=near, rtol=near)
            tree_map(lambda a, b: same(a, b, atol=10 * near, rtol=10 * near), state, run.state)


@pytest.mark.parametrize("score", WITHOUT_PLACES)
def test_every_score_word(score):
    """What depends on queries and keys alone gives the same as softmax attention; anything else is refused."""
    torch.manual_seed(0)
    look = networks.make_attention(score=score, scope="causal", query_size=6, memory_size=6, heads=2).double()
    if look.sequential or "places" in look.score.reads:
        with pytest.raises(ConfigError, match="a score of queries and keys alone"):
            Aaren(look, 6)
        return
    aaren, x = Aaren(look, 6).double(), torch.randn(2, 7, 6, dtype=torch.float64)
    same(aaren(x, aaren.start(x)).context, look(aaren.query.expand(2, 7, -1), look.remember(x)).context)


def test_it_is_torchs_own_attention():
    """One head, no projections: SDPA with the query at every place, under its causal mask."""
    torch.manual_seed(0)
    aaren, x = Aaren(Attention(6, 6, scope=Causal()), 6), torch.randn(2, 11, 6)
    want = torch.nn.functional.scaled_dot_product_attention(aaren.query.expand(2, 11, 6), x, x, is_causal=True)
    same(aaren(x, aaren.start(x)).context, want)


def test_without_a_query():
    """A key-only score asks nobody: a running pool."""
    torch.manual_seed(0)
    look = Attention(0, 5, score=KeyOnly(5), scope=Causal())
    aaren, x = Aaren(look, 0), torch.randn(2, 7, 5)
    assert len([*aaren.parameters()]) == len([*look.parameters()]) == 2
    same(aaren(x, aaren.start(x)).context, look(x[..., :0], look.remember(x)).context)


@pytest.mark.parametrize("block", [1, 3, 32])
def test_invalid_places_are_passed_by(block):
    """Wherever they lie; before the first real place zeros are read; noise there has no gradient; a batch is its rows."""
    torch.manual_seed(0)
    aaren = Aaren(Attention(6, 5, score=General(6, 5), scope=Causal()), 6, block=block).double()
    x = torch.randn(4, 7, 5, dtype=torch.float64, requires_grad=True)
    valid = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0], [0, 1, 0, 0, 1, 1, 0], [0] * 7], dtype=torch.bool)
    with torch.autograd.set_detect_anomaly(True):
        run = aaren(x * 100, aaren.start(x), valid, weights=True)
        run.context.square().sum().backward()
    assert x.grad.isfinite().all() and not x.grad[~valid].any() and run.context.isfinite().all()
    seen = valid.cumsum(1)
    for row in range(4):
        real = (x * 100)[row : row + 1, valid[row]]
        alone = aaren(real, aaren.start(real), weights=True)
        for t in range(7):
            before = alone.context[0, seen[row, t] - 1] if seen[row, t] else torch.zeros(5, dtype=torch.float64)
            same(run.context[row, t], before)
        same(run.weights[row, :, valid[row]][..., valid[row]], alone.weights[0])
        assert not run.weights[row][..., ~valid[row]].any()
        if valid[row].any():
            same(select(run.state, torch.tensor([row])), alone.state)


@pytest.mark.parametrize("step", [1e4, -1e4])
def test_rising_and_falling_scores_stay_finite(step):
    """Scores of many thousands, up or down: the best place, or the first, is all that is read; gradients are finite."""
    aaren = by_hand()
    x = (step * torch.arange(1.0, 101))[None, :, None].requires_grad_()
    run = aaren(x, aaren.start(x))
    same(run.context, x if step > 0 else x[:, :1].expand(-1, 100, -1))
    run.context.sum().backward()
    assert x.grad.isfinite().all() and x.grad.any()


def test_the_state_does_not_grow():
    """From 1 to 4,096 places: the same number of numbers.  A step from there costs what the first did."""
    aaren = Aaren(Attention(6, 6, scope=Causal(), heads=2), 6)
    x, sizes = torch.randn(2, 4096, 6), set()
    for count in (1, 2, 31, 512, 4096):
        shapes = []
        tree_map(lambda t: shapes.append(tuple(t.shape)), aaren(x[:, :count], aaren.start(x)).state)  # noqa: B023 - called at once
        sizes.add(tuple(shapes))
    assert sizes == {((2, 2), (2, 2), (2, 2, 3))}


def test_a_query_more_than_attention():
    """Feng et al. count one vector more a layer."""
    look = Attention(12, 12, scope=Causal(), heads=4)
    assert sum(p.numel() for p in Aaren(look, 12).parameters()) == 4 * 12 * 12 + 12


def test_an_old_state_never_changes():
    torch.manual_seed(0)
    aaren, x = by_hand(), torch.randn(2, 5, 1)
    old = aaren(x, aaren.start(x)).state
    before = tree_map(torch.clone, old)
    first = aaren(x, old).context
    aaren(x[:, :1], old)
    tree_map(lambda a, b: same(a, b, atol=0, rtol=0), old, before)
    same(aaren(x[[1, 1]], select(old, torch.tensor([1, 1]))).context, first[[1, 1]])


@pytest.mark.parametrize("kind", ["general", "two heads"])
def test_gradients(kind):
    torch.manual_seed(0)
    aaren = Aaren(LOOKS[kind]().double(), 6, block=2).double()
    x, valid = (
        torch.randn(2, 5, 5, dtype=torch.float64, requires_grad=True),
        torch.tensor([[0, 1, 1, 1, 1], [1, 1, 0, 1, 0]]).bool(),
    )

    def read(x: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        state = aaren(x[:, :2], aaren.start(x), valid[:, :2]).state
        return aaren(x[:, 2:], state, valid[:, 2:]).context

    assert torch.autograd.gradcheck(read, (x, aaren.query))


def test_half_precision_is_summed_in_single():
    aaren = by_hand().bfloat16()
    x = torch.ones(1, 3000, 1, dtype=torch.bfloat16)
    run = aaren(x, aaren.start(x))
    assert run.context.dtype == torch.bfloat16 and run.state.total.dtype == torch.float32
    assert run.state.total.item() == 3000 and bool((run.context == 1).all())


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (lambda: Attention(4, 4), "scope Everywhere"),
        (lambda: Attention(4, 4, scope=Window(2, 0)), "scope Window"),
        (lambda: Attention(4, 4, scope=Causal(), weighting=Sparsemax()), "weighting Sparsemax"),
        (lambda: Attention(4, 4, scope=Causal(), dropout=0.1), "dropout 0.1"),
        (lambda: Attention(4, 4, scope=Causal(), rotary=Rotary(4)), "rotary turns"),
        (lambda: Attention(4, 4, scope=Causal(), score=Dot() + Alibi(heads=1)), "score Sum, which depends on positions"),
        (lambda: Attention(4, 4, scope=Causal(), score=Dot() + Coverage(heads=1)), "look step by step"),
    ],
)
def test_what_a_constant_state_cannot_hold_is_refused(look, told):
    with pytest.raises(ConfigError, match=told):
        Aaren(look(), 4)
    with pytest.raises(ConfigError, match="block 0"):
        Aaren(Attention(4, 4, scope=Causal()), 4, block=0)
