"""Where a network looked, row by row of a batch, padding cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regard.core.shapes import Array

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

PaddedLooks = dict[str, Array]  # by name of the attention, such as "encoder.0.self": "B H Q K", as they come from a network


class LookRows(NamedTuple):
    """A look as predictions name it, in a network.  name: there; rows: of a batch of so many rows, those that it is of."""

    name: str
    rows: Callable[[int], slice] = lambda rows: slice(0, rows)


def of_rows(looks: PaddedLooks, valid: Bool[Array, "B K"]) -> list[dict[str, Float[np.ndarray, "H Q K"]]]:
    """Looks at one text: cut off are columns, and rows where a text looks at itself (`...self`).  valid: True = a real place."""
    return [
        {name: w[i, :, : size if name.endswith("self") else None, :size] for name, w in looks.items()}
        for i, size in enumerate(valid.sum(1).tolist())
    ]
