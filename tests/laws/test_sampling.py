"""Laws 3 and 5 for draws: keyed by (seed, sentence, draw, step), and distributed as the model says."""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import sqrt

import numpy as np
import pytest
import torch

from regard.decoding.sampling import sample
from regard.decoding.search import Bounds

from .steps import TensorSteps

pytestmark = pytest.mark.usefixtures("float64")
START, STOP, NEVER, LETTERS = 1, 2, (0, 1, 3), (4, 5, 6)
KEYS = [11, 2**63 + 5, 7, 0]


def chain(row_count: int = 4):
    """A model where the next word depends on the sentence (its state) and on the word before."""
    table = 1.2 * torch.randn(row_count, 7, 7, generator=torch.Generator().manual_seed(3))

    def step(words, rows):
        return table[rows, words].log_softmax(-1), rows

    return step, table.log_softmax(-1)


def draw(rows, keys, *, most=2, least=0, **how):
    step, _ = chain()
    bounds = Bounds(START, STOP, NEVER, np.array([most] * len(rows)), least)
    return sample(TensorSteps(step), torch.tensor(rows), bounds=bounds, keys=keys, **{"seed": 1, **how})


def expected(row: int, *, most: int = 2, cut=lambda p: p) -> dict[tuple[int, ...], float]:
    """The probability of every string, each step renormalised over what may be drawn."""
    _, log_p = chain()
    told = {}
    for n in range(most + 1):
        for letters in product(LETTERS, repeat=n):
            share, last = 1.0, START
            for i, word in enumerate((*letters, STOP)):
                p = log_p[row, last].exp()
                p[list(NEVER)] = 0.0
                p = cut(p / p.sum()) if i < most else torch.eye(7)[STOP]
                share, last = share * float(p[word]), word
            told[*letters, STOP] = share
    assert sum(told.values()) == pytest.approx(1)
    return told


def close(drawn: Counter, want: dict[tuple[int, ...], float]) -> None:
    """Chi-square, within 4 standard deviations of its mean; what cannot be is not drawn."""
    count, possible = drawn.total(), {s: p for s, p in want.items() if p > 0}
    assert set(drawn) <= set(possible)
    freedom = len(possible) - 1
    chi = sum((drawn[s] - count * p) ** 2 / (count * p) for s, p in possible.items())
    assert freedom - 4 * sqrt(2 * freedom) < chi < freedom + 4 * sqrt(2 * freedom), chi


def sharper(p):
    return p**2 / (p**2).sum()


def flatter(p):
    return p**0.5 / (p**0.5).sum()


def best_two(p):
    kept = p * (p >= p.topk(2).values[-1])
    return kept / kept.sum()


def nucleus(p):
    """The fewest that hold 0.6 of all."""
    kept, held = torch.zeros_like(p), 0.0
    for i in p.argsort(descending=True).tolist():
        if held < 0.6:
            kept[i] = p[i]
        held += float(p[i])
    return kept / kept.sum()


@pytest.mark.parametrize(
    ("how", "cut"),
    [
        ({}, lambda p: p),
        ({"temperature": 0.5}, sharper),
        ({"temperature": 2.0}, flatter),
        ({"top_k": 2}, best_two),
        ({"top_p": 0.6}, nucleus),
        ({"top_k": 2, "temperature": 2.0}, lambda p: best_two(flatter(p))),
        ({"top_p": 0.6, "temperature": 0.5}, lambda p: nucleus(sharper(p))),
        ({"top_k": 99, "top_p": 1.0}, lambda p: p),
    ],
    ids=["plain", "sharper", "flatter", "two", "nucleus", "two of flatter", "nucleus of sharper", "cuts that cut nothing"],
)
def test_draws_are_distributed_as_the_model_says(how, cut, count=1500):
    by_draw = draw([1], [5], count=count, **how)[0]
    close(Counter(f.words for f in by_draw), expected(1, cut=cut))


def test_draws_of_many_sentences_and_of_many_seeds_are_independent(count=1000):
    by_key = draw([1] * count, range(count))
    close(Counter(f.words for found in by_key for f in found), expected(1))
    by_seed = [draw([1], [5], seed=seed)[0][0].words for seed in range(count)]
    close(Counter(by_seed), expected(1))
    first, second = (Counter(f[0].words for f in draw([1] * count, range(count), seed=s)) for s in (1, 2))
    assert first != second


def test_scores_are_the_models_own():
    """Without temperature or cuts, and not renormalised; the likeliest draw first."""
    _, log_p = chain()
    for row, found in enumerate(draw([0, 1, 2, 3], KEYS, count=5, temperature=3.0, top_k=3)):
        assert [f.score for f in found] == sorted((f.score for f in found), reverse=True) and len(found) == 5
        for f in found:
            path = zip((START, *f.words), f.words, strict=False)
            assert f.score == pytest.approx(sum(float(log_p[row, a, b]) for a, b in path))


def test_randomness_belongs_to_the_sentence():
    """The same draws alone, in a batch, in another order; more draws keep those that were."""
    whole = draw([0, 1, 2, 3], KEYS, count=3)
    for order in ([2], [3, 1], [1, 0, 3, 2]):
        assert draw(order, [KEYS[i] for i in order], count=3) == [whole[i] for i in order]
    for few, many in zip(whole, draw([0, 1, 2, 3], KEYS, count=6), strict=True):
        assert not Counter(few) - Counter(many)
    assert len({f.words for f in draw([0], [1], count=8)[0]}) > 1
    again, other, seed = draw([0], [1], count=9), draw([0], [2], count=9), draw([0], [1], count=9, seed=2)
    assert again == draw([0], [1], count=9) and again != other and again != seed


def test_lengths_stay_within_their_bounds():
    for least, most in ((0, 0), (1, 2), (2, 2), (0, 4)):
        for found in draw([0, 1, 2, 3], KEYS, count=20, least=least, most=most):
            assert {len(f.words) - 1 for f in found} <= set(range(least, most + 1)), (least, most)
            assert all(set(f.words[:-1]) <= set(LETTERS) and f.words[-1] == STOP for f in found)


def test_a_vanishing_temperature_is_greedy():
    _, log_p = chain()
    for row, (found,) in enumerate(draw([0, 1, 2, 3], KEYS, temperature=1e-6, most=3)):
        last = START
        for i, word in enumerate(found.words):
            likely = log_p[row, last].clone()
            likely[list(NEVER)] = -torch.inf
            assert word == (int(likely.argmax()) if i < 3 else STOP)
            last = word
