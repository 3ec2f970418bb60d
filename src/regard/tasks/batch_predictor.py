"""A model that reads and answers in one pass: whatever says something of a text, a series or an image, and writes none.

One road for all of them: items in chunks, sorted by length, in batches, answered, and given back in their order.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch

from regard.config import Config
from regard.config.length_limits import room
from regard.core.errors import RunFolderError, message
from regard.data.batching import Batches
from regard.data.line_stream import taken
from regard.data.report import Report
from regard.metrics.confusions import write_mistakes
from regard.metrics.edits import kinds_path
from regard.networks.bert import Bert
from regard.tasks.base import NBest, Predictor, Scored, TaskPrediction
from regard.tasks.decode_options import ahead, counted, decided
from regard.tasks.gold_labels import LabelPredictor
from regard.tasks.scoring import Likely, of_answers
from regard.training.objective import TaskNetwork
from regard.training.trainer import Validation

ROWS = 64  # items of a batch whose loss is taken


class SizedItem(Protocol):
    """An item in numbers."""

    @property
    def size(self) -> int:
        """How long it is, for batches of like length; 0: there is nothing to answer."""
        ...


P = TypeVar("P", bound=SizedItem)


class BatchPredictor(LabelPredictor[P], Predictor, Generic[P]):
    """task: network and loss.  P: an item in numbers."""

    options, judged_with = frozenset({"n_best", "batch_size"}), frozenset({"batch_size"})
    likely = False  # whether what is right has a probability
    vocabulary: Sequence[str] = ()  # the word of each number that the net reads, where word vectors may be what it begins with

    def __init__(self, task: TaskNetwork, config: Config, folder: Path) -> None:
        self.task, self.config, self.folder = task, config, folder
        begun = next((part for part in task.modules() if isinstance(part, Bert)), None)
        # Tokens that it can read, where its positions or scores bound it.
        self.most = room(config.model).source if begun is None else begun.shape.positions
        task.eval()

    @abstractmethod
    def shortened(self, item: P, size: int) -> P:
        """An item that is too long, cut to this size.  What is answered is as long as before, where that hangs on the item."""

    def teaches(self, item: P) -> bool:
        """Whether something of what is right is left in an item of the training data that was cut."""
        return True

    @abstractmethod
    def collated(self, items: Sequence[P], rows: Sequence[int]) -> Any:
        """Items side by side, as `task.loss` takes them; rows: their numbers."""

    @abstractmethod
    def answered(self, items: Sequence[P], batch: Any, n_best: int, attention: bool) -> NBest:
        """The best answers to a batch of items."""

    @abstractmethod
    def nothing(self, item: P) -> TaskPrediction:
        """The answer to an item of size 0."""

    @abstractmethod
    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        """How right the answers are."""

    @abstractmethod
    def judged(self, files: Sequence[str]) -> tuple[list[Any], Report]:
        """Items of files, with what is right of them, and what reading found.  DataError as when training reads them."""

    def stream(  # type: ignore[override]  # says by name what its task takes
        self,
        items: Iterable[Any],
        *,
        n_best: int | None = None,
        batch_size: int | None = None,
        attention: bool = True,
        decode: Mapping[str, Any] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> Iterator[list[TaskPrediction]]:
        """The best predictions of each item, in order, while items are still being read.  batch_size changes speed, no prediction."""
        settings = decided(self.config, decode, batch_size=batch_size).decode
        best, rows = counted(n_best), settings.batch_size
        each, cut = map(self.encoded, items), 0
        while chunk := taken(each, ahead(settings)):
            for i, item in enumerate(chunk):
                if self.most and item.size > self.most:
                    chunk[i], cut = self.shortened(item, self.most), cut + 1
            found = [[self.nothing(item)] for item in chunk]
            real = [i for i, item in enumerate(chunk) if item.size]
            for part in Batches.sequential([chunk[i].size for i in real], rows=rows):
                places = [real[i] for i in part]
                some = [chunk[i] for i in places]
                with torch.no_grad():
                    answers = self.answered(some, self.collated(some, places), best, attention)
                for place, answer in zip(places, answers, strict=True):
                    found[place] = answer
            yield from found
        if cut and say:
            say(f"{self.what} longer than the {self.most} places that this model reads: {cut:,}; what follows was cut off.")

    def evaluate(  # type: ignore[override]  # likewise
        self, files: Sequence[str], *, batch_size: int | None = None, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files: {"metrics": {...}, "items": n, "skipped": n, "files": [...]}; passed: lines that hold nothing to read, by their
        kind; unseen: what is right but none of what training saw, and how often.  errors: where to write what was taken for what
        (`metrics/confusions.py` describes the tables)."""
        if errors is not None and not self.has_mistakes:
            do = "Leave it out; regard predict --format jsonl says what was answered."
            raise RunFolderError(message("errors", "a run whose answers are texts, tags or labels", self.config.task, do))
        items, report = self.judged(files)
        found, figures = self.metrics(items, batch_size=batch_size)
        unseen = {"unseen": dict(missing)} if (missing := self.unseen(items)) else {}
        result = {"metrics": figures, **unseen, **self.beside(items, found)}
        if errors is not None:
            each = [mistake for item, p in zip(items, found, strict=True) if (mistake := self.mistake(item, p))]
            result["mistakes"] = dict(write_mistakes(errors, kinds_path(errors), each).most_common(20))
        passed = {"passed": dict(report.passed)} if report.passed else {}
        return {**result, "items": len(items), "skipped": len(report.skipped), **passed, "files": list(files)}

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        """What `evaluate` says beside the figures: tables, in what JSON holds.  Most tasks have none."""
        return {}

    def metrics(self, items: Sequence[Any], *, batch_size: int | None = None) -> tuple[list[TaskPrediction], dict[str, float]]:
        """The best answers to items, and all figures, with the loss."""
        found = [best[0] for best in self.stream(items, batch_size=batch_size, attention=False)]
        return found, {**self.figures(items, found), "loss": self.loss(items)}

    @torch.no_grad()
    def loss(self, items: Sequence[Any]) -> float:
        """Nats a token, or whatever the task counts by; without items of which something right is none that training saw.  NaN where
        no item is left."""
        each = [item for item in map(self.encoded, items) if item.size and self.told(item)]
        each = [self.shortened(item, self.most) if self.most and item.size > self.most else item for item in each]
        nats, tokens = 0.0, 0
        for rows in Batches.sequential([item.size for item in each], rows=ROWS):
            found = self.task.loss(self.collated([each[i] for i in rows], rows))
            nats, tokens = nats + float(found.nats), tokens + found.tokens
        return nats / tokens if tokens else math.nan

    def validation(self, items: Sequence[Any]) -> Validation:
        """Figures of the model as it stands, and some answers to show."""
        found, figures = self.metrics(items)
        some = list(zip(items, found, strict=True))[: self.config.train.samples]
        shown = [f"  {p.source}  →  {p.text}" + ("" if p.text == self.right(i) else f"   (≠ {self.right(i)})") for i, p in some]
        return Validation(figures, shown)

    def pairs(self, files: Sequence[str]) -> Iterator[Any]:
        if not self.likely:
            return super().pairs(files)
        return iter(self.judged(files)[0])

    def pair(self, text: str) -> Any:
        return self.with_right(text) if self.likely else super().pair(text)

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        return of_answers(self, items, batch_size) if self.likely else super().scores(items, batch_size=batch_size)

    def with_right(self, item: Any) -> Any:
        """An item with what is right of it, in one of the forms that it may have.  DataError for anything else."""
        return item

    def likelihoods(self, items: Sequence[P], batch: Any) -> list[Likely]:
        """How likely what is right of each item is, where the task says so (`likely`)."""
        raise NotImplementedError

    def together(self, others: Sequence[Predictor]) -> Predictor:
        do = "Name one run."
        raise RunFolderError(message(str(others[0].folder), f"one run: task {self.config.task} answers alone", "another one", do))
