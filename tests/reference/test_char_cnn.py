"""Words by their letters against the formula, letter by letter."""

from __future__ import annotations

import pytest
import torch

from regard.networks.char_cnn import CharCNN


@pytest.fixture
def spelling() -> CharCNN:
    torch.manual_seed(1)
    made = CharCNN(7, width=3, size=5).double()
    torch.nn.init.normal_(made.table.weight)
    return made


def by_hand(spelling: CharCNN, letters: list[int]) -> torch.Tensor:
    """max_i tanh(W [l_{i-1}; l_i; l_{i+1}] + b), zeros beside the word."""
    weight, bias = spelling.convolution.weight, spelling.convolution.bias
    none = torch.zeros(3, dtype=torch.float64)
    each = [none, *(spelling.table.weight[letter] for letter in letters), none]
    made = [torch.tanh(torch.einsum("dwk,kw->d", weight, torch.stack(each[i : i + 3])) + bias) for i in range(len(letters))]
    return torch.stack(made).amax(0)


def test_the_formula(spelling):
    spelling.table.weight.data[0] = 0  # padding
    words = [[3, 1, 4], [2], [6, 5, 3, 3, 1]]
    padded = torch.tensor([word + [0] * (6 - len(word)) for word in words])
    expected = torch.stack([by_hand(spelling, word) for word in words])
    torch.testing.assert_close(spelling(padded), expected)
    torch.testing.assert_close(spelling(padded[1:2, :1]), expected[1:2])  # padding and neighbours are invisible


def test_a_word_without_letters_reads_zeros_and_gives_no_nan(spelling):
    made = spelling(torch.tensor([[0, 0], [1, 0]]))
    assert not made[0].any() and made[1].any()
    made.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in spelling.parameters())
    assert spelling(torch.zeros(2, 0, dtype=torch.long)).equal(torch.zeros(2, 5, dtype=torch.float64))
