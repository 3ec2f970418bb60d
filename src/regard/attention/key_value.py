"""Keys apart from values: a state is parted, and each part has one office."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.core.errors import ConfigError, message


class Part(nn.Module):
    """`h = [k; v]`, or `[k; v; p]`: one part of a state finds it (key), one is what is found (value), one predicts the next word.
    Daniluk et al. 2017 (key-value and key-value-predict attention).

    which: 0 key, 1 value, 2 predict.  parts: 2 or 3, of one width.  directions: a state that is two directions side by side is parted
    in each, so that keys and values both know what stands before and behind.

    Use it where one vector has to be found, read and spoken at once: the offices no longer fight for it.  At equal parameters it
    won over undivided states in language models; most of the weight still fell on the last few words.

    Cost: none; the looks are narrower by as much.
    """

    def __init__(self, which: int, parts: int, *, directions: int = 1) -> None:
        super().__init__()
        self.which, self.parts, self.directions = which, parts, directions

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T E"]:
        return x.unflatten(-1, (self.directions, self.parts, -1))[..., self.which, :].flatten(-2)

    def extra_repr(self) -> str:
        return f"{self.which} of {self.parts}" + (f" in {self.directions} directions" if self.directions > 1 else "")


def part_width(size: int, parts: int, *, directions: int = 1) -> int:
    """The width of a part of states of width `size`.  Raises ConfigError where they cannot be parted evenly."""
    if size % (parts * directions):
        do = "Choose another size, or memory: plain."
        raise ConfigError(message("key-value", f"states that part into {parts * directions}", f"a width of {size}", do))
    return size // parts


def key_value(attention: Attention, *, directions: int = 1) -> Attention:
    """Lets a look at places half as wide look at whole states: their first halves are its keys, their second halves its values."""
    for which, name in enumerate(("key", "value")):
        setattr(attention, name, nn.Sequential(Part(which, 2, directions=directions), getattr(attention, name)))
    return attention
