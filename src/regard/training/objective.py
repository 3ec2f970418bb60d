"""The training objective: a network with its loss, and what it hands on from update to update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn


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
