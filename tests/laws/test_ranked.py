"""Interventions that rank places: which they choose, and that nobody else in the batch has a say."""

from __future__ import annotations

import pytest
import torch

from regard.attention.interventions import WeightRows
from regard.attention.ranked import EraseLeast, EraseMost, EraseRandom, KeepMost
from regard.core.errors import ArgumentError

WEIGHTS = torch.tensor([[[[0.1, 0.4, 0.2, 0.3, 0.0]], [[0.3, 0.1, 0.5, 0.1, 0.0]]]], dtype=torch.float64)  # two heads, one row
SEEN = torch.tensor([True, True, True, True, False]).expand(1, 2, 1, 5)


def rows(weights: torch.Tensor = WEIGHTS, seen: torch.Tensor = SEEN) -> WeightRows:
    places = torch.arange(weights.shape[-1])[None]
    return WeightRows(weights, seen, torch.zeros(1, weights.shape[2], dtype=torch.long), places, True)


def changed(one, **more) -> list[list[float]]:
    return one.change(rows(**more))[0, :, 0].round(decimals=4).tolist()


def test_one_place_of_each_head_or_of_all_together():
    assert changed(EraseMost("a", head=[0, 1])) == [[0.1667, 0, 0.3333, 0.5, 0], [0.6, 0.2, 0, 0.2, 0]]
    assert changed(EraseMost("a")) == [[0.125, 0.5, 0, 0.375, 0], [0.6, 0.2, 0, 0.2, 0]]  # place 2 has most in the mean
    assert changed(EraseLeast("a", head=[0, 1])) == [[0, 0.4444, 0.2222, 0.3333, 0], [0.3333, 0, 0.5556, 0.1111, 0]]


def test_shares_are_of_the_places_in_sight_rounded_up():
    assert [sum(x > 0 for x in changed(EraseMost("a", head=0, share=share))[0]) for share in (0.01, 0.25, 0.26, 0.5, 1.0)] == [
        3,
        3,
        2,
        2,
        0,
    ]
    assert changed(KeepMost("a", head=0, share=0.5))[0] == [0, 0.5714, 0, 0.4286, 0]
    assert changed(KeepMost("a", share=1.0)) == WEIGHTS[0, :, 0].tolist()
    with pytest.raises(ArgumentError, match="EraseMost: share: expected a share"):
        EraseMost("a", share=0.0)


def test_what_is_drawn_depends_on_row_and_place_alone():
    """Padding beside it changes nothing, both heads lose the same place, and other seeds other ones."""
    wide = torch.cat([WEIGHTS, torch.zeros(1, 2, 1, 3, dtype=torch.float64)], -1)
    beside = torch.cat([SEEN, torch.zeros(1, 2, 1, 3, dtype=torch.bool)], -1)
    alone = changed(EraseRandom("a"))
    assert [row[:5] for row in changed(EraseRandom("a"), weights=wide, seen=beside)] == alone
    even = torch.full_like(WEIGHTS, 0.25) * SEEN
    gone = {tuple(changed(EraseRandom("a", seed=seed), weights=even)[0]).index(0) for seed in range(20)}
    assert gone == {0, 1, 2, 3}
    both = changed(EraseRandom("a"), weights=even)
    assert both[0] == both[1]
