"""Images to states: a grid of cells, each of which is a place that a decoder may look at."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from regard.networks.base import Encoder, EncoderOutput
from regard.networks.dropout import Dropout
from regard.tasks.caption.grid import Grid


class GridPositions(nn.Module):
    """`row vector + column vector`, both learnt: where a cell lies.  Of the same kind as learned positions of words, in two dimensions:
    Carion et al. 2020, appendix A.4, sums them so that rows and columns are told apart."""

    def __init__(self, grid: Grid, size: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(grid.rows, 1, size) * size**-0.5)
        self.columns = nn.Parameter(torch.randn(1, grid.columns, size) * size**-0.5)

    def forward(self, x: Float[Tensor, "B K D"]) -> Float[Tensor, "B K D"]:
        return x + (self.rows + self.columns).flatten(0, 1)


class Convolved(nn.Module):
    """Cells of pixels to vectors: 4 x 4 pixels at once, then 2 x 2 of those at once, again and again, until a cell is one place.  A norm
    over the whole image, so that pale things say as much as strong ones, and a linear layer.  Xu et al. 2015, section 3.1.1 (a vector
    a cell); Springenberg et al. 2015 (strides in the place of pooling).

    channels: of the first convolution; each further one has twice as many, at most 128.  kernel: 1: a place sees its cell and no more,
    so where a decoder looks says what it saw.  3: after the first comes a 3 x 3 convolution, and a place sees 4 pixels around its cell
    too, as far on every side: one look tells more, and a soft one may then read a thing off the cell beside it.
    """

    def __init__(self, grid: Grid, size: int, *, channels: int, kernel: int = 1) -> None:
        super().__init__()
        self.grid = grid
        first = min(4, grid.patch)
        layers: list[nn.Module] = [nn.Conv2d(3, channels, first, first), nn.ReLU()]
        if kernel > 1:
            layers += [nn.Conv2d(channels, channels, kernel, padding=kernel // 2), nn.ReLU()]
        width, side = channels, grid.patch // first
        while side > 1:
            wider = max(width, min(2 * width, 128))
            layers += [nn.Conv2d(width, wider, 2, 2), nn.ReLU()]
            width, side = wider, side // 2
        self.layers = nn.Sequential(*layers)
        self.norm, self.out = nn.GroupNorm(1, width), nn.Linear(width, size)

    def forward(self, x: Float[Tensor, "B K P"]) -> Float[Tensor, "B K D"]:
        g, side = self.grid, self.grid.patch
        image = x.view(len(x), g.rows, g.columns, side, side, 3).permute(0, 5, 1, 3, 2, 4)
        image = image.reshape(len(x), 3, g.rows * side, g.columns * side)
        return self.out(self.norm(self.layers(image)).flatten(2).transpose(1, 2))


class PatchEmbedding(nn.Module):
    """What the cells of an image say, and where they lie: the place that word vectors have in a text."""

    def __init__(self, read: nn.Module, places: nn.Module, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.read, self.places, self.dropout = read, places, Dropout(dropout)

    def forward(self, cells: Float[Tensor, "B K P"], at: Int[Tensor, "B K"]) -> Float[Tensor, "B K D"]:
        """at: not read, for a grid's places are its own."""
        return self.dropout(self.places(self.read(cells)))


class GridEncoder(Encoder):
    """`a_i`: the cells as they are; what stands for the whole is their mean, from which a decoder begins.  Xu et al. 2015, section
    3.1.2."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Float[Tensor, "B K D"], valid: Bool[Tensor, "B K"], *, weights: bool = False) -> EncoderOutput:
        real = valid[..., None]
        states = x.masked_fill(~real, 0.0)
        return EncoderOutput(states, valid, states.sum(1) / real.sum(1).clamp(min=1))
