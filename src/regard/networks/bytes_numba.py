"""Products of rows with a matrix in bytes, compiled around the instruction that sums four products of bytes (AVX-512 VNNI: vpdpbusd).

A tile of 4 rows and 64 outputs stays in registers while it is summed, and rounding and scales are part of the same call.  32 rows, one
core, oneDNN with its rounding / this: 256 x 256 69 / 13 us, 1,024 x 256 108 / 45, 8,000 x 256 430 / 345.
Not to be imported where the processor lacks the instruction, or numba was told not to use it: see `regard.ground.optional.module`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8, Int32
from llvmlite import ir
from numba.core import cgutils, codegen, config, types
from numba.extending import intrinsic
from torch import Tensor

from regard.ground.compiled import arrays, compiled, scaled
from regard.ground.threads import spread
from regard.networks.rows_numba import to_bytes

_told: str | None = getattr(config, "CPU_FEATURES", None)  # NUMBA_CPU_FEATURES
if "+avx512vnni" not in (codegen.get_host_cpu_features() if _told is None else _told):
    raise ImportError("the processor does not sum products of bytes in one instruction")

ROWS, LANES, BLOCKS, FOUR = 4, 16, 4, 4  # of a tile: rows; outputs of a register, registers; bytes that are summed at once
OUTPUTS = LANES * BLOCKS
MANY, WIDE = 32, 512  # rows and outputs whose sums wait, near the processor, for their scales
ABOVE = 128  # what is added to the bytes of a row, for the instruction takes one side without a sign
Single, Word = np.float32, np.int32
_WORD, _PLACE = ir.IntType(32), ir.IntType(64)
_LANES = ir.VectorType(_WORD, LANES)
_within_loops: Any = intrinsic  # what it makes has one argument less


class Tiles(NamedTuple):
    """A matrix "N K" in bytes, as loops take it.

    words: "B G 16", of each 16 outputs and 4 columns the 64 bytes, output by output, zeros beyond the matrix; less: "N", what is too much
    in each output's sum, since rows are told as `ABOVE` what they are; scale: "N", of each output; nought: "N", for want of a bias.
    """

    words: np.ndarray
    less: np.ndarray
    scale: np.ndarray
    nought: np.ndarray


def laid_out(q: Int8[Tensor, "N K"], scale: Float[Tensor, "N"]) -> Tiles:
    N, K = q.shape
    whole = F.pad(q, (0, -K % FOUR, 0, -N % OUTPUTS))
    words = whole.view(-1, LANES, whole.shape[1] // FOUR, FOUR).transpose(1, 2).contiguous().view(torch.int32)[..., 0]
    return Tiles(*arrays(words, ABOVE * q.sum(1, dtype=torch.int32), scale, torch.zeros(N)))


def in_a_row(q: Int8[Tensor, "N K"]) -> Int32[Tensor, "M"]:
    """The words of the matrix and then `less`, one after the other."""
    words, less, *_ = laid_out(q, q.new_zeros(len(q), dtype=torch.float32))
    return torch.from_numpy(np.concatenate([words.ravel(), less]))


def linear(x: Float[Tensor, "R K"], tiles: Tiles, bias: Float[Tensor, "N"] | None) -> Float[Tensor, "R N"]:
    """`x W^T + b`; each row is rounded to bytes in steps of its own, and its products are summed exactly."""
    words, less, scale, nought = tiles
    (given,), beside = arrays(x.contiguous()), nought if bias is None else arrays(bias)[0]
    out = np.empty((len(given), len(scale)), Single)
    groups = len(words) // BLOCKS
    spread(_products, (given, words, less, scale, beside, out), groups, given.size * len(scale) // 150)  # 5 ps each
    return torch.from_numpy(out)


@compiled
def _products(x: Any, words: Any, less: Any, scale: Any, bias: Any, out: Any, first: int, last: int) -> None:
    """The outputs of the groups of 64 from `first` to `last`."""
    rows, step, sums = np.empty(room(x.shape[0], x.shape[1]), np.uint8), np.empty(len(x), Single), np.empty((MANY, WIDE), Word)
    times(x, words, less, scale, bias, out, rows, step, sums, first, last)


@compiled
def room(rows: Any, columns: Any) -> Any:
    """Within loops: how many bytes they take, in whole tiles."""
    return -(-rows // ROWS) * ROWS * -(-columns // FOUR) * FOUR


@compiled
def times(
    x: Any, words: Any, less: Any, scale: Any, bias: Any, out: Any, rows: Any, step: Any, sums: Any, first: int, last: int
) -> None:
    """Within loops: `x W^T + b`, the outputs of the groups of 64 from `first` to `last`.  rows: of bytes, for all of x in whole tiles;
    step: of each row; sums: "MANY WIDE"."""
    R, N, wide = len(x), len(scale), words.shape[1] * FOUR
    rows = rows[: -(-R // ROWS) * ROWS * wide].reshape((-(-R // ROWS) * ROWS, wide))
    for r in range(R):
        step[r] = to_bytes(x[r], rows[r], Word(ABOVE))
    for begin in range(first * OUTPUTS, last * OUTPUTS, WIDE):
        end = min(begin + WIDE, last * OUTPUTS)
        width = min(end, N) - begin
        for top in range(0, R, MANY):
            for n in range(begin, end, OUTPUTS):
                for r in range(top, min(top + MANY, R), ROWS):
                    _tile(rows, words, sums, r, n // LANES, r - top, (n - begin) // LANES)
            for r in range(top, min(top + MANY, R)):
                _scaled(sums[r - top], less[begin:], step[r], scale[begin:], bias[begin:], out[r, begin : begin + width])


@compiled
def _scaled(sums: Any, less: Any, step: Any, scale: Any, bias: Any, out: Any) -> None:
    for n in range(len(out)):
        out[n] = scaled(Word(sums[n] - less[n]), step, scale[n], bias[n])


@_within_loops
def _tile(_: Any, rows: Any, words: Any, sums: Any, row: Any, block: Any, to_row: Any, to_block: Any) -> Any:
    """Within loops: the sums of four rows from `row` on and four blocks of 16 outputs from `block` on; where they go."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        each = [context.make_array(kind)(context, builder, it) for kind, it in zip(signature.args[:3], given[:3], strict=True)]
        of_rows, of_words = builder.bitcast(each[0].data, _WORD.as_pointer()), builder.bitcast(each[1].data, _LANES.as_pointer())
        into = builder.bitcast(each[2].data, _LANES.as_pointer())
        groups = cgutils.unpack_tuple(builder, each[1].shape)[1]
        kind = ir.FunctionType(_LANES, [_LANES] * 3)
        summed = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
        held = [cgutils.alloca_once_value(builder, ir.Constant(_LANES, [0] * LANES)) for _ in range(ROWS * BLOCKS)]
        for sum in held:
            builder.store(ir.Constant(_LANES, [0] * LANES), sum)
        with cgutils.for_range(builder, groups) as loop:
            read = [_at(builder, of_words, given[4], j, groups, loop.index) for j in range(BLOCKS)]
            for i in range(ROWS):
                four = _at(builder, of_rows, given[3], i, groups, loop.index)
                four = builder.insert_element(ir.Constant(_LANES, ir.Undefined), four, _WORD(0))
                four = builder.shuffle_vector(four, four, ir.Constant(_LANES, [0] * LANES))
                for j in range(BLOCKS):
                    sum = held[i * BLOCKS + j]
                    builder.store(builder.call(summed, [builder.load(sum), four, read[j]]), sum)
        for place, sum in enumerate(held):
            row = builder.mul(builder.add(given[5], _PLACE(place // BLOCKS)), _PLACE(WIDE // LANES))
            to = builder.add(row, builder.add(given[6], _PLACE(place % BLOCKS)))
            builder.store(builder.load(sum), builder.gep(into, [to])).align = 4
        return context.get_dummy_value()

    return types.void(rows, words, sums, *[types.int64] * 4), made


def _at(builder: Any, pointer: Any, first: Any, more: int, width: Any, index: Any) -> Any:
    """What lies at [first + more, index] of a table of this width."""
    place = builder.add(builder.mul(builder.add(first, _PLACE(more)), width), index)
    read = builder.load(builder.gep(pointer, [place]))
    read.align = 1
    return read
