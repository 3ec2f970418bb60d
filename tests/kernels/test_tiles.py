"""Looking tile by tile, and by PyTorch's fused attention, is the plain look: contexts, weights, gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.attention import Attention, kernels, tiling
from regard.attention import attention as floor
from regard.attention.kernels import inner
from regard.build.networks import make_attention

B, T, D = 3, 23, 8
SCOPES = [
    "everywhere",
    "causal",
    "window(3)",
    "window(5, 0)",
    "window(0, 2)",
    "causal & window(4)",
    "local-m(2)",
    "local-p(2)",
    "causal & local-p(3)",
    "window(2) | dilated(4)",
    "window(2) | global(2)",
    "causal | prefix(3)",
    "~window(2)",
]
SCORES = [
    "dot",
    "scaled",
    "additive",
    "general",
    "cosine(0.5)",
    "scaled + alibi",
    "scaled + relative(3)",
    "key-only",
    "location(max=30)",
    "additive + t5",
]
WEIGHTINGS = ["softmax", "sparsemax", "sigmoid", "entmax15"]
VALID = torch.arange(T)[None] < torch.tensor([[T], [11], [0]])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of a few queries, and PyTorch's fused attention for any number of places."""
    for name, value in (("LONG", 4), ("NARROW", 4), ("WIDE", 7)):
        monkeypatch.setattr(tiling, name, value)
    monkeypatch.setattr(floor, "LONG", 4)
    monkeypatch.setattr(inner, "LEAST", 1)


def told(look: Attention, source: Tensor, at: Tensor | None = None, weights: bool = False) -> list[Tensor]:
    """Context and weights of a look of a sequence at itself, and the gradients of everything."""
    leaf = source.clone().requires_grad_()
    reading = look(leaf, look.remember(leaf, VALID), at, weights=weights)
    loss = (reading.context * torch.linspace(-1, 1, reading.context.numel()).view_as(reading.context)).sum()
    moved = torch.autograd.grad(loss, [leaf, *look.parameters()], allow_unused=True)
    return [reading.context, *(g for g in moved if g is not None), *([reading.weights] if weights else [])]


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "LONG", 10**9)
    monkeypatch.setattr(kernels, "context", lambda *_, **__: None)
    monkeypatch.setattr(kernels, "_taken", lambda *_: False)


def made(score: str, scope: str, weighting: str, heads: int) -> Attention:
    torch.manual_seed(0)
    return make_attention(
        score=score, scope=scope, weighting=weighting, query_size=D, memory_size=D, heads=heads, project=heads > 1 or None
    ).train()


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("heads", [1, 2])
def test_every_score_and_scope(score, scope, heads, small, monkeypatch):
    look, source = made(score, scope, "softmax", heads), torch.randn(B, T, D)
    fast, shown = told(look, source), told(look, source, weights=True)
    assert fast[0].equal(shown[0]), "looking changed what is read"
    plain(monkeypatch)
    slow = told(look, source, weights=True)
    assert len(slow) == len(shown)
    for ours, theirs in zip(shown, slow, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=2e-6)
    assert not fast[0][2].any(), "a sentence without a place reads zeros"


@pytest.mark.parametrize("scope", ["everywhere", "window(3)", "causal", "local-p(2)"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting(weighting, scope, small, monkeypatch):
    look, source = made("scaled", scope, weighting, 2), torch.randn(B, T, D)
    fast = told(look, source, weights=True)
    plain(monkeypatch)
    for ours, theirs in zip(fast, told(look, source, weights=True), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("scope", ["causal", "window(3)", "window(2, 0)"])
def test_positions_of_ones_own(scope, small, monkeypatch):
    """Queries that stand elsewhere than the memory's places are compared by position, not by row."""
    look, source, at = made("scaled", scope, "softmax", 2), torch.randn(B, T, D), torch.arange(T).flip(0).expand(B, T)
    fast = told(look, source, at, weights=True)
    plain(monkeypatch)
    for ours, theirs in zip(fast, told(look, source, at, weights=True), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_tiles_leave_out_what_is_out_of_reach():
    cut = tiling.tiles(1000, 1000, (100, 0))
    assert max(t.places.stop - t.places.start for t in cut) == 100 + tiling.NARROW
    assert [t.queries.start for t in cut] == list(range(0, 1000, tiling.NARROW))
    upper = sum(
        (t.queries.stop - t.queries.start) * (t.places.stop - t.places.start) for t in tiling.tiles(4096, 4096, (float("inf"), 0))
    )
    assert upper < 0.54 * 4096**2, "half of what is causal is never touched"


def test_noise_in_padding_changes_nothing(small):
    look, source = made("scaled", "window(3)", "softmax", 2), torch.randn(B, T, D)
    noisy = torch.where(VALID[..., None], source, torch.randn_like(source) * 100)
    clean, noised = (look(s, look.remember(s, VALID)).context for s in (source, noisy))
    assert torch.allclose(clean[VALID], noised[VALID], atol=1e-6)


def test_dropout_of_weights_is_made_again_as_it_was(small):
    """Each tile is made twice, with the same draws: else the gradient would be that of another look."""
    torch.manual_seed(1)
    look = Attention(D, D, heads=2, dropout=0.5).train()
    source = torch.randn(1, T, D, requires_grad=True)

    def read(x: Tensor) -> Tensor:
        torch.manual_seed(2)
        return look(x, look.remember(x)).context.sum()

    (moved,) = torch.autograd.grad(read(source), source)
    step, along = 1e-2, torch.randn_like(source)
    with torch.no_grad():
        numeric = (read(source + step * along) - read(source - step * along)) / (2 * step)
    assert torch.allclose((moved * along).sum(), numeric, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("score", ["general", "scaled", "cosine(0.5)", "additive"])
@pytest.mark.parametrize("heads", [1, 2])
def test_under_autocast(score, heads, small, monkeypatch):
    """The backward pass comes after autocast has ended: what is made again there is made in the arithmetic of the forward pass, also
    where queries came in float32 and keys in bfloat16."""
    look, source = made(score, "window(3)", "softmax", heads), torch.randn(B, T, D)

    def narrow() -> list[Tensor]:
        leaf = source.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            context = look(leaf, look.remember(leaf, VALID)).context
        return [context.float(), *torch.autograd.grad(context.float().sin().sum(), [leaf, *look.parameters()])]

    fast = narrow()
    plain(monkeypatch)
    for ours, theirs in zip(fast, narrow(), strict=True):
        assert torch.allclose(ours, theirs, rtol=0.1, atol=0.05 * theirs.detach().abs().max().item())


def test_a_single_query_in_use(monkeypatch):
    """Without compiled loops it goes by PyTorch's attention where there are few rows and nothing is trained, and reads the same; zeros of
    nothing."""
    monkeypatch.setattr(kernels, "loops_in_use", lambda name, *given: None)
    torch.manual_seed(0)
    look, source, query = (
        make_attention(score="scaled", heads=2, query_size=D, memory_size=D),
        torch.randn(B, T, D),
        torch.randn(B, 1, D),
    )
    calls: list[int] = []
    fused = inner.F.scaled_dot_product_attention
    monkeypatch.setattr(inner.F, "scaled_dot_product_attention", lambda *given, **more: calls.append(1) or fused(*given, **more))
    plain = look(query, look.remember(source, VALID)).context
    assert not calls
    with torch.no_grad():
        context = look(query, look.remember(source, VALID)).context
    assert len(calls) == 1
    torch.testing.assert_close(context, plain.detach(), rtol=1e-5, atol=1e-6)
    assert not context[2].any()
