"""The training objective: a network with its loss, and what it hands on from update to update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from regard.core.arrays import to_arrays, to_tensors
from regard.core.devices import device_of
from regard.networks.base import Attentions


class Loss(NamedTuple):
    """total: the summed objective, with all that training adds; nats: the summed plain cross-entropy; tokens: how many real ones."""

    total: Tensor
    nats: Tensor
    tokens: int


class CarriesState(ABC):
    """What a module hands from one update to the next beside its weights: a run that goes on exactly is given it back."""

    @abstractmethod
    def carried(self) -> list[Tensor]:
        """All of it; empty before the first update."""

    @abstractmethod
    def carry(self, tensors: Sequence[Tensor]) -> None:
        """Takes back what `read_carried` gave."""


class TaskNetwork(nn.Module, ABC):
    """A network and what it is for."""

    @abstractmethod
    def loss(self, batch: Any) -> Loss:
        """What training brings down, over real positions only.  batch: of the task's own kind."""

    def attentions(self) -> Attentions:
        """What makes the looks that it tells, by their names: the looks whose weights can be changed in use."""
        return {}


class AnsweringNetwork(TaskNetwork):
    """A network that says something of what it reads, and writes nothing.  In use it is asked in arrays, as any other that answers is."""

    @abstractmethod
    def infer(self, batch: Any, *, weights: bool = False) -> Any:
        """What it says of a batch, padding and all: a pure function of tensors to tensors.  weights: with where it looked."""

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        """The same of a batch of arrays, in arrays."""
        with torch.no_grad():
            return to_arrays(self.infer(to_tensors(batch, device_of(self)), weights=weights))
