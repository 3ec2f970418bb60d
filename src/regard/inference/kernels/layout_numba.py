"""The products of a `layout.WeightLayout` within loops, which take a whole step of a decoder at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import types
from numba.extending import overload
from torch import Tensor

from regard.core.numba_loops import arrays, compiled, exactly, part_of_loops
from regard.inference.kernels.gemv_numba import product

F = np.float32
GROUP, SOME = 4, 32  # rows of a tile, which one thread takes at least, and rows that it takes at once
ONES = np.ones(1, F)


@part_of_loops
def matrix(flat: Any, at: Any, rows: Any, columns: Any) -> Any:
    """Within loops: numbers of a row as a matrix."""
    return flat[at : at + rows * columns].reshape((rows, columns))


def ready(floats: Tensor, bytes_: Tensor) -> tuple[np.ndarray, ...]:
    """The numbers of a `WeightLayout` as loops take them; of tiles only such as there are, so that no loops are compiled for others."""
    both = arrays(floats, bytes_)
    return both if bytes_.dtype == torch.int8 else tuple(each for each in both if len(each))


@exactly
def put(rows: Any, into: Any, at: Any) -> None:
    """Within loops: rows into others, from their column `at` on.  (By hand: numba compiles `into[:, at:] = rows` for half a second.)"""
    for r in range(rows.shape[0]):
        for d in range(rows.shape[1]):
            into[r, at + d] = rows[r, d]


@compiled
def times(part: Any, numbers: Any, rest: Any, x: Any, R: Any, out: Any, space: Any) -> None:
    """A product of the plan, of R rows.  part: is it of bytes?, rows, columns, where its numbers, scales and bias lie."""
    N = part[1]
    bias = rest[part[5] : part[5] + N]
    _multiply(part, numbers, rest[part[4] : part[4] + N], bias, matrix(x, 0, R, part[2]), matrix(out, 0, R, N), space)


def room(numbers: Any, widest: Any) -> Any:
    """Within loops: what products need."""


def _multiply(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
    """Within loops: a product, row by row where the numbers lie as in a matrix, else in tiles."""


@overload(room, strict=False, inline="always")
def _room_by_layout(numbers: Any, widest: Any) -> Any:
    if _kinds(numbers)[-1] == types.int8:
        return lambda numbers, widest: (np.empty(widest, np.int8),)
    from regard.inference.kernels.gemm_numba import room as of_tiles

    if len(numbers) == 1:
        return lambda numbers, widest: (of_tiles(numbers[0], widest),)
    return lambda numbers, widest: (of_tiles(numbers[0], widest), of_tiles(numbers[1], widest))


@overload(_multiply, strict=False, inline="always")
def _multiply_by_layout(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> Any:
    def rows(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        for r in range(len(x)):
            if part[0]:
                product(matrix(numbers[1], part[3], part[1], part[2]), scale, bias, x[r], out[r], space[0], 0, part[1])
            else:
                product(matrix(numbers[0], part[3], part[1], part[2]), ONES, bias, x[r], out[r], space[0], 0, part[1])

    def tiles(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        if part[0]:
            _of_bytes(part, numbers[1], scale, bias, x, out, space[1])
        else:
            _of_floats(part, numbers[0], bias, x, out, space[0])

    def floats(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        _of_floats(part, numbers[0], bias, x, out, space[0])

    def words(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        _of_bytes(part, numbers[0], scale, bias, x, out, space[0])

    kinds = _kinds(numbers)
    if kinds[-1] == types.int8:
        return rows
    return tiles if len(kinds) == 2 else floats if kinds[0] == types.float32 else words


def _kinds(numbers: Any) -> list[Any]:
    return [each.dtype for each in numbers.types]


def _of_floats(part: Any, numbers: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
    """Within loops, in tiles."""


def _of_bytes(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
    """Within loops, in tiles."""


@overload(_of_floats, strict=False, inline="always")
def _floats_in_tiles(part: Any, numbers: Any, bias: Any, x: Any, out: Any, space: Any) -> Any:
    from regard.inference.kernels.gemm_numba import OUTPUTS
    from regard.inference.kernels.gemm_numba import times as in_tiles

    def made(part: Any, numbers: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        groups = -(-part[1] // OUTPUTS)
        words = numbers[part[3] : part[3] + groups * OUTPUTS * part[2]].reshape((groups, part[2], OUTPUTS))
        in_tiles(x, (words,), bias, out, space, 0, groups)

    return made


@overload(_of_bytes, strict=False, inline="always")
def _bytes_in_tiles(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> Any:
    from regard.inference.kernels.gemm_numba import FOUR, OUTPUTS
    from regard.inference.kernels.gemm_numba import times as in_tiles

    def made(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        groups, deep = -(-part[1] // OUTPUTS), -(-part[2] // FOUR)
        end = part[3] + groups * OUTPUTS * deep
        words = numbers[part[3] : end].reshape((groups, deep, OUTPUTS))
        in_tiles(x, (words, numbers[end : end + part[1]], scale), bias, out, space, 0, groups)

    return made
