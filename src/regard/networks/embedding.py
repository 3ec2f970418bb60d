"""Embeddings: words to vectors."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from regard.attention.positions import Positions
from regard.networks.dropout import Dropout


class Embedding(nn.Module):
    """A table of word vectors, with dropout.  What else is known of each word may stand beside its vector: its letters, a mark."""

    def __init__(self, table: nn.Embedding, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.table, self.dropout = table, Dropout(dropout)

    def forward(
        self, words: Int[Tensor, "B T"], at: Int[Tensor, "B T"], beside: Float[Tensor, "B T E"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """words: numbers of the vocabulary; at: their true positions.  beside: widens what is made by its own width."""
        made = self.table(words)
        return self.dropout(made if beside is None else torch.cat([made, beside], -1))


class PositionedEmbedding(Embedding):
    """Word vectors times sqrt(D), plus positions.  Vaswani et al. 2017, sections 3.4 and 3.5."""

    def __init__(self, table: nn.Embedding, positions: Positions, *, dropout: float = 0.0) -> None:
        super().__init__(table, dropout=dropout)
        self.positions, self.scale = positions, math.sqrt(table.embedding_dim)

    def forward(
        self, words: Int[Tensor, "B T"], at: Int[Tensor, "B T"], beside: Float[Tensor, "B T E"] | None = None
    ) -> Float[Tensor, "B T D"]:
        made = self.table(words) * self.scale
        made = (made if beside is None else torch.cat([made, beside], -1)) + self.positions(at)
        device = made.device.type
        if torch.is_autocast_enabled(device):
            # What the layers add up is narrow too, then, and is cast once, here, not at every product.
            made = made.to(torch.get_autocast_dtype(device))
        return self.dropout(made)


def table(vocabulary: int, size: int, *, padding: int) -> nn.Embedding:
    """Word vectors of about unit length once scaled by sqrt(size); padding is zero."""
    made = nn.Embedding(vocabulary, size, padding_idx=padding)
    nn.init.normal_(made.weight, std=size**-0.5)
    made.weight.data[padding].zero_()
    return made
