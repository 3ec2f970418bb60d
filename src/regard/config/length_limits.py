"""How long a sentence may be for a net that tells only so many places apart: learned positions, and scores with a number a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regard.config import mechanisms

if TYPE_CHECKING:
    from regard.config.schema import ModelSection


class Room(NamedTuple):
    """The most tokens of a source, and of a target with its beginning; None: any number."""

    source: int | None
    target: int | None


def room(model: ModelSection) -> Room:
    """Where sources are cut, and writing ends."""
    transformer = model.family != "recurrent"
    both = [model.max_positions] if transformer and model.positions == "learned" else []
    both += _bounds(model.self_attention.score) if transformer else []
    across = _bounds(model.attention.score) if model.attention else []
    back = _bounds(model.past.score) if model.past else []
    return Room(min(both + across, default=None), min(both + back, default=None))


def places(score: str) -> int | None:
    """The most places that a score can look at; None: any number."""
    return min(_bounds(score), default=None)


def _bounds(score: str) -> list[int]:
    tree = mechanisms.score(score)
    return [int(word.bound(mechanisms.SCORES)["max"]) for word in mechanisms.leaves(tree) if word.name == "location"]
