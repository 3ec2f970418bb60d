"""Law 6: sparse weightings are those of the package `entmax`, outputs and gradients; gumbel is PyTorch's own, draw for draw."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from regard.attention import Entmax, Entmax15, Gumbel, Sparsemax
from regard.attention.sparse import entmax

same = torch.testing.assert_close
reference = pytest.mark.usefixtures("package")


@pytest.fixture
def package() -> None:
    pytest.importorskip("entmax", reason="parity needs the package entmax")


def scores(spread: float, shift: float = 0.0, shape: tuple[int, ...] = (2, 3, 5, 11)) -> torch.Tensor:
    return (shift + spread * torch.randn(*shape)).requires_grad_()


def seen(z: torch.Tensor) -> torch.Tensor:
    mask = torch.rand(z.shape[0], 1, *z.shape[2:]) > 0.3
    mask[..., 0] = True
    return mask


@reference
@pytest.mark.parametrize("spread", [0.01, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("shift", [0.0, -50.0, 1e6])
def test_entmax15(spread, shift):
    """The package solves it exactly, by sorting; what is out of sight it gets as -inf."""
    from entmax import entmax15

    z = scores(spread, shift)
    mask = seen(z)
    got, want = Entmax15()(z, mask, None, None).values, entmax15(z.masked_fill(~mask, -1e12), dim=-1)
    near = 1e-9 if shift < 1e6 else 1e-5  # at 1e6 the package's own sums of squares have no more digits
    same(got, want, atol=near, rtol=0)
    g = torch.randn_like(z)
    same(*(torch.autograd.grad((p * g).sum(), z)[0] for p in (got, want)), atol=near, rtol=0)


@reference
@pytest.mark.parametrize("spread", [0.01, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("alpha", [1.05, 1.25, 1.5, 1.9, 2.0])
def test_entmax(alpha, spread):
    """The package halves intervals; gradients for the scores and for alpha."""
    from entmax import entmax_bisect

    z, a = scores(spread), torch.full((3, 1, 1), alpha, requires_grad=True)
    mask = seen(z)
    got = entmax(z, mask, a)
    want = entmax_bisect(z.masked_fill(~mask, -1e12), a.expand(2, 3, 5, 1), dim=-1, n_iter=100)
    same(got, want, atol=1e-10, rtol=0)
    g = torch.randn_like(z)
    for mine, theirs in zip(*(torch.autograd.grad((p * g).sum(), (z, a)) for p in (got, want)), strict=True):
        same(mine, theirs, atol=1e-7 * theirs.abs().max().item() + 1e-9, rtol=0)


@reference
def test_learned_alpha():
    """Through a: the gradient is the package's, times 0.99 sigmoid'(a)."""
    from entmax import entmax_bisect

    weighting, z = Entmax(1.3, heads=3).double(), scores(1.0)
    with torch.no_grad():
        weighting.a += torch.randn(3, 1, 1)
    mask, g = seen(z), torch.randn_like(z)
    alpha = 1.01 + 0.99 * torch.sigmoid(weighting.a)
    want = entmax_bisect(z.masked_fill(~mask, -1e12), alpha.expand(2, 3, 5, 1), dim=-1, n_iter=100)
    got = weighting(z, mask, None, None).values
    same(got, want)
    same(*(torch.autograd.grad((p * g).sum(), weighting.a)[0] for p in (got, want)))


@pytest.mark.parametrize("alpha", [1.1, 1.5, 1.9])
def test_entmax_gradients_by_differences(alpha):
    z, a = scores(0.7, shape=(1, 2, 3, 5)), torch.full((2, 1, 1), alpha, requires_grad=True)
    mask = torch.tensor([True, True, False, True, True]).expand(1, 1, 3, 5)
    assert torch.autograd.gradcheck(lambda z, a: entmax(z, mask, a), (z, a))


def test_alpha_of_2_is_sparsemax():
    z = scores(1.0)
    mask, g = seen(z), torch.randn_like(z)
    got, want = entmax(z, mask, torch.full((1, 1, 1), 2.0)), Sparsemax()(z, mask, None, None).values
    same(got, want)
    same(*(torch.autograd.grad((p * g).sum(), z)[0] for p in (got, want)))


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_gumbel(temperature):
    """F.gumbel_softmax(hard=True) from the same generator: the same places, the same gradients."""
    z = scores(1.0)
    weighting, g = Gumbel(temperature).train(), torch.randn_like(z)
    torch.manual_seed(5)
    got = weighting(z, torch.ones_like(z, dtype=torch.bool), None, None).values
    torch.manual_seed(5)
    want = F.gumbel_softmax(z, temperature, hard=True)
    same(got, want)
    same(*(torch.autograd.grad((p * g).sum(), z)[0] for p in (got, want)))


@pytest.mark.parametrize("weighting", [Entmax15(), Entmax(), Entmax(1.05), Gumbel()])
def test_low_precision_stays_near(weighting):
    """bfloat16 scores: each row sums to 1, as in single precision."""
    z = (3 * torch.randn(2, 2, 4, 40)).bfloat16()
    mask = torch.arange(40) < 33
    got = weighting(z, mask.expand(2, 1, 4, 40), None, None).values
    assert (got.double().sum(-1) - 1).abs().max() < 1e-5 and not got[..., 33:].any()
