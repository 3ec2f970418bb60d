"""Law 7: weightings that take one place, against numbers that a person can check."""

from __future__ import annotations

from math import log, sqrt

import pytest
import torch

from regard.attention import Attention, Gumbel, Hard, Marginal, Sampled, Sigmoid
from regard.attention.hard import uniform
from regard.attention.memory import Memory
from regard.attention.weighting import masked_softmax
from regard.core.errors import ConfigError
from regard.networks.transformer import DecoderLayer, EncoderLayer, FeedForward, PreNorm


def memory(at) -> Memory:
    at = torch.as_tensor(at)
    return Memory(None, torch.zeros(*at.shape, 1)[:, None], torch.ones_like(at, dtype=torch.bool), at)


def drawn(seed, scores, mask, at, places) -> torch.Tensor:
    return Sampled(seed).eval()(scores, mask, memory(places), at).values


def test_the_mixing_is_splitmix64():
    """Its first numbers from seeds 0 and 1234567 (Vigna's splitmix64.c), with head, query and place keyed in, one after the other."""

    def mixed(x: int) -> int:
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    assert (mixed(0), mixed(1234567)) == (16294208416658607535, 6457827717110365317)
    for seed, head, at, place in ((1, 0, 0, 0), (0, 3, 5, 7), (2**64 - 1, 1, 10**6, 12)):
        key = mixed((mixed((mixed((mixed(seed) + head) % 2**64) + at) % 2**64) + place) % 2**64)
        got = uniform(seed, torch.tensor([head]), torch.tensor([[at]]), torch.tensor([[place]]))
        assert got.item() == ((key >> 11) + 0.5) / 2**53


def test_shares_are_uniform_and_hang_on_each_number():
    """Chi-square over 64 bins, within 4 deviations of its mean; neighbours in seed, head, query and place have nothing in common."""
    heads, at, places = torch.arange(4), torch.arange(100)[None], torch.arange(250)[None]
    shares = uniform(1, heads, at, places)
    assert shares.shape == (1, 4, 100, 250) and (shares > 0).all() and (shares < 1).all()
    counts = torch.histc(shares, 64, 0, 1)
    chi = ((counts - shares.numel() / 64) ** 2 / (shares.numel() / 64)).sum().item()
    assert 63 - 4 * sqrt(126) < chi < 63 + 4 * sqrt(126)
    other = uniform(2, heads, at, places)
    pairs = (
        (shares, other),
        *((shares.narrow(d, 0, n - 1), shares.narrow(d, 1, n - 1)) for d, n in ((1, 4), (2, 100), (3, 250))),
    )
    for a, b in pairs:
        correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
        assert abs(correlation) < 4 / sqrt(a.numel())


def test_in_use_drawn_draws_as_the_softmax_says(n=20000):
    """Scores 0 and ln 3, and one out of sight: a quarter and three quarters, to 4 standard errors (0.0123), over n positions."""
    scores, mask = torch.tensor([0.0, log(3), 9.0]).expand(1, 1, n, 3), torch.tensor([True, True, False]).expand(1, 1, n, 3)
    values = drawn(5, scores, mask, torch.arange(n)[None], [[0, 1, 2]])
    assert ((values == 0) | (values == 1)).all() and (values.sum(-1) == 1).all()
    assert values.mean(2).flatten().tolist() == pytest.approx([0.25, 0.75, 0], abs=0.0123)
    assert not drawn(5, scores[:, :, :2], mask[:, :, :2] & False, torch.arange(2)[None], [[0, 1, 2]]).any()


def test_a_draw_belongs_to_its_positions():
    """The same whatever the row, the padding around it, the other queries and the order of the places; another with another seed."""
    scores, at, places = torch.randn(1, 2, 40, 9), 3 + torch.arange(40)[None], 5 + torch.arange(9)[None]
    mask = torch.ones(1, 1, 40, 9, dtype=torch.bool)
    whole = drawn(7, scores, mask, at, places)
    assert (whole.sum(2) > 0).sum() > 9  # not always the same place
    two = drawn(7, scores.repeat(2, 1, 1, 1), mask.repeat(2, 1, 1, 1), at.repeat(2, 1), places.repeat(2, 1))
    assert torch.equal(two, whole.repeat(2, 1, 1, 1))
    some = drawn(7, scores[:, :, 4:6], mask[:, :, 4:6], at[:, 4:6], places)
    assert torch.equal(some, whole[:, :, 4:6])
    order = torch.randperm(9)
    assert torch.equal(drawn(7, scores[..., order], mask, at, places[:, order]), whole[..., order])
    padded = drawn(
        7, torch.cat([100 * torch.rand(1, 2, 40, 3), scores], -1), torch.cat([mask[..., :3] & False, mask], -1), at,
        torch.cat([torch.zeros(1, 3, dtype=torch.long), places], -1),
    )  # fmt: skip
    assert torch.equal(padded[..., 3:], whole) and not padded[..., :3].any()
    assert torch.equal(drawn(7, scores, mask, at, places), whole)
    assert not torch.equal(drawn(8, scores, mask, at, places), whole)


