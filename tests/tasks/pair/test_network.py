"""Two texts matched, by hand, and figures of numbers against SciPy."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from regard.attention.attention import Attention
from regard.attention.score import Dot
from regard.metrics.correlation import number_figures, pearson, ranks
from regard.networks.base import Encoder, EncoderOutput
from regard.tasks.pair.demo_data import LABELS, SHOWN, claims
from regard.tasks.pair.layers import Matcher, NoAlignment, SoftAlignment, others
from regard.tasks.pair.network import BinnedRegression, Classification, SquaredRegression
from regard.tasks.pair.ratings import Scale
from regard.tasks.pair.section import PairSection


class Same(Encoder):
    """Hands over what it is given."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x, valid, *, weights=False):
        return EncoderOutput(
            x, valid, x[:, 0], looks={"0.self": x.new_ones(len(x), 1, x.shape[1], x.shape[1])} if weights else {}
        )


def align(size: int, inner: int) -> SoftAlignment:
    return SoftAlignment(Attention(size, size, score=Dot()), size, inner)


def test_the_other_text():
    x = torch.arange(6)[:, None]
    assert others(x)[:, 0].tolist() == [3, 4, 5, 0, 1, 2] and torch.equal(others(others(x)), x)


def test_alignment_by_hand():
    """Of the first text (1, 0), (0, 1) and the second (2, 0): the second has one word, so both find (2, 0)."""
    made = align(2, 8)
    with torch.no_grad():
        made.compare.weight.copy_(torch.eye(8))
        made.compare.bias.zero_()
    states = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [9.0, 9.0]]])
    valid = torch.tensor([[True, True], [True, False]])
    found, looks = made(states, valid, weights=True)
    assert looks["align"].shape == (2, 1, 2, 2)
    torch.testing.assert_close(looks["align"][0, 0], torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    # [a; a~; a - a~; a * a~], what is below 0 cut off
    torch.testing.assert_close(found[0, 0], torch.tensor([1.0, 0, 2, 0, 0, 0, 2, 0]))
    torch.testing.assert_close(found[0, 1], torch.tensor([0.0, 1, 2, 0, 0, 1, 0, 0]))
    # the second text's word scores 2 and 0 against (1, 0) and (0, 1)
    share = torch.tensor([2.0, 0.0]).softmax(0)
    torch.testing.assert_close(looks["align"][1, 0, 0], share)
    torch.testing.assert_close(found[1, 0, 2:4], share)


def test_pooled_by_hand():
    """Mean and maximum of each, then both, their difference without its sign, and their product."""
    matcher = Matcher(NoAlignment(2, 2), None)
    with torch.no_grad():
        matcher.align.compare.weight.copy_(torch.eye(2))
        matcher.align.compare.bias.zero_()
    states = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[5.0, 1.0], [7.0, 7.0]]])
    vector, looks = matcher(states, torch.tensor([[True, True], [True, False]]))
    first, second = torch.tensor([2.0, 1, 3, 2]), torch.tensor([5.0, 1, 5, 1])
    want = torch.cat([first, second, (first - second).abs(), first * second])
    torch.testing.assert_close(vector[0], want)
    assert not looks and matcher.size == 16


def test_what_reads_again_tells_where_it_looked():
    matcher = Matcher(align(3, 5), Same(5))
    states, valid = torch.randn(4, 7, 3), torch.arange(7) < torch.tensor([7, 2, 1, 5])[:, None]
    vector, looks = matcher(states, valid, weights=True)
    assert vector.shape == (2, 40) and list(looks) == ["align", "compose.0.self"]
    taken = looks["align"][:, 0]
    assert torch.allclose(taken.sum(-1), torch.ones(4, 7)) and not taken[~others(valid)[:, None].expand(-1, 7, -1)].any()


def test_swapping_the_texts_swaps_the_halves():
    matcher = Matcher(align(3, 5), None)
    states, valid = torch.randn(4, 6, 3), torch.ones(4, 6, dtype=torch.bool)
    one, other = matcher(states, valid)[0], matcher(others(states), valid)[0]
    torch.testing.assert_close(one[:, :10], other[:, 10:20])
    torch.testing.assert_close(one[:, 20:], other[:, 20:])


def test_numbers_by_squares():
    wanted = SquaredRegression(3.0, 2.0)
    said, right = torch.tensor([[0.5], [-1.0]]), torch.tensor([5.0, 1.0])
    assert wanted.costs(said, right).tolist() == [0.25, 0.0]
    scale, section, said = (
        Scale(0.0, 6.0, 3.0, 2.0),
        PairSection(output="number", ratings="square"),
        wanted.normalize(said).numpy(),
    )
    assert scale.numbers(said, section).tolist() == [4.0, 1.0]
    assert scale.costs(said, right.numpy(), section).tolist() == [0.25, 0.0]


