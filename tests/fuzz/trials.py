"""All kinds of trials, and how many of each there are."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from .bases import Base
from .calls import Outcome
from .configs import try_config
from .data import try_data
from .folders import try_bytes, try_threads, try_values

Trial = Callable[[random.Random, dict[str, Base], Path], tuple[str, Outcome]]
TRIALS: dict[Trial, int] = {try_config: 50, try_values: 20, try_bytes: 10, try_data: 17, try_threads: 3}  # how many of a hundred


def trial(seed: int, number: int, base: dict[str, Base], folder: Path, kind: str = "") -> tuple[str, Outcome]:
    """The trial of a number.  kind: the name of the only kind that is tried, as `data`; else all are."""
    draw = random.Random(f"{seed} {number}")
    shares = {each: share for each, share in TRIALS.items() if kind in ("", each.__name__.removeprefix("try_"))}
    return draw.choices(list(shares), list(shares.values()))[0](draw, base, folder)
