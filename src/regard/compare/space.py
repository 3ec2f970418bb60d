"""What a search may choose a key's value from: a range, or a list."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from regard.core.errors import did_you_mean

KEYS = ("low", "high", "log", "step")


@dataclass(frozen=True)
class Range:
    """Numbers from low to high.  whole: whole ones; log: small ones as often as large ones; step: only every so many."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        return all(isinstance(each, int) for each in (self.low, self.high))


@dataclass(frozen=True)
class Choice:
    """One of several values, whatever they are."""

    values: tuple[Any, ...]


Space = Range | Choice
Refuse = Callable[[str, str, str], None]  # hears what was expected, what was received, and what to do


def read_space(given: Any, refuse: Refuse) -> Space | None:
    """The space that a study file says; None where `refuse` heard what is wrong with it."""
    if isinstance(given, list) and given:
        return Choice(tuple(given))
    if not isinstance(given, Mapping):
        refuse(
            "a list of values, or {low: ..., high: ...}",
            repr(given)[:60],
            "Write `[64, 128]`, or `{low: 1e-4, high: 1e-2, log: true}`.",
        )
        return None
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        refuse(f"some of {', '.join(KEYS)}", f"'{unknown[0]}'", f"Correct or remove it.{did_you_mean(unknown[0], KEYS)}")
        return None
    low, high, log, step = map(given.get, KEYS)
    if low is None or high is None or not (_number(low) and _number(high) and low < high):
        refuse("numbers low and high, low below high", repr(dict(given))[:60], "Write `{low: 0.0, high: 0.5}`.")
        return None
    if not isinstance(log, bool | None) or (log and low <= 0):
        refuse(
            "log: true or false, and low above 0 with it", repr(dict(given))[:60], "Write `{low: 1e-4, high: 1e-2, log: true}`."
        )
        return None
    if step is not None and (not _number(step) or step <= 0 or log):
        refuse("a step above 0, and no log with it", repr(dict(given))[:60], "Leave out one of the two.")
        return None
    return Range(low, high, bool(log), step)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
