"""Products of rows with a matrix in tiles, compiled around instructions for 16 numbers at once: of float32 (AVX-512: multiply and add), and
of bytes (AVX-512 VNNI: the sum of four products).

A tile of 4 rows and 64 outputs stays in registers while it is summed, over a matrix that lies as tiles read it; a row's sums have the same
order in any batch, and so the same bits.  32 rows, weights from memory, one core, billions of products and sums a second, oneDNN's own
layout / this: 512 to 512 66 / 91, 768 to 1,536 90 / 104, 512 to 8,000 87 / 97.
Not to be imported where the processor lacks either instruction, or numba was told not to use it: see `regard.core.optional.module`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8
from llvmlite import ir
from numba.core import cgutils, codegen, config, types
from numba.extending import intrinsic, overload
from torch import Tensor

from regard.core.numba_loops import arrays, compiled, scaled
from regard.core.parallel import spread
from regard.inference.kernels.gemv_numba import to_bytes

_told: str | None = getattr(config, "CPU_FEATURES", None)  # NUMBA_CPU_FEATURES
if "+avx512vnni" not in (codegen.get_host_cpu_features() if _told is None else _told):
    raise ImportError("the processor does not sum products of bytes in one instruction")

ROWS, LANES, BLOCKS, FOUR = 4, 16, 4, 4  # of a tile: rows; outputs of a register, registers; bytes that are summed at once
OUTPUTS = LANES * BLOCKS
MANY, WIDE = 32, 512  # rows and outputs whose sums wait, near the processor, to be finished
ABOVE = 128  # what is added to the bytes of a row, for the instruction takes one side without a sign
Single, Word = np.float32, np.int32
Matrix = tuple[np.ndarray, ...]
"""As loops take it.  Of float32: the numbers "G K 64", of each 64 outputs column by column, zeros beyond the matrix.  Of bytes: four
columns in a word, "G K/4 64"; what is too much in each sum, for a row's bytes are told with `ABOVE` added; the outputs' scales."""


def of_floats(weight: Float[Tensor, "N K"]) -> Matrix:
    whole = F.pad(weight, (0, 0, 0, -len(weight) % OUTPUTS))
    return arrays(whole.view(-1, OUTPUTS, whole.shape[1]).transpose(1, 2).contiguous())


def of_bytes(q: Int8[Tensor, "N K"], scale: Float[Tensor, " N"]) -> Matrix:
    whole = F.pad(q, (0, -q.shape[1] % FOUR, 0, -len(q) % OUTPUTS))
    words = whole.view(-1, OUTPUTS, whole.shape[1] // FOUR, FOUR).transpose(1, 2).contiguous().view(torch.int32)[..., 0]
    return arrays(words, ABOVE * q.sum(1, dtype=torch.int32), scale)


def linear(x: Float[Tensor, "R K"], matrix: Matrix, bias: Float[Tensor, " N"] | None, outputs: int) -> Float[Tensor, "R N"]:
    """`x W^T + b`.  With bytes each row is rounded to bytes in steps of its own, and its products are summed exactly."""
    given, beside = arrays(x.contiguous(), x.new_zeros(outputs) if bias is None else bias)
    out = np.empty((len(given), outputs), Single)
    by_rows = len(given) >= 2 * MANY
    loops, units = (_rows, -(-len(given) // ROWS)) if by_rows else (_outputs, len(matrix[0]))
    spread(
        loops, (given, matrix, beside, out), units, given.size * outputs // (150 if len(matrix) > 1 else 50)
    )  # 5 and 20 ps each
    return torch.from_numpy(out)


@compiled
def _outputs(x: Any, matrix: Any, bias: Any, out: Any, first: int, last: int) -> None:
    """Those of the groups of 64 from `first` to `last`, of all rows."""
    space = room(matrix[0], x.shape[1])
    for top in range(0, len(x), MANY):
        times(x[top : top + MANY], matrix, bias, out[top : top + MANY], space, first, last)


@compiled
def _rows(x: Any, matrix: Any, bias: Any, out: Any, first: int, last: int) -> None:
    """Those of the tiles from `first` to `last`, all outputs."""
    space = room(matrix[0], x.shape[1])
    end = min(last * ROWS, len(x))
    for top in range(first * ROWS, end, MANY):
        stop = min(top + MANY, end)
        times(x[top:stop], matrix, bias, out[top:stop], space, 0, len(matrix[0]))


@compiled
def times(x: Any, matrix: Any, bias: Any, out: Any, space: Any, first: int, last: int) -> None:
    """Within loops: `x W^T + b` of at most `MANY` rows, the outputs of the groups of 64 from `first` to `last`.  space: of `room`."""
    R, N, sums = len(x), out.shape[1], space[1]
    take(x, matrix[0], space)
    for begin in range(first * OUTPUTS, last * OUTPUTS, WIDE):
        end = min(begin + WIDE, last * OUTPUTS)
        for n in range(begin, end, OUTPUTS):
            for r in range(0, R, ROWS):
                _tile(space[0], matrix[0], sums, r, n // OUTPUTS, r, (n - begin) // LANES)
        for r in range(R):
            finish(sums[r], matrix, space, r, begin, bias, out[r, begin : min(end, N)])


def room(words: Any, columns: Any) -> Any:
    """Within loops: for `MANY` rows of so many columns, as tiles read them; for sums; and for the step of each row of bytes."""


def take(x: Any, words: Any, space: Any) -> None:
    """Within loops: rows into their room."""


def finish(sums: Any, matrix: Any, space: Any, r: Any, begin: Any, bias: Any, out: Any) -> None:
    """Within loops: the outputs of row r from `begin` on, from their sums."""


@overload(room, strict=False, inline="always")
def _room(words: Any, columns: Any) -> Any:
    if words.dtype == types.float32:
        return lambda words, columns: (np.zeros(MANY * columns, Single), np.empty((MANY, WIDE), Single))
    return lambda words, columns: (
        np.zeros(MANY * (-(-columns // FOUR) * FOUR), np.uint8), np.empty((MANY, WIDE), Word), np.empty(MANY, Single)
    )  # fmt: skip


@overload(take, strict=False, inline="always")
def _take(x: Any, words: Any, space: Any) -> Any:
    def plain(x: Any, words: Any, space: Any) -> None:
        wide = x.shape[1]
        for r in range(len(x)):
            for k in range(wide):
                space[0][r * wide + k] = x[r, k]

    def rounded(x: Any, words: Any, space: Any) -> None:
        wide = words.shape[1] * FOUR
        rows = space[0][: len(x) * wide].reshape((len(x), wide))
        for r in range(len(x)):
            space[2][r] = to_bytes(x[r], rows[r], Word(ABOVE))

    return plain if words.dtype == types.float32 else rounded


@overload(finish, strict=False, inline="always")
def _finish(sums: Any, matrix: Any, space: Any, r: Any, begin: Any, bias: Any, out: Any) -> Any:
    def plain(sums: Any, matrix: Any, space: Any, r: Any, begin: Any, bias: Any, out: Any) -> None:
        b = bias[begin:]
        for n in range(len(out)):
            out[n] = sums[n] + b[n]

    def rounded(sums: Any, matrix: Any, space: Any, r: Any, begin: Any, bias: Any, out: Any) -> None:
        less, scale, b, step = matrix[1][begin:], matrix[2][begin:], bias[begin:], space[2][r]
        for n in range(len(out)):
            out[n] = scaled(Word(sums[n] - less[n]), step, scale[n], b[n])

    return plain if len(matrix) == 1 else rounded


_WORD, _PLACE = ir.IntType(32), ir.IntType(64)
_within_loops: Any = intrinsic  # what it makes has one argument less


@_within_loops
def _tile(_: Any, rows: Any, words: Any, sums: Any, row: Any, group: Any, to_row: Any, to_block: Any) -> Any:
    """Within loops: the sums of four rows from `row` on and the 64 outputs of a group; where they go."""
    one = ir.FloatType() if words.dtype == types.float32 else _WORD
    many = ir.VectorType(one, LANES)

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        each = [context.make_array(kind)(context, builder, it) for kind, it in zip(signature.args[:3], given[:3], strict=True)]
        of_rows, of_words, into = (
            builder.bitcast(a.data, kind.as_pointer()) for a, kind in zip(each, (one, many, many), strict=True)
        )
        deep = cgutils.unpack_tuple(builder, each[1].shape)[1]
        nought = ir.Constant(many, [0] * LANES)
        held = [cgutils.alloca_once_value(builder, nought) for _ in range(ROWS * BLOCKS)]
        for sum in held:
            builder.store(nought, sum)
        with cgutils.for_range(builder, deep) as loop:
            begin = builder.mul(builder.add(builder.mul(given[4], deep), loop.index), _PLACE(BLOCKS))
            read = [_at(builder, of_words, builder.add(begin, _PLACE(j))) for j in range(BLOCKS)]
            for i in range(ROWS):
                x = _at(builder, of_rows, builder.add(builder.mul(builder.add(given[3], _PLACE(i)), deep), loop.index))
                x = builder.insert_element(ir.Constant(many, ir.Undefined), x, _WORD(0))
                x = builder.shuffle_vector(x, x, ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES))
                for sum, word in zip(held[i * BLOCKS :], read, strict=False):
                    builder.store(_summed(builder, builder.load(sum), x, word), sum)
        for place, sum in enumerate(held):
            to = builder.mul(builder.add(given[5], _PLACE(place // BLOCKS)), _PLACE(WIDE // LANES))
            to = builder.add(to, builder.add(given[6], _PLACE(place % BLOCKS)))
            builder.store(builder.load(sum), builder.gep(into, [to])).align = 4
        return context.get_dummy_value()

    return types.void(rows, words, sums, *[types.int64] * 4), made


def _at(builder: Any, pointer: Any, place: Any) -> Any:
    read = builder.load(builder.gep(pointer, [place]))
    read.align = 1
    return read


def _summed(builder: Any, sum: Any, x: Any, word: Any) -> Any:
    """sum + x word, 16 times; of bytes, four products each."""
    of_floats = isinstance(sum.type.element, ir.FloatType)
    name, given = ("llvm.fma.v16f32", [x, word, sum]) if of_floats else ("llvm.x86.avx512.vpdpbusd.512", [sum, x, word])
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(sum.type, [sum.type] * 3), name), given)
