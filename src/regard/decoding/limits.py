"""How long an answer may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int


@dataclass(frozen=True)
class Limits:
    """How long an answer may be, in words before the end sign: at least `least`, at most ratio * source + extra, and never more than
    the `room` that learned positions leave."""

    least: int = 0
    ratio: float = 2.0
    extra: int = 20
    room: int | None = None

    def most(self, length: Int[np.ndarray, " B"]) -> Int[np.ndarray, " B"]:
        """The most words for sources of these lengths."""
        most = np.maximum((length.astype(np.float32) * np.float32(self.ratio)).astype(np.int64) + self.extra, self.least)
        return most if self.room is None else np.minimum(most, self.room - 1)

    @property
    def fewest(self) -> int:
        """`least`, where there is room for it."""
        return self.least if self.room is None else min(self.least, self.room - 1)

    def beyond(self, sources: Int[np.ndarray, " N"], targets: Int[np.ndarray, " N"]) -> tuple[int, int]:
        """How many targets of these lengths, in words before the end sign, are longer than may be written for sources of these lengths; and
        the least `extra` that holds them all, the room aside."""
        lacking = targets - np.maximum((sources * self.ratio).astype(np.int64) + self.extra, self.least)
        return int((lacking > 0).sum()), self.extra + max(0, int(lacking.max(initial=0)))
