"""Law 7: sparse weightings, against numbers that a person can check."""

from __future__ import annotations

import pytest
import torch

from regard.attention import Entmax, Entmax15, Sparsemax
from regard.attention.sparse import entmax
from regard.core.errors import ConfigError


def taken(weighting, scores, mask=None) -> list[float]:
    mask = [True] * len(scores) if mask is None else mask
    scores = torch.tensor(scores, dtype=torch.float64)[None, None, None]
    return weighting.double().eval()(scores, torch.tensor(mask)[None, None, None], None, None).values.flatten().tolist()


def of_alpha(alpha: float, scores) -> list[float]:
    z = torch.tensor(scores, dtype=torch.float64)[None, None, None]
    return entmax(z, torch.ones_like(z, dtype=torch.bool), torch.full((1, 1, 1), alpha, dtype=torch.float64)).flatten().tolist()


def test_entmax15():
    """(z/2 - t)^2 sums to 1.  0.8^2 + 0.6^2 = 1: halves that differ by 0.2, so scores by 0.4; t = 0.2 - 0.8 = -0.6, and what scores
    -1.2 or less gets nothing.  (2/3)^2 twice and (1/3)^2 is 1: scores that differ by 2/3."""
    assert taken(Entmax15(), [0.4, 0.0]) == pytest.approx([0.64, 0.36])
    assert taken(Entmax15(), [0.4, 0.0, -1.3])[2] == 0 and taken(Entmax15(), [0.4, 0.0, -1.1])[2] > 0
    assert taken(Entmax15(), [2 / 3, 2 / 3, 0.0, -5.0]) == pytest.approx([4 / 9, 4 / 9, 1 / 9, 0])
    assert taken(Entmax15(), [7.0] * 4) == pytest.approx([0.25] * 4)
    assert taken(Entmax15(), [3.0, 0.9]) == [1, 0]  # two apart and more: one place alone


def test_entmax_of_other_alphas():
    """alpha = 1.25: (z/4 - t)^4 sums to 1.  Bases in the ratio 2 : 1 share 16 : 1, (1/17)^(1/4) apart, so scores four times that.
    alpha = 2 is sparsemax; near 1 it is softmax."""
    assert of_alpha(1.25, [4 * 17**-0.25, 0.0]) == pytest.approx([16 / 17, 1 / 17])
    assert of_alpha(2.0, [0.5, 0.2, -1.0]) == pytest.approx([0.65, 0.35, 0])
    softmax = torch.tensor([1.0, 0.0, -1.0, -3.0]).softmax(-1).tolist()
    assert of_alpha(1.0001, [1.0, 0.0, -1.0, -3.0]) == pytest.approx(softmax, rel=2e-3)


def test_in_sight_only():
    """What is out of sight has no say, however large; nothing in sight takes nothing."""
    for weighting in (Entmax15(), Entmax()):
        assert taken(weighting, [9.0, 0.4, 0.0], [False, True, True]) == pytest.approx([0, 0.64, 0.36])
        assert taken(weighting, [9.0, -30.0, -30.4], [False, True, True]) == pytest.approx([0, 0.64, 0.36])
        assert taken(weighting, [1.0, 2.0], [False, False]) == [0, 0]


def test_alpha_begins_where_it_is_told_and_each_head_has_its_own():
    assert Entmax().alpha.tolist() == [[[pytest.approx(1.5)]]]
    two = Entmax(1.25, heads=2)
    assert two.alpha.flatten().tolist() == pytest.approx([1.25, 1.25])
    with torch.no_grad():
        two.a[1] = 40.0
    scores = torch.tensor([4 * 17**-0.25, 0.0]).expand(1, 2, 1, 2)
    got = two(scores, torch.ones(1, 1, 1, 2, dtype=torch.bool), None, None).values
    assert got[0, 0, 0].tolist() == pytest.approx([16 / 17, 1 / 17]) and got[0, 1, 0].tolist() == [1, 0]


@pytest.mark.parametrize("alpha", [1.0, 1.01, 2.0, 3.0, float("nan")])
def test_an_alpha_beyond_is_refused(alpha):
    with pytest.raises(ConfigError, match="write softmax for 1, sparsemax for 2"):
        Entmax(alpha)


@pytest.mark.parametrize("a", [-40.0, -5.0, 0.0, 5.0, 40.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_learned_alphas_stay_finite(a, dtype):
    """At both ends of their range, with scores large and equal, in single and half precision, and with rows that see nothing."""
    weighting = Entmax(heads=2)
    with torch.no_grad():
        weighting.a.fill_(a)
    scores = torch.tensor([[0.0, 0.0, 0.0], [1e4, -1e4, 0.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]], dtype=dtype).expand(2, 2, 4, 3)
    mask = torch.tensor([[True, True, True], [True, True, True], [True, True, False], [False, False, False]]).expand(2, 1, 4, 3)
    scores = scores.clone().requires_grad_()
    got = weighting(scores, mask, None, None).values
    torch.testing.assert_close(got.sum(-1), mask.any(-1).float().expand(2, 2, 4), atol=1e-5, rtol=0)
    (got * torch.randn_like(got)).sum().backward()
    assert scores.grad.isfinite().all() and weighting.a.grad.isfinite().all()
    assert not scores.grad[:, :, 3].any() and not scores.grad[:, :, 2, 2].any()
    if a == 0:
        assert weighting.a.grad.all()


@pytest.mark.parametrize("weighting", [Sparsemax(), Entmax15(), Entmax(1.2)])
def test_no_row_hangs_on_another(weighting):
    """Rows of very different spread, alone and together: each is solved in its own number of rounds."""
    scores = torch.randn(6, 1, 1, 50, dtype=torch.float64) * torch.logspace(-3, 3, 6)[:, None, None, None]
    mask = torch.rand(6, 1, 1, 50) > 0.2
    together = weighting.double()(scores, mask, None, None).values
    for i in range(6):
        alone = weighting.double()(scores[i : i + 1], mask[i : i + 1], None, None).values
        torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-13, atol=0)
