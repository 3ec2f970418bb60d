"""Each kernel against its plain twin, forward and backward, in every corner where they could part."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
import torch
from torch import Tensor

from regard.attention import Additive, Attention, kernels
from regard.attention.kernels import tanh, tanh_loops, tanh_torch
from regard.attention.score import AdditiveForm

LOOPS = {"compiled": tanh_loops, "tiled": tanh_torch}
SHAPES = {
    "primes": (2, 3, 5, 7, 11),
    "one query": (3, 1, 1, 13, 17),
    "one key": (2, 2, 9, 1, 5),
    "no key": (2, 1, 5, 0, 3),
    "no query": (2, 1, 0, 4, 3),
    "no sentence": (0, 2, 3, 4, 5),
    "several chunks": (1, 2, 2 * tanh_loops.CHUNK + 3, 3, 2),
    "several tiles": (2, 1, 9, 1031, 101),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def made_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(tanh, "_loops", lambda device: request.param)
    return request.param


def drawn(B: int, H: int, Q: int, K: int, D: int, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(B, H, Q, D) * scale, torch.randn(B, H, K, D) * scale, torch.randn(H, D) / D**0.5


def compared(query: Tensor, keys: Tensor, v: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The scores and the three gradients: the kernel's in float32, and the plain ones in float64."""

    def told(scores: Tensor, leaves: list[Tensor]) -> list[Tensor]:
        grad = torch.sin(torch.arange(scores.numel(), dtype=scores.dtype)).view(scores.shape)
        return [scores.detach(), *torch.autograd.grad(scores, leaves, grad)]

    fast, plain = ([t.to(d).requires_grad_() for t in (query, keys, v)] for d in (query.dtype, torch.float64))
    return told(tanh.tanh_scores(*fast), fast), told(AdditiveForm(*plain).scores(), plain)


def far(a: Tensor, b: Tensor) -> float:
    """The largest difference, in parts of the largest number."""
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) if b.numel() else 0.0


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_scores_and_gradients(shape, made_by):
    fast, plain = compared(*drawn(*shape))
    for ours, theirs, most in zip(fast, plain, (2e-6, 5e-6, 5e-6, 5e-6), strict=True):
        assert ours.shape == theirs.shape and far(ours, theirs) <= most


@pytest.mark.parametrize("scale", [1e-3, 0.1, 3.0, 7.0, 19.0, 30.0, 100.0])
def test_exact_at_any_size(scale, made_by):
    """Also where e^{2q} e^{2k} would overflow, and where rows of both kinds meet in one sentence."""
    query, keys, v = drawn(2, 2, 13, 11, 64, scale)
    query[:, :, ::2] /= scale
    fast, plain = compared(query.clamp(-100, 100), keys.clamp(-100, 100), v)
    for ours, theirs, most in zip(fast, plain, (2e-6, 5e-6, 5e-6, 5e-6), strict=True):
        assert far(ours, theirs) <= most


def test_opposite_giants(made_by):
    """100 against -99: each exponential overflows, their product does not."""
    query, keys = torch.full((1, 1, 5, 3), 100.0), torch.full((1, 1, 6, 3), -99.0)
    fast, plain = compared(query, keys, torch.ones(1, 3))
    assert far(fast[0], plain[0]) <= 2e-6 and far(fast[1], plain[1]) <= 5e-6


def test_what_is_no_number_comes_out_as_such(made_by):
    query, keys, v = drawn(1, 1, 5, 6, 8)
    query[0, 0, 2, 3] = torch.nan
    scores = tanh.tanh_scores(query, keys, v)
    assert scores[0, 0, 2].isnan().all() and scores[0, 0, [0, 1, 3, 4]].isfinite().all()


def test_a_pair_hangs_on_the_pair_alone(made_by):
    """A neighbour, however large, does not change a bit of it."""
    query, keys, v = drawn(2, 1, 8, 9, 16)
    alone = tanh.tanh_scores(query, keys, v)
    query[1], keys[1] = 90.0, -90.0
    assert tanh.tanh_scores(query, keys, v)[0].equal(alone[0])


def test_bfloat16_is_read_as_it_is(made_by):
    query, keys, v = drawn(2, 2, 6, 7, 32)
    fast, plain = compared(query.bfloat16(), keys.bfloat16(), v.bfloat16())
    assert fast[0].dtype == torch.float32 and far(fast[0], plain[0]) <= 2e-6
    assert all(d.dtype == torch.bfloat16 and far(d, p) <= 1e-2 for d, p in zip(fast[1:], plain[1:], strict=True))


def test_threads_do_not_change_a_bit(monkeypatch):
    monkeypatch.setattr(tanh, "_loops", lambda device: tanh_loops)
    given, before = drawn(2, 3, 300, 11, 8), torch.get_num_threads()
    try:
        told = []
        for many in (1, 2, 5):
            torch.set_num_threads(many)
            told.append(compared(*given)[0])
    finally:
        torch.set_num_threads(before)
    assert all(a.equal(b) for other in told[1:] for a, b in zip(told[0], other, strict=True))


def test_many_callers_at_once():
    """As in a server."""
    given = drawn(2, 2, 50, 20, 16)
    alone = tanh.tanh_scores(*given)
    with ThreadPoolExecutor(4) as pool:
        assert all(told.equal(alone) for told in pool.map(lambda _: tanh.tanh_scores(*given), range(20)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of threads, which are what is tested
def test_after_a_fork():
    """The threads of the parent are not there any more; the child makes its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    rows = *(t[:, 0] for t in drawn(2, 1, 80, 90, 16)[:2]), torch.ones(1, 16)
    tanh_loops.forward(*rows)
    child = os.fork()
    if child == 0:
        tanh_loops.forward(*rows)
        os._exit(7)
    torch.set_num_threads(before)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("weighting", [torch.float32, torch.bfloat16], ids=str)
def test_a_look_is_the_plain_look(weighting, made_by, monkeypatch):
    """The whole look, under autocast too: context, weights and the gradients of every parameter."""
    look = Attention(12, 10, score=Additive(12, 10, 6))
    query, source, valid = torch.randn(2, 5, 12), torch.randn(2, 7, 10), torch.arange(7)[None] < torch.tensor([[7], [4]])

    def told() -> list[Tensor]:
        with torch.autocast("cpu", weighting, enabled=weighting != torch.float32):
            reading = look(query, look.remember(source, valid), weights=True)
        return [
            reading.context.float(),
            reading.weights.float(),
            *torch.autograd.grad(reading.context.float().sin().sum(), list(look.parameters())),
        ]

    fast = told()
    monkeypatch.setattr(kernels, "_taken", lambda *_: False)
    for ours, plain in zip(fast, told(), strict=True):
        assert torch.allclose(
            ours, plain, rtol=1e-5 if weighting == torch.float32 else 0.05, atol=1e-6 if weighting == torch.float32 else 0.02
        )


def test_a_kernel_takes_what_it_should(monkeypatch):
    """Small things and float64 go the plain way where loops are not compiled; float64 always."""
    monkeypatch.setattr(tanh, "_loops", lambda device: tanh_torch)
    query, keys, _ = drawn(1, 1, 4, 4, 4)
    assert not kernels._taken(query, keys)
    monkeypatch.setattr(tanh, "_loops", lambda device: tanh_loops)
    assert kernels._taken(query, keys) and not kernels._taken(query.double(), keys.double())
