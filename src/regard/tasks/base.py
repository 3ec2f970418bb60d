"""What a task is: what is right, how it is judged, what it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn


@dataclass(frozen=True)
class TaskPrediction:
    """What a model says to one source.

    text: the prediction.  score: its summed log-probability, end included, in nats; None where it has none (a number, a forecast).
    tokens, source_tokens: end marks included.
    attention: by name, such as "decoder.0.cross", an array (heads, target, source), before dropout; "encoder.0.self" is (heads,
    source, source), "decoder.0.self" (heads, target, target).  unknown: symbols of the source that training never saw.
    lines: the answer as lines of a table, where it is one.
    sides: what stands beside the rows and the columns of a layer of another kind, by its name; axes: what that is called, as in
    ("answer", "passage").  details: what else a task says, in what JSON holds.
    """

    text: str
    score: float | None
    tokens: tuple[str, ...] = ()
    source_tokens: tuple[str, ...] = ()
    attention: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    source: str = ""
    features: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    sides: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict, repr=False)
    details: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    axes: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)


NBest = list[list[TaskPrediction]]  # of each item its answers, the best first


@dataclass(frozen=True)
class Scored:
    """How likely a model holds a given target to be.

    score: its summed log-probability in nats, which a `TaskPrediction` of it has too: of all its tokens, the end included; None where
    training never saw what is right.  tokens, log_probabilities: of each token; none where only the whole has a probability.
    unknown: symbols of the target that training never saw (where a target is text, each is scored as an unknown one).
    """

    source: str
    target: str
    score: float | None
    tokens: tuple[str, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    features: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Loss(NamedTuple):
    """total: the summed objective, with all that training adds; nats: the summed plain cross-entropy; tokens: how many real ones."""

    total: Tensor
    nats: Tensor
    tokens: int


@dataclass(frozen=True)
class Hypothesis:
    """One answer, in numbers: words with the end sign; score: summed log-probability; attention as in `TaskPrediction`."""

    words: tuple[int, ...]
    score: float
    attention: dict[str, np.ndarray] = field(default_factory=dict)


class CarriesState(ABC):
    """What a module hands from one update to the next beside its weights: a run that goes on exactly is given it back."""

    @abstractmethod
    def carried(self) -> list[Tensor]:
        """All of it; empty before the first update."""

    @abstractmethod
    def carry(self, tensors: Sequence[Tensor]) -> None:
        """Takes back what `carried` gave."""


class TaskNetwork(nn.Module, ABC):
    """A network and what it is for."""

    @abstractmethod
    def loss(self, batch: Any) -> Loss:
        """What training brings down, over real positions only.  batch: of the task's own kind."""
