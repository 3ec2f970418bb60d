"""Loops compiled by numba (the extra `kernels`).  They are compiled when they are first used, a second each, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.core.numba_cache import import_numba, kept

numba = import_numba()

from llvmlite import ir  # noqa: E402  # numba first: see `kept`
from numba.core import types  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

# No promise that numbers are finite (`nnan`, `ninf`) is made to the compiler: what is not a number must come out as such.
_QUICK = {"reassoc", "contract", "arcp", "nsz"}


def compiled(loops: Callable[..., Any], *, freely: Any = _QUICK) -> Any:
    """Loops over arrays and numbers, as machine code that holds no GIL; sums in an order that the compiler chooses.

    They are kept on disk (see `kept`), and made anew when any file of loops changes.
    """
    return kept(numba.njit(nogil=True, error_model="numpy", fastmath=freely)(loops))


def exactly(loops: Callable[..., Any]) -> Any:
    """`compiled`, each operation as it is written.

    Loops that write what they read are compiled twice, for arrays that may overlap and for such as do not, and which of them runs depends
    on where things lie in memory: only so do both say the same to the last bit.
    """
    return compiled(loops, freely=False)


def part_of_loops(loops: Callable[..., Any]) -> Any:
    """Within loops: compiled where it is called, as if it were written there.  (A function of its own is compiled once for itself, and
    once more with everything that calls it, and so on upwards: what many call, or calls much, is better a part.)"""
    return numba.njit(inline="always")(loops)


_within_loops: Any = intrinsic  # what it makes has one argument less


def arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    """The numbers of tensors on a CPU, for loops; bfloat16, which numpy has not, as the 16 bits that it is (see `wide` and `like`)."""
    each = [t.detach() if t.requires_grad else t for t in tensors]
    return tuple([(t.view(torch.uint16) if t.dtype == torch.bfloat16 else t).numpy() for t in each])


@_within_loops
def bits(_: Any, x: Any) -> Any:
    """Within loops: the bits of a float32 as an int32."""
    return types.int32(types.float32), lambda context, builder, signature, x: builder.bitcast(x[0], _WORD)


@_within_loops
def number(_: Any, x: Any) -> Any:
    """Within loops: the float32 that has these bits."""
    return types.float32(types.int32), lambda context, builder, signature, x: builder.bitcast(x[0], ir.FloatType())


@_within_loops
def wide(_: Any, x: Any) -> Any:
    """Within loops: a float32 as it is, the bits of a bfloat16 as the float32 that it is."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        if x == types.float32:
            return given[0]
        return builder.bitcast(builder.shl(builder.zext(given[0], _WORD), _HALF), ir.FloatType())

    return types.float32(x), made


@_within_loops
def like(_: Any, y: Any, x: Any) -> Any:
    """Within loops: a float32 as what x is, float32 or the bits of the nearest bfloat16 (of two as near, the even one)."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        if x == types.float32:
            return given[0]
        whole = builder.bitcast(given[0], _WORD)
        odd = builder.and_(builder.lshr(whole, _HALF), _WORD(1))
        return builder.trunc(builder.lshr(builder.add(builder.add(whole, _WORD(0x7FFF)), odd), _HALF), ir.IntType(16))

    return x(types.float32, x), made


@_within_loops
def with_product(_: Any, sum: Any, a: Any, b: Any) -> Any:
    """Within loops: `sum + a b`, of float32 in float32, of bytes exactly in int32 (which Python's own arithmetic would widen)."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        if sum == types.float32:
            return builder.fadd(given[0], builder.fmul(given[1], given[2], flags=_FAST), flags=_FAST)
        return builder.add(given[0], builder.mul(*(builder.sext(each, _WORD) for each in given[1:])))

    return sum(sum, a, b), made


@_within_loops
def scaled(_: Any, sum: Any, step: Any, scale: Any, bias: Any) -> Any:
    """Within loops: `sum step scale + bias` of float32, the last two in float64, where the product is exact, so that no order that the
    compiler chooses shows and all loops say the same to the last bit: what is rounded to bytes next can make a whole step of it."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        first = given[0] if sum == types.float32 else builder.sitofp(given[0], ir.FloatType())
        factor, scale, bias = (builder.fpext(each, ir.DoubleType()) for each in (builder.fmul(first, given[1]), *given[2:]))
        return builder.fptrunc(builder.fadd(builder.fmul(factor, scale), bias), ir.FloatType())

    return types.float32(sum, step, scale, bias), made


_FAST = ("reassoc", "contract", "nsz")
_WORD = ir.IntType(32)
_HALF = _WORD(16)
