"""State is plain data: tensors, tuples, dataclasses and None, batch first.  It is returned, never stored in a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from jaxtyping import Int
from torch import Tensor


def tree_map(f: Callable[..., Any], tree: Any, *more: Any) -> Any:
    """Apply `f` to the tensors of states of one shape.

    Fields marked `metadata={"cache": True}` are dropped: a cache changes speed, never meaning.  Those marked "whole" stay as they are:
    they are of no row, and rows say by number what is theirs.
    What is not state is refused, never passed by: TypeError.
    """
    if isinstance(tree, Tensor):
        return f(tree, *more)
    if is_dataclass(tree) and not isinstance(tree, type):
        parts = {
            x.name: None if x.metadata.get("cache") else tree_map(f, *(getattr(t, x.name) for t in (tree, *more)))
            for x in fields(tree)
            if not x.metadata.get("whole")
        }
        return replace(tree, **parts)
    if isinstance(tree, tuple):
        made = [tree_map(f, *t) for t in zip(tree, *more, strict=True)]
        return tree._make(made) if hasattr(tree, "_make") else tuple(made)
    if tree is not None:
        raise TypeError(
            f"state: expected tensors, tuples, dataclasses or None; received {type(tree).__name__}. Make it a tensor, batch first."
        )
    return None


def select(state: Any, rows: Int[Tensor, " R"]) -> Any:
    """The same state for other rows of the batch: repeat for a beam, reorder, drop the finished."""
    return tree_map(lambda t: t.index_select(0, rows), state)


def reorder(state: Any, rows: Int[Tensor, " B"]) -> Any:
    """`select` for lines that change places with lines of their own sentence only: what all lines of a sentence have in common stays
    as it is.  Fields marked `metadata={"common": True}` are that, but for those marked "own" within them."""
    return _reordered(state, rows, False)


def _reordered(tree: Any, rows: Int[Tensor, " B"], common: bool) -> Any:
    if is_dataclass(tree) and not isinstance(tree, type):
        each = [x for x in fields(tree) if not x.metadata.get("whole")]
        marks = {x.name: (common or x.metadata.get("common", False)) and not x.metadata.get("own", False) for x in each}
        return replace(tree, **{name: _reordered(getattr(tree, name), rows, mark) for name, mark in marks.items()})
    if isinstance(tree, tuple):
        made = [_reordered(t, rows, common) for t in tree]
        return tree._make(made) if hasattr(tree, "_make") else tuple(made)
    return tree if common else select(tree, rows)
