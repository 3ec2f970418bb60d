"""Counts in sentences: `1 row`, `2 rows`."""

from __future__ import annotations


def many(count: int, one: str, more: str = "") -> str:
    """`1 line`, `2,000 lines`.  more: the plural, where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
