"""Words read by their pieces: a word's state is that of its first one.  Devlin et al. 2019, section 5.3."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor


def of_words(states: Float[Tensor, "B P D"], first: Int[Tensor, "B K"]) -> Float[Tensor, "B K D"]:
    """The state of each word's first piece."""
    return states.gather(1, first[..., None].expand(-1, -1, states.shape[-1]))
