"""One update: forward and backward through some batches, summed over the ranks of the training, and a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from regard.config.schema import TrainSection
from regard.core.arrays import to_tensors
from regard.networks.linear_products import fast_products
from regard.training.objective import Loss
from regard.training.optimizer import step
from regard.training.ranks import Ranks


class Sums(NamedTuple):
    """What an update was of.  finite: whether it was made; tokens: real ones; nats: the summed plain cross-entropy; heard: the signal that
    some rank was sent, 0 without."""

    finite: bool
    tokens: int
    nats: float
    heard: int


class Feed:
    """Batches on their way to the net.  For a GPU the next one is collated, and sent, while that still computes."""

    def __init__(self, batch: Callable[[list[int]], Any], device: torch.device) -> None:
        self.batch, self.device = batch, device
        self._ready: tuple[list[int], Any] | None = None

    def take(self, rows: list[int]) -> Any:
        """The batch of some rows, where the net is."""
        ready, self._ready = self._ready, None
        return ready[1] if ready and ready[0] == rows else to_tensors(self.batch(rows), self.device)

    def expect(self, rows: list[int]) -> None:
        """Makes the batch of these rows ready, where that gains."""
        if self.device.type != "cpu" and rows:
            self._ready = rows, to_tensors(self.batch(rows), self.device)


class Updater:
    """Makes updates.  loss: of a batch, summed; device: where the net is; precision: of its products."""

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.AdamW,
        settings: TrainSection,
        ranks: Ranks,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        self.optimizer, self.settings, self.ranks, self.device, self.precision = optimizer, settings, ranks, device, precision
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.size = sum(p.numel() for p in self.parameters)

    def make(
        self, loss: Callable[[Any], Loss], feed: Feed, parts: Sequence[list[int]], *, step_number: int, rate: float, heard: int,
        ahead: Sequence[list[int]] = (),
    ) -> Sums:  # fmt: skip
        """An update by the rows of `parts`, batch by batch, of which each rank takes its own.  ahead: the parts of the next one.

        The mean is over the real tokens of all ranks, so that it is that of one process.
        """
        self.ranks.seed(self.settings.seed, step_number)
        found = list[Loss]()
        for i, rows in enumerate(parts):
            if share := self.ranks.cut(rows):
                with self._autocast(), fast_products(self.size):
                    found.append(loss(feed.take(share)))
                found[-1].total.backward()
            following = [*parts[i + 1 : i + 2], *ahead[:1]][:1]
            feed.expect(self.ranks.cut(following[0]) if following else [])
        total, nats, tokens, heard = self._summed(found, heard)
        finite = math.isfinite(total + nats) and tokens > 0
        finite = finite and step(self.optimizer, rate=rate, tokens=tokens, clip=self.settings.clip)
        self.optimizer.zero_grad()
        return Sums(finite, tokens, nats, heard)

    def _summed(self, found: Sequence[Loss], heard: int) -> tuple[float, float, int, int]:
        """The objective, the cross-entropy, the tokens and the signal of all ranks, whose gradients are then those of all."""
        total, nats = _add([x.total for x in found]), _add([x.nats for x in found])
        tokens = sum(x.tokens for x in found)
        if self.ranks.count == 1:
            return total, nats, tokens, heard
        held = [float(p.grad is not None) for p in self.parameters]
        flags = [float(heard if i == self.ranks.rank else 0) for i in range(self.ranks.count)]
        sums = self.ranks.add([total, nats, tokens, *flags, *held])
        self.ranks.add_gradients(self.parameters, sums[3 + len(flags) :])
        return sums[0], sums[1], round(sums[2]), int(max(sums[3 : 3 + len(flags)]))

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, self.precision) if self.precision != torch.float32 else nullcontext()


def _add(found: Sequence[Tensor]) -> float:
    """Fetched at once, so that a GPU is waited for once."""
    return sum(torch.stack([x.detach() for x in found]).tolist(), 0.0) if found else 0.0