def test_gumbel_takes_one_place_and_learns_as_its_softmax():
    """Training: one place, exactly 1; the gradient is that of softmax((score + g) / T) for the same noise, by hand.  Use: the best."""
    scores, mask = torch.randn(3, 2, 4, 5), torch.rand(3, 1, 4, 5) > 0.3
    mask[0, 0, 0] = False
    scores.requires_grad_()
    weighting, told = Gumbel(start=0.7).train(), torch.randn(3, 2, 4, 5)
    torch.manual_seed(2)
    values = weighting(scores, mask, None, None).values
    assert ((values == 0) | (values == 1)).all() and torch.equal(values.sum(-1), mask.any(-1).float().expand(3, 2, 4))
    assert not (values * ~mask).any()
    torch.manual_seed(2)
    noise = -torch.empty(3, 2, 4, 5).exponential_().log()
    soft = masked_softmax((scores + noise) / 0.7, mask)
    assert torch.equal((values * soft).sum(-1), soft.amax(-1))
    got, want = (torch.autograd.grad((v * told).sum(), scores)[0] for v in (values, soft))
    torch.testing.assert_close(got, want)
    assert got.any() and not got[0, :, 0].any()
    best = weighting.eval()(scores, mask, None, None).values
    assert torch.equal((best * scores.masked_fill(~mask, -9)).sum(-1), scores.masked_fill(~mask, -9).amax(-1) * mask.any(-1))


def test_gumbel_draws_as_the_softmax_says(n=20000):
    torch.manual_seed(0)
    scores, mask = torch.tensor([0.0, log(3), 9.0]).expand(n, 1, 1, 3), torch.tensor([True, True, False]).expand(n, 1, 1, 3)
    values = Gumbel().train()(scores, mask, None, None).values
    assert values.mean(0).flatten().tolist() == pytest.approx([0.25, 0.75, 0], abs=0.0123)


def test_gumbel_cools():
    """Exponentially: from 1 to 1/4, half way 1/2."""
    weighting, told = Gumbel(1.0, 0.25), []
    for done in (0.0, 0.5, 1.0):
        weighting.anneal(done)
        told.append(weighting.temperature)
    assert told == pytest.approx([1, 0.5, 0.25]) and Gumbel().temperature == 1
    with pytest.raises(ConfigError, match="temperatures above 0"):
        Gumbel(1.0, 0.0)


def test_sigmoid():
    """Scores 0 and ln 3: 1/2 and 3/4, whatever else there is; with a bias of -ln 4, 1/5 for a score of 0."""
    scores, mask = torch.tensor([0.0, log(3), 9.0])[None, None, None], torch.tensor([True, True, False])[None, None, None]
    assert Sigmoid()(scores, mask, None, None).values.flatten().tolist() == pytest.approx([0.5, 0.75, 0])
    assert Sigmoid(-log(4))(scores, mask, None, None).values.flatten().tolist() == pytest.approx([0.2, 3 / 7, 0])


def test_marginal_is_the_softmax_with_the_places_kept_apart():
    """Scores 0 and ln 3: shares 1/4 and 3/4 of the two places' own contexts, none for nothing; an empty source is nothing for sure."""
    look = Attention(1, 1, weighting=Marginal())
    source, valid = torch.tensor([[[0.0], [log(3)]]] * 2), torch.tensor([[True, True], [False, False]])
    reading = look(torch.ones(2, 1, 1), look.remember(source, valid), torch.zeros(2, 1, dtype=torch.long), weights=True)
    assert reading.weights.flatten().tolist() == pytest.approx([0.25, 0.75, 0, 0])
    assert reading.mixture.share.flatten().tolist() == pytest.approx([0.25, 0.75, 0, 0, 0, 1])
    assert reading.mixture.context[0].flatten().tolist() == pytest.approx([0, log(3), 0])


def test_a_transformer_refuses_to_mix():
    net, residual, fine = FeedForward(4, 3, torch.nn.ReLU()), PreNorm(4), Attention(4, 4)
    mixes = Attention(4, 4, weighting=Marginal())
    why = r"looks that gather one context; received Marginal, .*family: recurrent, with a head of words"
    with pytest.raises(ConfigError, match=why):
        EncoderLayer(mixes, net, (residual, residual))
    for own, source in ((mixes, fine), (fine, mixes)):
        with pytest.raises(ConfigError, match=why):
            DecoderLayer(own, source, net, (residual,) * 3)


def test_hard_takes_a_share_of_its_looks_softly():
    """Half of many looks are the softmax itself and tell of no draw; the others take one place and tell how likely it was."""
    torch.manual_seed(1)
    scores = torch.tensor([log(1.0), log(3.0)]).expand(4000, 1, 1, 2)
    at = torch.zeros(4000, 1, dtype=torch.long)
    found = Hard(0.5)(scores, torch.ones(4000, 1, 1, 2, dtype=torch.bool), memory(torch.arange(2).expand(4000, 2)), at)
    soft = (found.values[:, 0, 0] - torch.tensor([0.25, 0.75])).abs().amax(-1) < 1e-6
    drawn = found.values[~soft][:, 0, 0]
    assert 0.46 < soft.float().mean() < 0.54 and ((drawn == 0) | (drawn == 1)).all() and 0.7 < drawn[:, 1].mean() < 0.8
    assert (found.choice.log_prob[soft] == 0).all() and (found.choice.entropy[soft] == 0).all()
    torch.testing.assert_close(found.choice.log_prob[~soft][:, 0, 0], (drawn @ torch.tensor([0.25, 0.75])).log())
    used = Hard(0.5).eval()(scores, torch.ones(1, 1, 1, 2, dtype=torch.bool), memory([[0, 1]]), at).values
    assert (used == torch.tensor([0.0, 1.0])).all()
    made = Hard(0.8)
    made.anneal(0.75)
    assert made.soft == pytest.approx(0.2)
    with pytest.raises(ConfigError, match="hard"):
        Hard(1.5)
