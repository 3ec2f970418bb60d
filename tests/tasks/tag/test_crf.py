"""The chain against the sum over all sequences."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from regard.tasks.tag.crf import ChainCRF
from regard.tasks.tag.tag_paths import best_path, path_log_p


@pytest.fixture
def chain() -> ChainCRF:
    torch.manual_seed(0)
    made = ChainCRF(3, never=[(0, 2), (3, 1)]).double()  # no 2 after 0, no 1 at the start
    torch.nn.init.normal_(made.steps)
    return made


def scored(chain: ChainCRF, scores: torch.Tensor, tags: tuple[int, ...]) -> torch.Tensor:
    steps, N = chain.steps + chain.barred, chain.tags
    path = sum(scores[t, tag] for t, tag in enumerate(tags))
    return path + sum(steps[a, b] for a, b in zip((N, *tags), (*tags, N), strict=True))


def best_of(chain: ChainCRF, scores: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(best_path(scores.numpy(), chain.transitions.detach().numpy(), valid.numpy()))


def test_in_use_it_says_the_same(chain):
    """What numpy sums is what training sums: in float32 and float64, of every length, of a row without any place too."""
    for kind, near in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        scores, tags = torch.randn(4, 6, 3, dtype=kind) * 9, torch.randint(3, (4, 6))
        valid = torch.arange(6) < torch.tensor([[6], [3], [1], [0]])
        told = path_log_p(scores.numpy(), chain.transitions.detach().numpy(), tags.numpy(), valid.numpy())
        assert told.dtype == scores.numpy().dtype
        np.testing.assert_allclose(told, chain.log_p(scores, tags, valid).detach().numpy(), rtol=near, atol=near)
    assert path_log_p(np.zeros((2, 0, 3)), np.zeros((4, 4)), np.zeros((2, 0), int), np.zeros((2, 0), bool)).tolist() == [0, 0]
    assert best_path(np.zeros((2, 0, 3)), np.zeros((4, 4)), np.zeros((2, 0), bool)).shape == (2, 0)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_probabilities_and_the_best(chain, length):
    K = 4
    scores, valid = torch.randn(1, K, 3, dtype=torch.float64), (torch.arange(K) < length)[None]
    every = list(product(range(3), repeat=length))
    paths = torch.stack([scored(chain, scores[0], tags) for tags in every])
    exact = paths.log_softmax(0)
    for tags, log_p in zip(every, exact, strict=True):
        row = torch.tensor([[*tags, *[1] * (K - length)]])  # what stands in padding is nobody's
        assert torch.allclose(chain.log_p(scores, row, valid)[0], log_p)
    best = best_of(chain, scores, valid)[0].tolist()
    assert tuple(best[:length]) == every[int(paths.argmax())] and not any(best[length:])
    assert 2 not in [b for a, b in pairwise(best[:length]) if a == 0] and best[0] != 1


def test_rows_do_not_know_each_other(chain):
    scores, tags = torch.randn(3, 5, 3, dtype=torch.float64), torch.randint(3, (3, 5))
    valid = torch.arange(5) < torch.tensor([[5], [2], [0]])
    together = chain.log_p(scores, tags, valid)
    alone = torch.cat(
        [
            chain.log_p(scores[i : i + 1, : max(1, n)], tags[i : i + 1, : max(1, n)], valid[i : i + 1, : max(1, n)])
            for i, n in enumerate((5, 2, 0))
        ]
    )
    assert torch.allclose(together, alone) and together[2] == 0
    noisy = torch.where(valid[..., None], scores, torch.randn_like(scores) * 100)
    assert best_of(chain, noisy, valid).equal(best_of(chain, scores, valid)) and torch.allclose(
        chain.log_p(noisy, tags, valid), together
    )


def test_gradients(chain):
    scores = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    tags, valid = torch.tensor([[0, 1, 2], [2, 2, 0]]), torch.tensor([[True] * 3, [True, False, False]])
    assert torch.autograd.gradcheck(lambda s: chain.log_p(s, tags, valid), (scores,))
    (moved,) = torch.autograd.grad(chain.log_p(scores, tags, valid).sum(), chain.steps)
    assert moved.isfinite().all() and moved.any()


def test_a_tag_that_nothing_leads_to():
    """Its sum has no terms: the logarithm stays finite, and so do the gradients."""
    chain = ChainCRF(3, never=[(before, 2) for before in (0, 1, 2, 3)])
    scores = torch.zeros(1, 4, 3, requires_grad=True)
    valid, tags = torch.ones(1, 4, dtype=torch.bool), torch.tensor([[0, 1, 1, 0]])
    log_p = chain.log_p(scores, tags, valid)
    assert torch.allclose(log_p, torch.tensor([-4 * math.log(2.0)]))  # two tags a place are left
    log_p.sum().backward()
    assert scores.grad is not None and scores.grad.isfinite().all() and chain.steps.grad.isfinite().all()
    assert chain.log_p(scores, tags + 1, valid) < -5000


@pytest.mark.parametrize("gap", [1.0, 30.0, 80.0])
def test_scores_far_apart(gap):
    """In float32 as in float64, and as the sum taken term by term, where one way is all but impossible."""
    torch.manual_seed(2)
    chain, N, K = ChainCRF(5, never=[(0, 3), (5, 4)]), 5, 6
    torch.nn.init.normal_(chain.steps)
    scores, valid = torch.randn(2, K, N) * gap, torch.ones(2, K, dtype=torch.bool)
    steps = (chain.steps + chain.barred).double()
    total = steps[N, :N] + scores[:, 0].double()
    for t in range(1, K):
        total = torch.logsumexp(total[:, :, None] + steps[:N, :N], 1) + scores[:, t].double()
    total = torch.logsumexp(total + steps[:N, N], 1)
    for tags in (best_of(chain, scores, valid), torch.ones(2, K, dtype=torch.long)):
        path = sum(scores[range(2), t, tags[:, t]].double() for t in range(K))
        path = path + steps[N, tags[:, 0]] + steps[tags[:, -1], N] + sum(steps[tags[:, t - 1], tags[:, t]] for t in range(1, K))
        expected = path - total
        for made in (chain.log_p(scores, tags, valid), chain.log_p(scores.double(), tags, valid)):
            torch.testing.assert_close(made.double(), expected, rtol=1e-6, atol=1e-6)
