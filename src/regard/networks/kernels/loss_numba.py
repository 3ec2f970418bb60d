"""Probabilities less the word that was right, compiled: one row at a time, which stays near the processor, and in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.core.fast_math import exp
from regard.core.numba_loops import arrays, bits, compiled, like, number, wide
from regard.core.parallel import spread

F, Word = np.float32, np.int32
ZERO, ONE = F(0), F(1)
GROUP = 32  # rows whose sums are gathered apart, so that groups run side by side and sums depend on no thread


def shares(
    logits: Float[Tensor, "N V"], bias: Float[Tensor, " V"], words: Int[Tensor, " N"], less: float
) -> tuple[Float[Tensor, "N V"], Float[Tensor, " V"], Float[Tensor, " N"], Float[Tensor, " N"]]:
    """What `loss.shares` gives, written over the logits.  float32 or bfloat16, contiguous."""
    groups = -(-len(words) // GROUP)
    lse, nats, sums = (
        logits.new_empty(shape, dtype=torch.float32) for shape in ((len(words),), (len(words),), (groups, len(bias)))
    )
    spread(_shares, (*arrays(logits, bias.float(), words, lse, nats, sums), F(less)), groups, logits.numel())
    return logits, sums.sum(0), lse, nats


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
            p = exp(row[j] - best)
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
