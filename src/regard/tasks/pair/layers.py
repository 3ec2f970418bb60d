"""Two texts, each read in the light of the other."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.networks.base import Attentions, Encoder, EncoderOutput, Looks
from regard.networks.dropout import Dropout
from regard.networks.pooling import MaxPooling, MeanPooling


def others(x: Shaped[Tensor, "R ..."]) -> Shaped[Tensor, "R ..."]:
    """Of rows that hold first texts and, below them, their second ones: of each text the other."""
    return x.roll(len(x) // 2, 0)


class Matched(NamedTuple):
    """states: of each word, beside what the other text has for it; looks: `align`, each text's look at the other, if asked."""

    states: Float[Tensor, "R K D"]
    looks: Looks


class SoftAlignment(nn.Module):
    """`a~ = look(a, b); m = relu(W [a; a~; a - a~; a * a~])`, and b the same: soft alignment and comparison.
    Parikh et al. 2016, section 3.1; Chen et al. 2017, section 3.2, eq. 11-15 (the enhancement; W is the F of section 3.3).

    look: from states of width `size` to a context of the same width.  inner: width of m.  Both texts share all of it.

    Use it where what matters is which word answers to which: a colour changed, a name swapped.

    Cost: 2 n m d, n and m the texts; nothing waits for anything.
    """

    def __init__(self, look: Attention, size: int, inner: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.look, self.size, self.dropout = look, inner, Dropout(dropout)
        self.compare = nn.Linear(4 * size, inner)

    def forward(self, states: Float[Tensor, "R K M"], valid: Bool[Tensor, "R K"], *, weights: bool = False) -> Matched:
        """states: the first texts and, below them, the second ones; padding lies on the right."""
        at = torch.arange(states.shape[1], device=states.device).expand(len(states), -1)
        reading = self.look(states, self.look.remember(others(states), others(valid)), at, weights=weights)
        found = reading.context
        both = torch.cat([states, found, states - found, states * found], -1)
        made = self.dropout(F.relu(self.compare(both)))
        return Matched(made, {} if reading.weights is None else {"align": reading.weights})


class NoAlignment(nn.Module):
    """`m = relu(W a)`: the same place in the net, without a look at the other text."""

    def __init__(self, size: int, inner: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.size, self.dropout, self.compare = inner, Dropout(dropout), nn.Linear(size, inner)

    def forward(self, states: Float[Tensor, "R K M"], valid: Bool[Tensor, "R K"], *, weights: bool = False) -> Matched:
        return Matched(self.dropout(F.relu(self.compare(states))), {})


class Matcher(nn.Module):
    """Two texts to one vector: align, read again, pool by mean and maximum, and put both beside their difference and product.
    Chen et al. 2017, sections 3.2 and 3.3, eq. 16-20; difference and product of the pooled: Mou et al. 2016, section 3.2.

    align: `SoftAlignment` or `NoAlignment`.  compose: what reads again; None: nothing does, as in Parikh et al. 2016.  size: of the vector.
    """

    def __init__(self, align: SoftAlignment | NoAlignment, compose: Encoder | None) -> None:
        super().__init__()
        self.align, self.compose = align, compose
        width = align.size if compose is None else compose.size
        self.mean, self.most, self.size = MeanPooling(width), MaxPooling(width), 8 * width

    def forward(
        self, states: Float[Tensor, "R K M"], valid: Bool[Tensor, "R K"], *, weights: bool = False
    ) -> tuple[Float[Tensor, "B D"], Looks]:
        """states: the first texts and, below them, the second ones.  looks: `align`, and `compose....` of what reads again."""
        made, looks = self.align(states, valid, weights=weights)
        read = EncoderOutput(made, valid, made[:, 0]) if self.compose is None else self.compose(made, valid, weights=weights)
        looks = {**looks, **{f"compose.{name}": w for name, w in read.looks.items()}}
        first, second = torch.cat([self.mean(read).vector, self.most(read).vector], -1).chunk(2)
        return torch.cat([first, second, (first - second).abs(), first * second], -1), looks

    def attentions(self) -> Attentions:
        """What makes these looks."""
        align: Attentions = {"align": self.align.look} if isinstance(self.align, SoftAlignment) else {}
        return align | {f"compose.{name}": look for name, look in (self.compose.attentions() if self.compose else {}).items()}
