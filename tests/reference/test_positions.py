"""Law 7: positions and embeddings, against numbers that a person can check."""

from __future__ import annotations

from math import cos, sin, sqrt

import pytest
import torch

from regard.attention import LearnedPositions, NoPositions, SinusoidalPositions
from regard.core.errors import ConfigError, DataError
from regard.networks.embedding import Embedding, PositionedEmbedding, table


def test_sinusoidal():
    """Width 4: rates 10000^0 = 1 and 10000^(-2/4) = 1/100, sine and cosine in turn.  Width 6, i = 1: 10000^(-1/3) = 0.0464159."""
    told = SinusoidalPositions(4)(torch.tensor([[0, 3], [700, 1]]))
    assert told[0, 0].tolist() == [0, 1, 0, 1]
    assert told[0, 1].tolist() == pytest.approx([sin(3), cos(3), sin(0.03), cos(0.03)], abs=1e-6)
    assert told[1, 0].tolist() == pytest.approx([sin(700), cos(700), sin(7), cos(7)], abs=1e-4)
    assert SinusoidalPositions(6)(torch.tensor([[2]]))[0, 0, 2:4].tolist() == pytest.approx(
        [sin(0.0928318), cos(0.0928318)], abs=1e-6
    )


def test_positions_have_no_parameters_but_learned_ones():
    assert not [*SinusoidalPositions(4).parameters()] and not SinusoidalPositions(4).state_dict()
    assert not NoPositions(4)(torch.tensor([[1, 2]])).any() and NoPositions(4)(torch.tensor([[1, 2]])).shape == (1, 2, 4)
    learned = LearnedPositions(4, 3)
    assert learned(torch.tensor([[2, 0]])).tolist() == [[learned.table.weight[2].tolist(), learned.table.weight[0].tolist()]]


def test_refusals():
    with pytest.raises(ConfigError, match="an even size"):
        SinusoidalPositions(3)
    with pytest.raises(DataError, match=r"at most 3 tokens; received position 4\."):
        LearnedPositions(4, 3)(torch.tensor([[0, 3]]))


def test_embeddings():
    """Words of width 4 are doubled (sqrt 4) before their positions are added; in a recurrent net they are what they are.  Padding is
    zero."""
    words, at = torch.tensor([[2, 0]]), torch.tensor([[5, 6]])
    made = table(3, 4, padding=0)
    positions = SinusoidalPositions(4)
    got = PositionedEmbedding(made, positions).eval()(words, at)
    torch.testing.assert_close(got, 2 * made.weight[words] + positions(at))
    torch.testing.assert_close(Embedding(made).eval()(words, at), made.weight[words])
    assert not made.weight[0].any() and made.weight[1:].all()


def test_words_begin_at_unit_length():
    """Scaled by sqrt(size), each number of a word varies by about 1."""
    torch.manual_seed(0)
    assert float((table(500, 64, padding=0).weight[1:] * sqrt(64)).std().detach()) == pytest.approx(1, abs=0.02)