def test_numbers_by_bins():
    """Tai et al. 2015, section 4.2: y = 3.6 of 1 to 5 lies in bin 3 by 0.4 and in bin 4 by 0.6."""
    wanted = BinnedRegression(1.0, 5.0, 5)
    target = wanted.target(torch.tensor([3.6, 1.0, 5.0, 9.0, 0.0]))
    want = [[0, 0, 0.4, 0.6, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]]
    torch.testing.assert_close(target, torch.tensor(want))
    torch.testing.assert_close(target[:3] @ wanted.values, torch.tensor([3.6, 1, 5]))
    said = torch.tensor([[0.0, 0, 0, 0, 0], [0, 0, 20, 20, 0], [0, 0, 0, 20, 0]])
    scale, section = Scale(1.0, 5.0, 3.0, 1.0), PairSection(output="number", bins=5)
    told, right = wanted.normalize(said).numpy(), torch.tensor([3.6, 3.5, 4.0])
    np.testing.assert_allclose(scale.numbers(told, section), [3.0, 3.5, 4.0], rtol=1e-6)
    costs = wanted.costs(said, right)
    np.testing.assert_allclose(scale.costs(told, right.numpy(), section), costs.numpy(), atol=1e-6)
    entropy = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    torch.testing.assert_close(costs, torch.tensor([np.log(5) - entropy, 0.0, 0.0]).float(), atol=1e-5, rtol=0)
    finer = BinnedRegression(0.0, 1.0, 3)
    torch.testing.assert_close(finer.target(torch.tensor([0.25])), torch.tensor([[0.5, 0.5, 0.0]]))


def test_labels_smoothed_in_training_alone():
    wanted, said, right = Classification(3, smoothing=0.3), torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    torch.testing.assert_close(wanted.plain(said, right), F.cross_entropy(said, right, reduction="none"))
    torch.testing.assert_close(wanted.costs(said, right), F.cross_entropy(said, right, reduction="none", label_smoothing=0.3))


def test_agreement_is_scipys():
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle of correlations")
    draw = random.Random(1)
    for _ in range(50):
        a, b = ([draw.choice([1.0, 2.5, 3.0, draw.random()]) for _ in range(draw.randint(3, 40))] for _ in range(2))
        a, b = a[: len(b)], b[: len(a)]
        if len(set(a)) < 2 or len(set(b)) < 2:
            continue
        figures = number_figures(a, b)
        assert figures["pearson"] == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-12)
        assert figures["spearman"] == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-12)
        assert ranks(a).tolist() == stats.rankdata(a).tolist()


def test_agreement_by_hand():
    assert number_figures([1, 2, 3], [2, 4, 6]) == {"pearson": 1.0, "spearman": 1.0, "mse": pytest.approx(14 / 3)}
    assert number_figures([1, 2, 3], [3, 2, 1])["pearson"] == -1.0
    assert ranks([10, 20, 10, 5]).tolist() == [2.5, 4, 2.5, 1]
    assert pearson([1, 1], [1, 2]) == 0.0 and pearson([1], [1]) == 0.0


def test_claims():
    train, valid = claims(1, 600)
    assert (train, valid) == claims(1, 600) and (len(train), len(valid)) == (540, 60)
    pairs = [row[:2] for row in (*train, *valid)]
    assert len(set(pairs)) == 600 and not set(pairs) & set(SHOWN)
    counts = [sum(row[2] == label for row in (*train, *valid)) for label in LABELS]
    assert counts == [200] * 3


@pytest.mark.parametrize("label", LABELS)
def test_claims_are_what_they_are_called(label):
    """Read again by rules, from the English ones alone."""
    rows = [row for part in claims(2, 1500) for row in part if row[2] == label and row[0].isascii() and row[1].isascii()]
    assert len(rows) > 50
    for scene, claim, _ in rows:
        who, place = scene.split(" with a ")[0].split(" is ")
        things = dict([scene.split(" with a ")[1].split()[::-1]])
        named, verb, *said = claim.split()
        where = " ".join(said).removeprefix("not ") == place
        if named != who:
            judged = "neutral"
        elif verb == "is":
            judged = "entailment" if where != (said[0] == "not") else "contradiction"
        elif said[-1] not in things:
            judged = "neutral"
        elif said[0] == "no":
            judged = "contradiction"
        else:
            judged = "entailment" if len(said) == 2 or said[1] == things[said[-1]] else "contradiction"
        assert judged == label, (scene, claim, label)
