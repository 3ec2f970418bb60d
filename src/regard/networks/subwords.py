"""Words read by their pieces: a word's state is that of its first one.  Devlin et al. 2019, section 5.3."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor


class Pieces(NamedTuple):
    """Texts as a pre-trained reader takes them.  numbers: of their pieces; valid: True = a real one, padding lies on the right; first:
    where each word of the text begins among them, 0 at padding."""

    numbers: Int[Tensor, "B P"]
    valid: Bool[Tensor, "B P"]
    first: Int[Tensor, "B K"]


def of_words(states: Float[Tensor, "B P D"], first: Int[Tensor, "B K"]) -> Float[Tensor, "B K D"]:
    """The state of each word's first piece."""
    return states.gather(1, first[..., None].expand(-1, -1, states.shape[-1]))
