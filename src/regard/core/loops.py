"""The compiled loops of `regard/kernels`, called with tensors: plain C, built with the package for three classes of processors.

They run on as many threads as torch has, on PyTorch's own OpenMP team where it can be had: its threads wait for their next piece at full
speed for milliseconds after each operation, and threads of ours would find every core taken (two cores, additive attention behind a
product: 11 ms instead of 19).  Pieces are small and taken by whoever comes; where other programs have the cores, and all would wait for the
last thread, work is not shared.  Which thread does a piece changes nothing of what it says.

To import it raises ImportError where the loops were not built (no C compiler) or not for this system: see `core.optional.module`.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from ctypes import c_double, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

AXES = 5  # of an array, at most
STEP = 16  # what a step of a loop counts for beside a product of a large matrix, in whose number costs are told: see `threads.h`
NOTHING = [0] * (1 + AXES)  # in the place of an array that is not there


class Loops:
    """The functions for one class of processors."""

    def __init__(self, path: Path, processors: int | None = None) -> None:
        self._loaded = ctypes.CDLL(str(path))
        best: int = self._loaded.regard_best_2()
        self.path, self.processors = path, min(best, processors or best)
        """4: AVX-512 with VNNI, 3: AVX2 with FMA, 2: any."""
        self._threads = 0
        self.use_openmp(_find_openmp())

    def function(self, name: str) -> Any:
        """Of C, by its name there."""
        return getattr(self._loaded, f"regard_{name}_{self.processors}")

    def use_openmp(self, parallel: int | None, *, insist: bool = False) -> None:
        """Share work on the threads of OpenMP, whose function lies there, or on ours (None); insist: also where other programs have the
        cores, for tests and measurements."""
        self.function("openmp")(c_void_p(parallel), int(insist))

    def keep_threads(self) -> None:
        """As many as torch has now."""
        if (wanted := torch.get_num_threads()) != self._threads:
            self._threads = self.function("threads")(wanted)


def _find_openmp() -> int | None:
    """Where the function lies that runs another one on PyTorch's own threads (GNU's, as in its Linux wheels); None: it cannot be had."""
    try:
        loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line}
        library = ctypes.CDLL(min(loaded, key=lambda path: "torch" not in path))
        return ctypes.cast(library.GOMP_parallel, c_void_p).value
    except (OSError, ValueError, AttributeError):
        return None


def _load() -> Loops:
    for path in sorted(Path(__file__).parents[1].joinpath("kernels").glob("kernels.*")):
        if path.suffix in (".so", ".dylib", ".dll"):
            try:
                return Loops(path)
            except (OSError, AttributeError):  # of another system, or of another version
                continue
    raise ImportError("the compiled loops were not built for this system")


loops = _load()


@cache
def _kernel(name: str) -> Any:
    function = loops.function(name)
    function.restype, function.argtypes = c_int, [c_void_p, c_void_p, c_int64, c_int64]
    return function


def describe(*tensors: Tensor | None) -> list[int]:
    """Tensors as C reads them, who must outlive the call; None: nothing.  All lie without gaps."""
    told: list[int] = []
    for tensor in tensors:
        if tensor is None:
            told += NOTHING
            continue
        if not tensor.is_contiguous():
            raise ValueError(
                f"loops read arrays without gaps, and this one of {tuple(tensor.shape)} has strides {tensor.stride()}"
            )
        told += (tensor.data_ptr(), *tensor.shape, *NOTHING[1 + tensor.dim() :])
    return told


def call(name: str, tensors: Sequence[Tensor], numbers: Sequence[float] = (), *, units: int, steps: int) -> None:
    """A kernel over `units` pieces of work.  tensors: on a CPU, without gaps, those that are read and those that are written; steps: how
    much there is to do, in steps of the innermost loop, each of which a vector makes many of."""
    call_told(name, describe(*tensors), numbers, units=units, cost=steps * STEP)


def call_told(name: str, told: list[int], numbers: Sequence[float] = (), *, units: int, cost: int) -> None:
    """`call`, of arrays that were described before; cost: in products of a matrix."""
    loops.keep_threads()
    arrays, more = array("q", told), (c_double * len(numbers))(*numbers)
    if _kernel(name)(arrays.buffer_info()[0], more, units, cost):
        raise MemoryError(f"no memory for the room that the loops {name} need")
