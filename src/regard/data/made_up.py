"""Texts that nobody wrote, of the symbols that a model knows, for trials."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

STRANGE = "\u2603"  # a snowman, which training hardly saw
SHARE = 0.03  # of the symbols


def make_words(known: Sequence[str], by: Random, length: int) -> list[str]:
    """So many symbols, some of them strange."""
    return [STRANGE if by.random() < SHARE or not known else by.choice(known) for _ in range(length)]


def make_text(known: Sequence[str], by: Random, length: int) -> str:
    """So many symbols in a row; `▁` in them is a space."""
    return "".join(make_words(known, by, length)).replace("▁", " ").strip() or STRANGE
