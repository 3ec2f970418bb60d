"""The products of a `plan.Plan` within loops, which take a whole step of a decoder at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from regard.ground.compiled import compiled
from regard.networks.rows_numba import product

F = np.float32
GROUP, SOME = 4, 32  # rows of a tile, which one thread takes at least, and rows that it takes at once
ONES = np.ones(1, F)


@compiled
def matrix(flat: Any, at: Any, rows: Any, columns: Any) -> Any:
    """Within loops: numbers of a row as a matrix."""
    return flat[at : at + rows * columns].reshape((rows, columns))


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


@overload(room, strict=False)
def _room_by_layout(numbers: Any, widest: Any) -> Any:
    if numbers[1].dtype == types.int8:
        return lambda numbers, widest: (np.empty(widest, np.int8),)
    from regard.networks.tiles_numba import room as of_tiles

    return lambda numbers, widest: (of_tiles(numbers[0], widest), of_tiles(numbers[1], widest))


@overload(_multiply, strict=False)
def _multiply_by_layout(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> Any:
    def rows(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        for r in range(len(x)):
            if part[0]:
                product(matrix(numbers[1], part[3], part[1], part[2]), scale, bias, x[r], out[r], space[0], 0, part[1])
            else:
                product(matrix(numbers[0], part[3], part[1], part[2]), ONES, bias, x[r], out[r], space[0], 0, part[1])

    if numbers[1].dtype == types.int8:
        return rows
    from regard.networks.tiles_numba import FOUR, OUTPUTS
    from regard.networks.tiles_numba import times as in_tiles

    def tiles(part: Any, numbers: Any, scale: Any, bias: Any, x: Any, out: Any, space: Any) -> None:
        groups = -(-part[1] // OUTPUTS)
        deep = -(-part[2] // FOUR) if part[0] else part[2]
        begin, end = part[3], part[3] + groups * OUTPUTS * deep
        if part[0]:
            words = numbers[1][begin:end].reshape((groups, deep, OUTPUTS))
            in_tiles(x, (words, numbers[1][end : end + part[1]], scale), bias, out, space[1], 0, groups)
        else:
            in_tiles(x, (numbers[0][begin:end].reshape((groups, deep, OUTPUTS)),), bias, out, space[0], 0, groups)

    return tiles
