"""Work that the processes of one training share out: each does its part, and all have the whole, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from regard.core.plain_values import from_bytes, to_bytes

P = TypeVar("P")
R = TypeVar("R")


class Workers(Protocol):
    """Several processes that do the same at the same time."""

    rank: int
    count: int

    def gather(self, data: bytes) -> list[bytes]:
        """What each has, in the order of their ranks; of all at once."""
        ...


_workers: Workers | None = None


@contextmanager
def share_work(workers: Workers) -> Iterator[None]:
    """Within it, `work_through` is shared out among these.  All of them must be within it, and do the same there."""
    global _workers
    before, _workers = _workers, workers if workers.count > 1 else None
    try:
        yield
    finally:
        _workers = before


def work_through(work: Callable[[P], R], parts: Sequence[P], classes: Sequence[type] = ()) -> list[R]:
    """`[work(part) for part in parts]`: here alone, or where work is shared a part of it in each process.

    What is found is then sent as `core.plain_values` has it; classes: the dataclasses in it.
    """
    if _workers is None:
        return [work(part) for part in parts]
    own = [work(part) for part in parts[_workers.rank :: _workers.count]]
    each = [from_bytes(data, classes) for data in _workers.gather(to_bytes(own, classes))]
    return [each[i % len(each)][i // len(each)] for i in range(len(parts))]
