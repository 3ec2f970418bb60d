"""Counts in sentences: `1 row`, `2 rows`."""

from __future__ import annotations

from collections import Counter


def many(count: int, one: str, more: str = "") -> str:
    """`1 line`, `2,000 lines`.  more: the plural, where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def list_counts(counts: Counter[str], most: int = 5) -> str:
    """`a (1,200), b (3), and 4 more`: the most frequent, with their numbers."""
    more = f", and {len(counts) - most:,} more" if len(counts) > most else ""
    return ", ".join(f"{name} ({n:,})" for name, n in counts.most_common(most)) + more
