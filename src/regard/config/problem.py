"""What is wrong with a config whose keys, each for itself, are right."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """keys: dotted, the one to blame first."""

    keys: tuple[str, ...]
    expected: str
    received: str
    do: str
