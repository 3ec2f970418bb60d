"""A training that is ready to begin: network, batches, validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regard.training.objective import TaskNetwork
from regard.training.stopping import Order
from regard.training.validation import Validation


@dataclass(frozen=True)
class TrainingSetup:
    """All that `trainer.fit` asks for.  sizes: a line for people on the net and its data; finish: what is left to do when the best weights
    are in the network; untrained: the network has them from the beginning; moved: where a run begins with another's weights, see
    `pretrained.start_from_run.warm_from`; alone: why no second process can help to train it, "" where one can."""

    task: TaskNetwork
    batch: Callable[[list[int]], Any]
    batches: Order
    validate: Callable[[], Validation]
    sizes: str
    finish: Callable[[], None] = lambda: None
    untrained: bool = False
    alone: str = ""
    moved: Mapping[str, Sequence[int]] = field(default_factory=dict)
