"""Probabilities less the word that was right, and logarithms of probabilities, compiled (`regard/kernels/rows.h`): one row at a time,
which stays near the processor, and in place."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.core.loops import call

GROUP = 32  # rows whose sums are gathered apart, so that groups run side by side and sums depend on no thread


def shares(
    logits: Float[Tensor, "N V"], bias: Float[Tensor, " V"], words: Int[Tensor, " N"], less: float
) -> tuple[Float[Tensor, "N V"], Float[Tensor, " V"], Float[Tensor, " N"], Float[Tensor, " N"]]:
    """What `loss.shares` gives, written over the logits.  float32 or bfloat16, contiguous."""
    (N, V), low = logits.shape, logits.dtype == torch.bfloat16
    groups = -(-N // GROUP)
    lse, nats, sums, room = (
        logits.new_empty(shape, dtype=torch.float32) for shape in ((N,), (N,), (groups, V), (groups if low else 0, V))
    )
    given = (logits, bias.float().contiguous(), words.long().contiguous(), lse, nats, sums, room)
    call("shares", given, (less, GROUP, low), units=groups, steps=logits.numel())
    return logits, sums.sum(0), lse, nats


def log_softmax(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
    """`logits.log_softmax(-1)`, written over them.  float32, contiguous."""
    rows = logits.view(-1, logits.shape[-1])
    call("log_softmax", (rows,), units=len(rows), steps=3 * rows.numel())
    return logits
