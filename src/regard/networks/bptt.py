"""Back-propagation through time: cut into segments, and its gradients measured by lag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.errors import ConfigError, message
from regard.core.state import tree_map
from regard.networks.cells import State

Over = Callable[[Tensor, State], tuple[Any, State]]  # `over` of a Cell or a Stack, or a Decoder: (x "B T D", state) to (y, state)


def segments(over: Over, x: Float[Tensor, "B T D"], state: State, *, length: int) -> Iterator[tuple[Any, State]]:
    """`d loss_t / d h_s = 0 where a cut lies between s and t`: truncated back-propagation through time with a carried state.
    Williams & Peng 1990 (their BPTT(h; h') with h = h').

    Reads x in segments of `length` steps (the last may be shorter), each from the state that the one before left, detached.  Yields
    what `over` gives for each.  Take its loss and go backward before asking for the next, and memory holds one segment:

        for y, state in segments(stack.over, x, state, length=20):
            loss(y).backward()

    Values are those of one call; only gradients are cut.  The cut goes through the whole state: what a decoder's state holds
    of a source is detached too, so an encoder learns from the first segment alone.  Raises ConfigError for a length below 1.

    Use it where sequences are too long to keep, or never end.  What is farther back than a segment can be used, but not learnt.

    Cost: that of full back-propagation in time; in memory length / n of it.
    """
    if length < 1:
        raise ConfigError(message("length of a segment", "at least 1 step", str(length), "Choose a larger one."))
    for part in x.split(length, 1):
        y, state = over(part, state)
        yield y, state
        state = tree_map(torch.Tensor.detach, state)


def gradients_by_lag(over: Over, x: Float[Tensor, "B T D"], state: State) -> Float[Tensor, " T"]:
    """`|| d h_T / d x_{T-k} ||` for k = 0 ... T - 1: how much the last hidden state still moves with the input k steps before.
    Pascanu et al. 2013, section 2, eq. 5-7; Hochreiter & Schmidhuber 1997, section 3.1.

    over: of a Cell or a Stack.  The Frobenius norm, as the root of its mean square over the batch.  It falls (vanishes) or grows
    (explodes) like the largest singular value of one step's Jacobian to the power k, at most.

    Use it to see how far back a net can learn, before training it.

    Cost: one forward pass and d backward passes.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        last = over(x, state)[0][:, -1]
    squares = x.new_zeros(x.shape[1])
    for unit in last.unbind(-1):
        (gradient,) = torch.autograd.grad(unit.sum(), x, retain_graph=True)
        squares += gradient.square().sum(2).mean(0)
    return squares.sqrt().flip(0)
