"""The network as it is judged while it is trained: with averaged weights, in evaluation mode, its work shared out among the ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext

import torch
from torch import nn

from regard.core.devices import device_of, fork_arguments
from regard.core.shared_work import share_work
from regard.training.checkpoint import Checkpoints, borrow, mean, weights
from regard.training.ranks import Ranks
from regard.training.signals import Signals
from regard.training.validation import Validation


@contextmanager
def average_weights(network: nn.Module, checkpoints: Checkpoints, steps: Sequence[int], ranks: Ranks) -> Iterator[None]:
    """The network with the mean of its weights at some steps, where there are several; the same in all ranks, to the last bit."""
    own = weights(network)
    ranks.copy(list(own.values()))
    if len(steps) < 2:
        yield
        return
    found = mean([checkpoints.snapshot(step) for step in steps]) if ranks.first else own
    means = {name: found[name].to(tensor, copy=True) for name, tensor in own.items()}
    ranks.copy(list(means.values()))
    with borrow(network, means):
        yield


def judge(network: nn.Module, validate: Callable[[], Validation], ranks: Ranks, signals: Signals) -> Validation:
    """What validation finds: in float32, without dropout, and without a trace in the random numbers.

    Of several ranks none may break off, for the others would wait for it: a signal is heard after the next update.
    """
    network.eval()
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            stack.enter_context(torch.random.fork_rng(**fork_arguments(device_of(network))))
            stack.enter_context(share_work(ranks))
            stack.enter_context(signals.breakable() if ranks.count == 1 else nullcontext())
            return validate()
    finally:
        network.train()
