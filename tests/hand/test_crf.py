"""The chain against the sum over all sequences."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch

from regard.networks.crf import ChainCRF


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
    best = chain.best(scores, valid)[0].tolist()
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
    assert chain.best(noisy, valid).equal(chain.best(scores, valid)) and torch.allclose(chain.log_p(noisy, tags, valid), together)


def test_gradients(chain):
    scores = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    tags, valid = torch.tensor([[0, 1, 2], [2, 2, 0]]), torch.tensor([[True] * 3, [True, False, False]])
    assert torch.autograd.gradcheck(lambda s: chain.log_p(s, tags, valid), (scores,))
    (moved,) = torch.autograd.grad(chain.log_p(scores, tags, valid).sum(), chain.steps)
    assert moved.isfinite().all() and moved.any()
