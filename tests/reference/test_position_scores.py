"""Law 7: scores by position, against numbers that a person can check."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

import pytest
import torch

from regard.attention import T5, Alibi, Attention, Dot, Location, Relative, ScaledDot, Score, T5Causal
from regard.attention.position_scores import _slopes
from regard.core.errors import ConfigError, DataError


def scores(score: Score, query, at: int, places, *, heads: int = 1, valid=None) -> list[list[float]]:
    """One query at `at`, for each head."""
    valid = torch.tensor([[True] * len(places) if valid is None else valid])
    memory = Attention(1, 1).remember(torch.zeros(1, len(places), 1), valid, torch.tensor([places]))
    query = torch.tensor(query).expand(1, heads, 1, -1)
    keys = torch.zeros(1, heads, len(places), query.shape[-1])
    prepared = score.prepare(keys, memory.at)
    assert prepared.shape == (1, heads, len(places), 0)
    return score(query, replace(memory, keys=prepared), torch.tensor([[at]]))[0, :, 0].tolist()


def test_location():
    """W q = (1*1 + 2*0, 1*3 - 2*1, 2*2) = (1, 1, 4), read at places 2, 0, 1: 4, 1, 1; another query, (1, 0): 0, 1, 3."""
    score = Location(2, max=3)
    score.w.data.copy_(torch.tensor([[[1.0, 0.0], [3.0, -1.0], [0.0, 2.0]]]))
    assert scores(score, [1.0, 2.0], 9, [2, 0, 1]) == [[4, 1, 1]]
    assert scores(score, [1.0, 0.0], 0, [2, 0, 1]) == [[0, 1, 3]]


def test_location_refuses_what_is_longer():
    """A real place at max or beyond; padding may stand anywhere."""
    score = Location(2, max=3)
    with pytest.raises(DataError, match=r"location: expected at most 3 places; received 4 places\. Cut .* a larger max\."):
        scores(score, [1.0, 2.0], 0, [2, 3])
    assert len(scores(score, [1.0, 2.0], 0, [2, 3], valid=[True, False])[0]) == 2


def test_alibi():
    """Two heads: slopes 2^-4 and 2^-8.  A query at 3 looks at 0, 2, 3 and 5: 3, 1, 0 and 2 away, whichever way."""
    want = [[-3 / 16, -1 / 16, 0, -2 / 16], [-3 / 256, -1 / 256, 0, -2 / 256]]
    assert scores(Alibi(heads=2), [1.0], 3, [0, 2, 3, 5], heads=2) == want


@pytest.mark.parametrize(
    ("heads", "exponents"),
    [
        (1, [8]),
        (4, [2, 4, 6, 8]),
        (8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (3, [4, 8, 2]),  # those of 2, then every other one of 4: 2, 6
        (6, [2, 4, 6, 8, 1, 3]),  # those of 4, then of 8: 1, 3, 5, 7
        (12, [1, 2, 3, 4, 5, 6, 7, 8, 0.5, 1.5, 2.5, 3.5]),
    ],
)
def test_slopes(heads, exponents):
    """2^-x: a geometric row where the heads are a power of two, else as in the authors' code."""
    assert _slopes(heads) == pytest.approx([2**-x for x in exponents])


def test_relative():
    """max = 1, vectors (1, 0), (0, 1), (2, 5) for before, here, after; q = (3, 4) at place 2: q.a / sqrt 2 is 3, 4 and 26 over sqrt 2.
    Places further than 1 away count as 1 away."""
    score = Relative(2, max=1)
    score.table.data.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 5.0]]))
    (got,) = scores(score, [3.0, 4.0], 2, [0, 1, 2, 3, 7])
    assert got == pytest.approx([x / sqrt(2) for x in (3, 3, 4, 26, 26)])


def test_scaled_and_relative_is_shaw():
    """q . (h + a) / sqrt D: with q = (3, 4) at 0, h = (1, 1) at 1 and a = (2, 5): (3*3 + 4*6) / sqrt 2."""
    score = ScaledDot() + Relative(2, max=1)
    score.terms[1].table.data[2] = torch.tensor([2.0, 5.0])
    memory = Attention(2, 2).remember(torch.zeros(1, 1, 2), at=torch.ones(1, 1, dtype=torch.long))
    memory = replace(memory, keys=score.prepare(torch.ones(1, 1, 1, 2), memory.at))
    got = score(torch.tensor([[[[3.0, 4.0]]]]), memory, torch.zeros(1, 1, dtype=torch.long))
    assert got.item() == pytest.approx(33 / sqrt(2))


def test_t5():
    """t5(8, 16): four buckets each way: distances 0, 1, then two growing by sqrt 8 from 2: 2..5, and from 2 sqrt 8 = 5.66 on.
    Ahead they are the four above.  The numbers here are 10 times the bucket's, and 100 more for the second head."""
    score = T5(8, 16, heads=2)
    score.table.data.copy_(10 * torch.arange(8.0) + torch.tensor([[0.0], [100.0]]))
    places = [0, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 99]
    want = [30, 30, 20, 20, 20, 10, 0, 50, 60, 60, 60, 70, 70]
    assert scores(score, [1.0], 9, places, heads=2) == [want, [x + 100 for x in want]]


def test_t5_causal():
    """t5-causal(4, 8): distances 0, 1, then 2..3 and 4 on (a factor of 2); what is ahead counts as here."""
    score = T5Causal(4, 8)
    score.table.data.copy_(10 * torch.arange(4.0)[None])
    assert scores(score, [1.0], 9, [0, 4, 5, 6, 7, 8, 9, 10, 99]) == [[30, 30, 30, 20, 20, 10, 0, 0, 0]]


def test_t5_refusals():
    for buckets in (2, 7):
        with pytest.raises(ConfigError, match="an even number of buckets, at least 4"):
            T5(buckets)
    for made in (lambda: T5(32, 8), lambda: T5Causal(32, 16)):
        with pytest.raises(ConfigError, match="a distance beyond the single ones"):
            made()


def test_biases_add_to_any_score():
    """dot 2*3 = 6 and 2*5 = 10 at places 0 and 4, seen from 1: alibi of one head takes 1/256 and 3/256."""
    score = Dot() + Alibi()
    memory = Attention(1, 1).remember(torch.zeros(1, 2, 1), at=torch.tensor([[0, 4]]))
    memory = replace(memory, keys=score.prepare(torch.tensor([[[[3.0], [5.0]]]]), memory.at))
    assert score(torch.tensor([[[[2.0]]]]), memory, torch.tensor([[1]])).flatten().tolist() == [6 - 1 / 256, 10 - 3 / 256]


def test_the_further_the_less():
    """A look by alibi alone, at values 0 and 1 that lie 0 and 256 ln 3 ~ 281 away: weights nearly 3/4 and 1/4."""
    look = Attention(1, 1, score=Alibi())
    memory = look.remember(torch.tensor([[[0.0], [1.0]]]), at=torch.tensor([[0, round(256 * log(3))]]))
    assert look(torch.ones(1, 1, 1), memory, torch.zeros(1, 1, dtype=torch.long)).context.item() == pytest.approx(0.25, abs=1e-3)
