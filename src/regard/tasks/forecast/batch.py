"""What a forecaster's network is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regard.core.shapes import Array
from regard.tasks.row_looks import PaddedLooks

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class ForecastBatch:
    """Windows side by side, scaled.  past: what is known; future: what is right, where it is known."""

    past: Float[Array, "B L C"]
    future: Float[Array, "B A C"] | None = None


class Forecasts(NamedTuple):
    """values: scaled; mix: by what forecasts are blended, where they are, the same for every batch; looks: of each window, padding there
    is none; of each channel, where they are read alone."""

    values: Float[Array, "B A C"]
    mix: Float[Array, " N"] | None
    looks: PaddedLooks
