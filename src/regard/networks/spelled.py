"""Words by their letters: what a word never seen looks like still says much."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.networks.embed import table


class Spelling(nn.Module):
    """`max_i tanh(W [l_{i-1}; l_i; l_{i+1}] + b)`: a convolution over the letters of a word, and the maximum over its places.
    dos Santos & Zadrozny 2014, section 2.1.2; in taggers Ma & Hovy 2016, section 2.1.

    letters: size of their vocabulary, 0 is padding; width: of a letter; size: of a word.  A word without letters reads zeros.
    """

    def __init__(self, letters: int, *, width: int, size: int) -> None:
        super().__init__()
        self.table, self.size = table(letters, width, padding=0), size
        self.convolution = nn.Conv1d(width, size, 3, padding=1)

    def forward(self, letters: Int[Tensor, "B K L"]) -> Float[Tensor, "B K D"]:
        B, K, L = letters.shape
        real = (letters > 0).view(B * K, 1, L)
        made = torch.tanh(self.convolution(self.table(letters.view(B * K, L)).transpose(1, 2)))
        best = made.masked_fill(~real, -1.0).amax(-1) if L else made.new_zeros(B * K, self.size)
        return (best * real.any(-1)).view(B, K, self.size)
