"""Law 7: monotonic weightings.  Scores of 0 are a probability of 1/2; three places are enough to see everything."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import log

import pytest
import torch

from regard.attention import AttentionHistory, Memory, Monotonic, MonotonicSoft
from regard.attention.monotonic import arrived
from regard.attention.weighting import Weighting
from regard.build.networks import make_weighting

same = torch.testing.assert_close


def looks(weighting: Weighting, scores, mask=None) -> torch.Tensor:
    """The weights "Q K" of one look after the other; scores: "Q K"."""
    scores = torch.as_tensor(scores, dtype=torch.float64)
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else torch.tensor(mask).expand_as(scores)
    K, taken = scores.shape[1], []
    none, at = torch.zeros(1, 1, K, dtype=torch.float64), torch.arange(K)[None]
    memory = Memory(
        None, none[..., None], torch.ones(1, K, dtype=torch.bool), at, AttentionHistory(none, none, torch.zeros_like(at))
    )
    for row, seen in zip(scores, mask, strict=True):
        values = weighting(row[None, None, None], seen[None, None, None], memory, at[:, :1]).values
        memory = memory.after(values[:, :, 0])
        taken.append(values[0, 0, 0])
    return torch.stack(taken)


def enumerated(scores) -> torch.Tensor:
    """The same by all ways of looking: places that never go back, each with the probability that it was taken and all between the
    last one and it were not.  What is left is the chance of nothing."""
    p, (Q, K) = torch.sigmoid(scores), scores.shape
    share = torch.zeros_like(scores)
    for looked in range(1, Q + 1):
        for way in combinations_with_replacement(range(K), looked):
            chance, last = torch.ones((), dtype=scores.dtype), 0
            for i, place in enumerate(way):
                chance = chance * p[i, place] * (1 - p[i, last:place]).prod()
                last = place
            share[looked - 1, way[-1]] += chance
    return share


def test_expected_by_hand():
    """All 1/2.  First look: 1/2, 1/4, 1/8.  Second: q = 1/2, then 1/2 1/2 + 1/4 = 1/2, then 1/2 1/2 + 1/8 = 3/8; half of that each."""
    got = looks(MonotonicSoft().eval(), [[0.0] * 3] * 2)
    assert got.tolist() == [pytest.approx([1 / 2, 1 / 4, 1 / 8]), pytest.approx([1 / 4, 1 / 4, 3 / 16])]


def test_the_offset_by_hand():
    """r = ln 3, scores 0: 3/4; first look 3/4, 3/16."""
    assert looks(make_weighting(f"monotonic-soft({log(3)})").eval(), [[0.0, 0.0]])[0].tolist() == pytest.approx([3 / 4, 3 / 16])
    weighting = make_weighting("monotonic(-4)", heads=3)
    assert weighting.r.shape == (3, 1) and (weighting.r == -4).all() and not Monotonic().r.any()


@pytest.mark.parametrize(("steps", "places"), [(1, 1), (1, 5), (3, 3), (4, 4), (5, 2)])
def test_expected_is_the_mean_over_all_ways(steps, places):
    scores = 2 * torch.randn(steps, places, dtype=torch.float64, generator=torch.Generator().manual_seed(steps))
    same(looks(MonotonicSoft().eval(), scores), enumerated(scores))


def test_expected_is_the_closed_form():
    """Raffel et al. 2017, appendix C.1: a = p cumprod(1 - p) cumsum(a' / cumprod(1 - p)), products without their own place."""
    scores = torch.randn(4, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    last, got = torch.eye(13, dtype=torch.float64)[0], looks(MonotonicSoft().eval(), scores)
    for row, taken in zip(torch.sigmoid(scores), got, strict=True):
        passed = torch.cat([torch.ones(1, dtype=torch.float64), (1 - row).cumprod(0)[:-1]])
        last = row * passed * (last / passed).cumsum(0)
        same(taken, last)


@pytest.mark.parametrize("p", [0.01, 0.5, 0.99])
def test_long_sources_lose_no_digits(p, K=1000):
    """In float32, where the closed form would divide by 0.01^1000: against the recurrence itself in float64."""
    stay, came = torch.full((1, 1, K), 1 - p), torch.rand(1, 1, K, generator=torch.Generator().manual_seed(0))
    q, want = 0.0, []
    for a, b in zip(torch.cat([torch.zeros(1), stay[0, 0, :-1]]).double().tolist(), came[0, 0].double().tolist(), strict=True):
        q = a * q + b
        want.append(q)
    same(arrived(stay, came)[0, 0].double(), torch.tensor(want, dtype=torch.float64), rtol=1e-5, atol=0)


def test_hard_in_use():
    """The first place from the last one on that scores 0 or more.  Look 1 passes place 0 for good; look 3 may take the same again;
    look 4 finds nothing, and from then on there is nothing."""
    scores = [[-1, 2, 3, -9], [5, -1, 1, 2], [5, 5, 0, 2], [9, 9, -1, -1], [9, 9, 9, 9]]
    got = looks(Monotonic().eval(), scores)
    assert got.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_nothing_taken_yet_is_not_nothing_taken():
    """A first look that finds nothing has come to the end, though nothing was taken before it either."""
    assert not looks(Monotonic().eval(), [[-1.0, -1.0], [9.0, 9.0], [9.0, 9.0]]).any()


@pytest.mark.parametrize("seed", range(20))
def test_hard_is_expected_where_all_is_sure(seed):
    scores = 200 * torch.randn(6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).sign()
    mask = torch.rand(6, 7, generator=torch.Generator().manual_seed(seed)) > 0.3
    hard, soft = (looks(kind.eval(), scores, mask.tolist()) for kind in (Monotonic(), MonotonicSoft()))
    same(hard, soft)
    assert not (hard * ~mask).any() and (hard.sum(-1) <= 1).all()


def test_out_of_sight_is_passed_by():
    """Place 0 cannot be taken, and keeps nothing: 1/2 at place 1, 1/4 at 2."""
    got = looks(MonotonicSoft().eval(), [[9.0, 0.0, 0.0]], [False, True, True])
    assert got[0].tolist() == pytest.approx([0, 1 / 2, 1 / 4])
    assert not looks(MonotonicSoft().eval(), [[9.0, 0.0]] * 2, [False, False]).any()


@pytest.mark.parametrize("kind", [Monotonic, MonotonicSoft])
def test_in_training_scores_are_noisy(kind, n=20000):
    """By a normal of mean 0 and variance 1 (to 4 standard errors), each place its own; the first place tells: p = a."""
    torch.manual_seed(0)
    none, at = torch.zeros(n, 1, 2), torch.zeros(n, 2, dtype=torch.long)
    memory = Memory(None, none[..., None], torch.ones(n, 2, dtype=torch.bool), at, AttentionHistory(none, none, at))
    taken = kind().train()(torch.full((n, 1, 1, 2), 0.3), torch.ones(n, 1, 1, 2, dtype=torch.bool), memory, at[:, :1]).values
    noise = torch.logit(taken[:, 0, 0, 0]) - 0.3
    assert abs(noise.mean()) < 4 / n**0.5 and abs(noise.var() - 1) < 4 * (2 / n) ** 0.5
    second = torch.logit(taken[:, 0, 0, 1] / (1 - taken[:, 0, 0, 0])) - 0.3
    assert abs(torch.corrcoef(torch.stack([noise, second]))[0, 1]) < 4 / n**0.5


def test_gradients_by_differences():
    scores = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weighting = MonotonicSoft().double().eval()
    assert torch.autograd.gradcheck(lambda z: looks(weighting, z, [True, False, True, True]), scores)


def test_the_past_is_carried_by_select_and_growth():
    """Rows are chosen with their past; a place that is added later has none."""
    none, at = torch.zeros(2, 1, 3), torch.arange(3).expand(2, 3)
    memory = Memory(
        (), none[..., None], torch.ones(2, 3, dtype=torch.bool), at, AttentionHistory(none, none, torch.zeros_like(at))
    )
    taken = torch.tensor([[[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]])
    after = memory.after(taken)
    assert after.past.looks.tolist() == [[1, 1, 1]] * 2 and not memory.past.looks.any()
    grown = after.extend(memory)
    assert grown.past.looks.tolist() == [[1, 1, 1, 0, 0, 0]] * 2 and grown.past.last[0].flatten().tolist() == [0, 1, 0, 0, 0, 0]
    one = grown.latest(4).past
    assert one.looks.tolist() == [[1, 0, 0, 0]] * 2
