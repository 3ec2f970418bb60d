"""What a job must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.config import Config
from regard.config.auto import settled
from regard.tasks.base import TaskNetwork

if TYPE_CHECKING:
    from regard.tasks.model import Precision, Predictor
    from regard.training.stopping import Order
    from regard.training.trainer import Validation

Say = Callable[[str], None]


@dataclass(frozen=True)
class Splits:
    """What files held: items to learn from (they may be asked for more than once), items to judge by, in the task's own kinds, and what
    is known of the files."""

    train: Iterable[Any]
    valid: list[Any]
    fingerprint: dict[str, str]


@dataclass(frozen=True)
class TrainingSetup:
    """All that `train.fit` asks for.  sizes: a line for people on the net and its data; finish: what is left to do when the best weights
    are in the network; untrained: the network has them from the beginning; moved: where a run begins with another's weights, see
    `pretrained.start_from_run.warm_from`."""

    task: TaskNetwork
    batch: Callable[[list[int]], Any]
    batches: Order
    validate: Callable[[], Validation]
    sizes: str
    finish: Callable[[], None] = lambda: None
    untrained: bool = False
    moved: Mapping[str, Sequence[int]] = field(default_factory=dict)


class Task(ABC):
    """From files to a network, and from a run folder to answers."""

    @abstractmethod
    def probe(self, config: Config) -> None:
        """Build a small net: ConfigError for what cannot be built, before anything is read."""

    @abstractmethod
    def read(self, config: Config, say: Say) -> Splits:
        """Read the files of a config, set validation data aside where none is named, and say what was found."""

    @abstractmethod
    def held(self, config: Config) -> list[Any]:
        """The items that `read` judges by, alone."""

    def fit(self, config: Config, data: Splits) -> tuple[Config, str]:
        """The config with every key that was left out fitted to the sizes of the data, and a line for people on it; "" where nothing
        was fitted."""
        return settled(config, {}), ""

    @abstractmethod
    def ready(self, config: Config, data: Splits, folder: Path, say: Say) -> TrainingSetup:
        """Learn vocabularies and the like (a run that goes on keeps its own), and build the network from torch's generator."""

    @abstractmethod
    def open(self, config: Config, folder: Path, *, precision: Precision) -> Predictor:
        """The model of a run folder."""
