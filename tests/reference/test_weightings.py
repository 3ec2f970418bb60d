"""Law 7: weightings, against numbers that a person can check."""

from __future__ import annotations

from math import log

import pytest
import torch

from regard.attention import Hard, Softmax, Sparsemax


def taken(weighting, scores, mask=None) -> list[float]:
    mask = [True] * len(scores) if mask is None else mask
    return (
        weighting.eval()(torch.tensor(scores)[None, None, None], torch.tensor(mask)[None, None, None], None, None)
        .values.flatten()
        .tolist()
    )


def test_softmax():
    """exp of 0, ln 2, ln 5 is 1, 2, 5: eighths.  Without the last: thirds."""
    assert taken(Softmax(), [0.0, log(2), log(5)]) == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert taken(Softmax(), [0.0, log(2), log(5)], [True, True, False]) == pytest.approx([1 / 3, 2 / 3, 0])
    assert taken(Softmax(), [1000.0, 0.0]) == [1, 0]


def test_sparsemax():
    """Minus a threshold, cut at 0, sum 1.  (0.5, 0.2, -1): two stay, t = (0.7 - 1) / 2 = -0.15, so 0.65, 0.35, 0.  (2, 0.5, 0): the
    first alone, 1.  Equal ones share.  (0.5, 0.2, 0.1): all three, t = -0.2 / 3."""
    assert taken(Sparsemax(), [0.5, 0.2, -1.0]) == pytest.approx([0.65, 0.35, 0])
    assert taken(Sparsemax(), [2.0, 0.5, 0.0]) == [1, 0, 0]
    assert taken(Sparsemax(), [7.0, 7.0, 7.0, 7.0]) == [0.25] * 4
    assert taken(Sparsemax(), [0.5, 0.2, 0.1]) == pytest.approx([0.5 + 0.2 / 3, 0.2 + 0.2 / 3, 0.1 + 0.2 / 3])


def test_sparsemax_in_sight_only():
    """What is out of sight has no say, however large: (9, 0.5, 0.2) without the 9 is 0.65, 0.35; (-30, -30.5) is 0.75, 0.25."""
    assert taken(Sparsemax(), [9.0, 0.5, 0.2], [False, True, True]) == pytest.approx([0, 0.65, 0.35])
    assert taken(Sparsemax(), [5.0, -30.0, -30.5], [False, True, True]) == pytest.approx([0, 0.75, 0.25])


def test_hard_in_use_takes_the_best_in_sight():
    assert taken(Hard(), [0.0, 3.0, 1.0]) == [0, 1, 0]
    assert taken(Hard(), [0.0, 3.0, 1.0], [True, False, True]) == [0, 0, 1]
    assert taken(Hard(), [-5.0, -1e9, 1.0], [True, False, False]) == [1, 0, 0]


@pytest.mark.parametrize("weighting", [Softmax(), Sparsemax(), Hard()])
def test_with_nothing_in_sight_nothing_is_taken(weighting):
    assert taken(weighting, [1.0, 2.0], [False, False]) == [0, 0]


def test_hard_in_training_draws_as_the_softmax_says(n=20000):
    """Scores 0 and ln 3, and one out of sight: places 1/4 and 3/4 of the time (n draws: to 4 standard errors, 0.0123); a draw's
    log-probability is that of its place, ln 1/4 or ln 3/4, the entropy of each is (ln 4)/4 + 3 (ln 4 - ln 3)/4 = 0.5623."""
    torch.manual_seed(0)
    scores, mask = torch.tensor([0.0, log(3), 9.0]).expand(n, 1, 1, 3), torch.tensor([True, True, False]).expand(n, 1, 1, 3)
    values, choice = Hard().train()(scores, mask, None, None)
    assert ((values == 0) | (values == 1)).all() and (values.sum(-1) == 1).all()
    assert values.mean(0).flatten().tolist() == pytest.approx([0.25, 0.75, 0], abs=0.0123)
    want = torch.where(values[..., 0] == 1, log(1 / 4), log(3 / 4))
    torch.testing.assert_close(choice.log_prob, want)
    torch.testing.assert_close(choice.entropy, torch.full((n, 1, 1), log(4) / 4 + 3 * (log(4) - log(3)) / 4))
    values, choice = Hard().train()(scores[:3], torch.zeros(3, 1, 1, 3, dtype=torch.bool), None, None)
    assert not values.any() and not choice.log_prob.any() and not choice.entropy.any()
    assert Hard().eval()(scores, mask, None, None).choice is None
