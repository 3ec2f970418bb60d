"""A convolution over the letters of a word (char-CNN): what a word never seen looks like still says much."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.networks.embedding import table


class CharCNN(nn.Module):
    """`max_i tanh(W [l_{i-1}; l_i; l_{i+1}] + b)`: a convolution over the letters of a word, and the maximum over its places.
    dos Santos & Zadrozny 2014, section 2.1.2; in taggers Ma & Hovy 2016, section 2.1.

    letters: size of their vocabulary, 0 is padding; width: of a letter; size: of a word.  A word without letters reads zeros.
    """

    def __init__(self, letters: int, *, width: int, size: int) -> None:
        super().__init__()
        self.table, self.size = table(letters, width, padding=0), size
        self.convolution = nn.Conv1d(width, size, 3, padding=1)

    def forward(self, letters: Int[Tensor, "W L"]) -> Float[Tensor, "W D"]:
        """letters: of each word.  What is asked for once serves all places at which a word stands."""
        if not letters.shape[1]:
            return self.table.weight.new_zeros(len(letters), self.size)
        real = (letters > 0)[:, None]
        made = self.convolution(self.table(letters).transpose(1, 2)).masked_fill(~real, -torch.inf)
        return torch.tanh(made.amax(-1)).masked_fill(~real.any(-1), 0.0)
