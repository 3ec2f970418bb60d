"""The compiled loops, where they were built for this machine: a library of C that needs nothing of Python."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

Numbers = POINTER(c_int64)
# Of each function what it gives and takes; see loops/library.c.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "operation": (c_char_p, [c_int64]),
    "threads": (c_int, [c_int]),
    "pack": (c_void_p, [Numbers, Numbers, Numbers]),
    "unpack": (None, [c_void_p]),
    "build": (c_void_p, [Numbers, c_int64]),
    "forget": (None, [c_void_p]),
    "run": (c_int, [c_void_p, c_int64, Numbers, c_void_p, c_int64, Numbers, POINTER(c_void_p)]),
    "describe": (None, [c_void_p, c_int64, Numbers]),
    "copy": (c_int, [c_void_p, c_int64, c_void_p]),
    "rows": (c_void_p, [c_void_p, c_int64, c_void_p, Numbers, Numbers]),
    "release": (None, [c_void_p]),
    "top_k": (None, [c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p]),
}


class Library:
    """The functions for one class of processors: 4: AVX-512 with VNNI, 3: AVX2, 2: any."""

    def __init__(self, loaded: ctypes.CDLL, processors: int) -> None:
        self.processors = processors
        for name, (gives, takes) in FUNCTIONS.items():
            function = getattr(loaded, f"regard_{name}_{processors}")
            function.restype, function.argtypes = gives, takes
            setattr(self, name, function)
        self.codes = dict[str, int]()
        while told := self.operation(len(self.codes)):
            self.codes[told.decode()] = len(self.codes)

    def __getattr__(self, name: str) -> Any:  # for those who check types: `__init__` sets them
        raise AttributeError(name)


@cache
def library(processors: int | None = None) -> Library | None:
    """For this machine's processor, or for a lesser class; None where nothing was built for it."""
    for path in sorted(Path(__file__).parents[1].joinpath("runtime", "loops").glob("loops.*")):
        if path.suffix not in (".so", ".dylib", ".dll"):
            continue
        try:
            loaded = ctypes.CDLL(str(path))
            best: int = loaded.regard_best_2()
            made = Library(loaded, min(best, processors or best))
            made.threads(usual_threads())
            return made
        except (OSError, AttributeError):  # of another system, or of another version
            continue
    return None


def usual_threads() -> int:
    """As many as OMP_NUM_THREADS says, which PyTorch asks too; else as there are cores for this process."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int) -> None:
    """On how many threads the loops run from now on."""
    if (loops := library()) is not None:
        loops.threads(threads)


def numbers(told: list[int]) -> Any:
    """Whole numbers as C reads them."""
    return (c_int64 * len(told))(*told)
