"""Memory of the command's own process: what was freed is kept for what comes next."""

from __future__ import annotations

import ctypes
import os
import sys

SWITCH = "REGARD_KEEP_MEMORY"  # 0: leave the allocator as it is
TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
LARGEST = 32 << 20  # the largest that glibc takes for M_MMAP_THRESHOLD
NEVER = (1 << 31) - 1


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
