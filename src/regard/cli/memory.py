"""Memory of the command's own process: what was freed is kept for what comes next, and of what is compiled only what is in use."""

from __future__ import annotations

import ctypes
import os
import sys

SWITCH = "REGARD_KEEP_MEMORY"  # 0: leave the allocator as it is
TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
LARGEST = 32 << 20  # the largest that glibc takes for M_MMAP_THRESHOLD
NEVER = (1 << 31) - 1
# oneDNN keeps what it compiled for each shape of a product, and PyTorch's bridge to it keeps the same again, 1,024 each by default:
# gigabytes after an hour of batches of all lengths, and between them holes.  Shapes of a batch come again within the batch, and seldom
# after it: with 64 of each a Transformer of 256 trains as fast, in 1,238 MB where it took 1,647 (30 updates of 3,400 tokens, bfloat16).
PRODUCTS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "64"}


def keep_few_products() -> None:
    """Bound what oneDNN and PyTorch keep of compiled products, where the user has not said otherwise.  Before torch is imported."""
    for name, count in PRODUCTS.items():
        os.environ.setdefault(name, count)


def keep_freed_memory() -> bool:
    """Let glibc hand freed tensors to the next ones instead of giving them back to the system; True where that was done.

    Each page that comes fresh from the system costs a fault, about half a millisecond a megabyte, and a training step frees and
    takes hundreds of them.  A library must not do this to its host: only the command does, to itself.
    """
    if os.environ.get(SWITCH, "1") == "0" or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(MMAP, LARGEST) and mallopt(TRIM, NEVER))
