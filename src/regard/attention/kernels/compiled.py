"""Loops compiled by numba (the extra `kernels`), on as many threads as torch has.

They are compiled when they are first used, a second each, and kept on disk.  Numba's own threads are not used: they allow one caller
at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba
import torch

SMALL = 100_000  # steps of a loop below which handing work to another thread (some 20 microseconds) costs more than it saves

# No promise that numbers are finite (`nnan`, `ninf`) is made to the compiler: what is not a number must come out as such.
_HOW: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}


def compiled(loops: Callable[..., Any]) -> Any:
    """Loops over arrays and numbers, as machine code that holds no GIL."""
    try:
        return numba.njit(cache=True, **_HOW)(loops)
    except RuntimeError:  # nowhere to keep it: neither beside the source nor at home may be written
        return numba.njit(**_HOW)(loops)


def spread(work: Callable[[int, int], None], units: int, steps: int) -> None:
    """`work(first, last)` over all of range(units), in one part for each thread; `work` releases the GIL.

    steps: how much there is to do, in steps of the innermost loop.  Which part a unit falls into must not change what is written.
    """
    parts = min(torch.get_num_threads(), units, 1 + steps // SMALL)
    bounds = [units * i // parts for i in range(parts + 1)] if parts else []
    others = [_pool(parts - 1).submit(work, a, b) for a, b in pairwise(bounds[1:])]
    if parts:
        work(bounds[0], bounds[1])
    for other in others:
        other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="regard-kernel")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)
