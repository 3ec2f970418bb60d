"""Probabilities less the word that was right, compiled: one row at a time, which stays near the processor, and in place.

The exponential is 2^n e^r, with n the nearest whole number and e^r by Cody and Waite's reduction and a polynomial of degree 7: 2e-7 off at
most, in plain arithmetic, so that the compiler takes as many as a register holds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.ground.compiled import arrays, bits, compiled, like, number, spread, wide

F, Word = np.float32, np.int32
LEAST, LOG2_E, LN_2_HIGH, LN_2_LOW = F(-87), F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)
C2, C3, C4 = F(5.0000001201e-1), F(1.6666665459e-1), F(4.1665795894e-2)
C5, C6, C7 = F(8.3334519073e-3), F(1.3981999507e-3), F(1.9875691500e-4)
ZERO, ONE, HALF = F(0), F(1), F(0.5)
GROUP = 32  # rows whose sums are gathered apart, so that groups run side by side and sums hang on no thread


def shares(
    logits: Float[Tensor, "N V"], bias: Float[Tensor, "V"], words: Int[Tensor, "N"], less: float
) -> tuple[Float[Tensor, "N V"], Float[Tensor, "V"], Float[Tensor, "N"], Float[Tensor, "N"]]:
    """What `loss.shares` gives, written over the logits.  float32 or bfloat16, contiguous."""
    groups = -(-len(words) // GROUP)
    lse, nats, sums = (
        logits.new_empty(shape, dtype=torch.float32) for shape in ((len(words),), (len(words),), (groups, len(bias)))
    )
    spread(partial(_shares, *arrays(logits, bias.float(), words, lse, nats, sums), F(less)), groups, logits.numel())
    return logits, sums.sum(0), lse, nats


@compiled
def _exp(x: Any) -> Any:
    """e^x for x of at most 0; no less than e^-87."""
    x = x if x > LEAST else LEAST
    n = Word(x * LOG2_E - HALF)
    r = x - F(n) * LN_2_HIGH - F(n) * LN_2_LOW
    y = (((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2) * r * r + r + ONE
    return y * number((n + Word(127)) << Word(23))


@compiled
def _sortable(b: Any) -> Any:
    """Bits of a float32 to whole numbers in the same order, and back; what is not a number lies at the ends."""
    return b ^ ((b >> Word(31)) & Word(0x7FFFFFFF))


@compiled
def _shares(logits: Any, bias: Any, words: Any, lse: Any, nats: Any, sums: Any, less: Any, first: int, last: int) -> None:
    V = logits.shape[1]
    row = np.empty(V, F)
    for n in range(first * GROUP, min(last * GROUP, len(words))):
        given, sum, top = logits[n], sums[n // GROUP], Word(-(2**31))
        for j in range(V):
            x = wide(given[j]) + bias[j]
            row[j] = x
            top = max(top, _sortable(bits(x)))  # as whole numbers: the compiler takes many at once
        best, right, total = number(_sortable(top)), row[words[n]], ZERO
        for j in range(V):
            p = _exp(row[j] - best)
            row[j] = p
            total += p
        lse[n] = best + np.log(total)  # not a number where a logit is not
        nats[n] = lse[n] - right
        row[words[n]] -= less * total
        scale = ONE / total
        if n % GROUP == 0:
            sum[:] = ZERO
        for j in range(V):
            d = row[j] * scale
            given[j] = like(d, given[j])
            sum[j] += d
