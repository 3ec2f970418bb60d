"""How long a sentence may be for a net that tells only so many places apart: learned positions, and scores with a number a place."""

from __future__ import annotations

from typing import Any, NamedTuple


class Room(NamedTuple):
    """The most tokens of a source, and of a target with its beginning; None: any number."""

    source: int | None
    target: int | None


def room(model: Any) -> Room:
    """Where sources are cut, and writing ends.  model: a `ModelSection`, which knows of this module."""
    transformer = model.family != "recurrent"
    both = [model.max_positions] if transformer and model.positions == "learned" else []
    both += _bound(model.self_attention) if transformer else []
    return Room(min(both + _bound(model.attention), default=None), min(both + _bound(model.past), default=None))


def _bound(look: Any) -> list[int]:
    return [] if look is None or look.longest is None else [look.longest]
