"""Compiled loops (see `core.numba_loops`) on as many threads as torch has.

Numba's own threads are not used: they allow one caller at a time.  PyTorch's OpenMP is, where it can be had: its threads wait for their
next piece at full speed for milliseconds after each operation of PyTorch, and threads of ours would find every core taken (two cores,
additive attention behind a product: 11 ms instead of 19).  It is handed machine code, which asks nothing of Python: 2 microseconds
for two threads, where a function of Python took 25 to 80 for the GIL.
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from regard.core.numba_loops import compiled

SMALL = 10_000  # steps of a loop, some microseconds, for each part: less is not worth the handing over


def spread(loops: Any, given: tuple[Any, ...], units: int, steps: int) -> None:
    """`loops(*given, first, last)` over all of range(units), in one part for each thread; loops: `compiled`.

    steps: how much there is to do, in steps of the innermost loop.  Which part a unit falls into must not change what is written.
    """
    if (parts := min(torch.get_num_threads(), units, 1 + steps // SMALL)) < 1:
        return
    if (openmp := _openmp()) is not None:
        if _in_parts(loops)(*given, units, parts, *openmp):
            raise MemoryError(f"no memory for the room that {loops.__name__} needs")
        return
    bounds = list(pairwise(units * i // parts for i in range(parts + 1)))
    others = [_pool(parts - 1).submit(loops, *given, *bound) for bound in bounds[1:]]
    loops(*given, *bounds[0])
    for other in others:
        other.result()


class OpenMP(NamedTuple):
    """Where its functions lie: what runs a function on a team of threads, a thread's number in it, and how many they are."""

    parallel: int
    number: int
    team: int


@cache
def _openmp() -> OpenMP | None:
    """PyTorch's own (GNU's, as in its Linux wheels); None where it cannot be had."""
    try:
        loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line}
        library = ctypes.CDLL(min(loaded, key=lambda path: "torch" not in path))
        functions = library.GOMP_parallel, library.omp_get_thread_num, library.omp_get_num_threads
    except (OSError, ValueError, AttributeError):
        return None
    return OpenMP(*(ctypes.cast(each, ctypes.c_void_p).value or 0 for each in functions))


@cache
def _in_parts(loops: Any) -> Any:
    """loops, compiled once more as `f(*given, units, parts, *openmp)`: all parts, and how many of them failed for want of memory.

    Written here, one for each, since numba keeps on disk only what names the functions that it calls; it goes by the file and the line.
    """
    plain = loops.py_func
    given = "".join(f"given{n}, " for n in range(plain.__code__.co_argcount - 2))
    name, more = f"{plain.__name__}_in_parts", f"units, parts, {', '.join(OpenMP._fields)}"
    source = f"def {name}({given}{more}): return in_parts({plain.__name__}, ({given}), {more})"
    room = {plain.__name__: loops, "in_parts": in_parts, "__name__": plain.__module__}
    exec(compile("\n" * (plain.__code__.co_firstlineno - 1) + source, plain.__code__.co_filename, "exec"), room)
    return compiled(room[name])


_within_loops: Any = intrinsic  # what it makes has one argument less
_NUMBER, _PLACE = ir.IntType(32), ir.IntType(64)
_ANYTHING = ir.IntType(8).as_pointer()
_FAILED = 6  # where a team is told how many parts failed, behind all else that it is told


@_within_loops
def in_parts(typing: Any, loops: Any, given: Any, units: Any, parts: Any, parallel: Any, number: Any, team: Any) -> Any:
    """Within loops: `loops(*given, first, last)` over all of range(units), in so many parts, on a team of threads; how many failed."""
    call = loops.get_call_type(typing, (*given, types.int64, types.int64), {})

    def made(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        told = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, [*values[1:], _PLACE(0)]))
        work = _work(context, builder, loops.dispatcher, call, told.type)
        kind = ir.FunctionType(ir.VoidType(), [work.type, _ANYTHING, _NUMBER, _NUMBER])
        run = builder.inttoptr(values[4], kind.as_pointer())
        builder.call(run, [work, builder.bitcast(told, _ANYTHING), builder.trunc(values[3], _NUMBER), _NUMBER(0)])
        return builder.load(cgutils.gep_inbounds(builder, told, 0, _FAILED))

    return types.int64(loops, given, *[types.int64] * 5), made


def _work(context: Any, around: Any, loops: Any, call: Any, told_as: Any) -> Any:
    """What every thread of a team runs: as many parts as fall to it, be the team smaller than was asked for."""
    work = ir.Function(around.module, ir.FunctionType(ir.VoidType(), [_ANYTHING]), around.module.get_unique_name("work"))
    work.linkage = "internal"
    builder = ir.IRBuilder(work.append_basic_block())
    told = builder.bitcast(work.args[0], told_as)
    given, units, parts, _, *ask = (builder.load(cgutils.gep_inbounds(builder, told, 0, i)) for i in range(_FAILED))
    answers = ir.FunctionType(_NUMBER, []).as_pointer()
    number, team = (builder.sext(builder.call(builder.inttoptr(each, answers), []), _PLACE) for each in ask)
    overload = loops.overloads[call.args]
    function = context.declare_function(builder.module, overload.fndesc)
    context.active_code_library.add_linking_library(overload.library)
    with cgutils.for_range_slice(builder, number, parts, team, _PLACE) as (part, _):
        bounds = (builder.sdiv(builder.mul(units, n), parts) for n in (part, builder.add(part, _PLACE(1))))
        values = [*cgutils.unpack_tuple(builder, given), *bounds]
        status, _ = context.call_conv.call_function(builder, function, call.return_type, call.args, values)
        with builder.if_then(status.is_error):
            builder.atomic_rmw("add", cgutils.gep_inbounds(builder, told, 0, _FAILED), _PLACE(1), "monotonic")
    builder.ret_void()
    return work


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="regard-kernel")


def _after_fork() -> None:
    """Threads do not survive a fork; and OpenMP would wait for its own for ever."""
    global _openmp
    _pool.cache_clear()
    _openmp = cache(lambda: None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
