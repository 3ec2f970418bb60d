"""A model that reads and answers in one pass, and asks a network of PyTorch in tensors: what a task of a user's begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Generic

import torch

from regard.config import Config
from regard.core.arrays import to_tensors
from regard.core.devices import device_of
from regard.networks.bert import Bert
from regard.tasks.array_predictor import ArrayPredictor, P
from regard.tasks.array_predictor import Judged as Judged
from regard.tasks.array_predictor import Likely as Likely
from regard.tasks.base import AnswerSettings, NBest, Scored
from regard.training.objective import TaskNetwork


class BatchPredictor(ArrayPredictor[P], Generic[P]):
    """task: network and loss.  P: an item in numbers.  `predict_batch`, `likelihoods` and `task.loss` are given tensors, where `collate`
    made arrays too."""

    task: TaskNetwork = None  # type: ignore[assignment]  # set when it is made

    def __init__(self, task: TaskNetwork, config: Config, folder: Path) -> None:
        begun = next((part.shape for part in task.modules() if isinstance(part, Bert)), None)
        network: Any = getattr(self, "network", task)  # a subclass may name another part its network
        super().__init__(config, folder, network, bert=begun)
        self.task = task
        task.eval()

    def exchange(self, change: Callable[[Any], Any]) -> BatchPredictor[P]:
        made = copy(self)
        made.task = change(self.task)
        if made.__dict__.get("network") is self.task:
            made.network = made.task
        return made

    def batch(self, items: Sequence[P], rows: Sequence[int]) -> Any:
        return to_tensors(self.collate(items, rows), device_of(self.task))

    @torch.no_grad()
    def answers(self, chunk: list[P], settings: AnswerSettings, heard: Counter[str]) -> NBest:
        return super().answers(chunk, settings, heard)

    @torch.no_grad()
    def measure_loss(self, items: Sequence[P], batch: Any) -> tuple[float, int]:
        found = self.task.loss(batch)
        return float(found.nats), found.tokens

    @torch.no_grad()
    def _scored(self, items: Sequence[Any]) -> Iterator[Scored]:
        yield from super()._scored(items)
