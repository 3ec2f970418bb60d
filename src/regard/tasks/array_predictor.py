"""A model that reads and answers in one pass: whatever says something of a text, a series or an image, and writes none.

One road for all of them: items in chunks, sorted by length, in batches, answered, and given back in their order.  The network is asked
in arrays, and anything may answer that does so in arrays: nothing here needs PyTorch.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from regard.core.errors import RunFolderError, message
from regard.core.shared_work import work_through
from regard.data.batching import Batches
from regard.data.line_stream import in_chunks
from regard.data.report import Report
from regard.metrics.confusions import write_mistakes
from regard.metrics.edits import kinds_path
from regard.metrics.item_counts import ItemCounts
from regard.networks.bert_shape import BertShape
from regard.tasks.base import AnswerSettings, NBest, Predictor, Scored, TaskPrediction
from regard.tasks.gold_labels import LabelPredictor
from regard.tasks.options import ALL_FIGURES, RANKED, AnswerOptions, EvaluationOptions, ahead, apply_decode, count_answers
from regard.training.validation import Validation

if TYPE_CHECKING:
    from regard.config import Config

ROWS = 64  # items of a batch that is judged
Judged = tuple[list[TaskPrediction], dict[str, float]]  # the best answers to items, and their figures
Likely = tuple[Sequence[str], Sequence[float], float]  # tokens; their log-probabilities, where each has one; that of the whole


class SizedItem(Protocol):
    """An item in numbers."""

    @property
    def size(self) -> int:
        """How long it is, for batches of like length; 0: there is nothing to answer."""
        ...


P = TypeVar("P", bound=SizedItem)


class Answering(Protocol):
    """What a predictor asks: PyTorch's network (`training.objective.AnsweringNetwork`), or another that says the same."""

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        """What is said of a batch of arrays, in arrays, padding and all.  weights: with where it looked."""
        ...


class ArrayPredictor(LabelPredictor[P], Predictor, Generic[P]):
    """What answers in one pass, long because the whole road from items to answers is one.

    network: see `Answering`; None: still to come, for how large it is may depend on what this loads.  bert: the shape of the pre-trained
    reader in it, where it begins with one.  P: an item in numbers.  most: tokens that it can read, where its positions or scores bound
    it."""

    accepts = RANKED
    likely = False  # whether what is right has a probability
    vocabulary: Sequence[str] = ()  # the word of each number that the net reads, where word vectors may be what it begins with

    def __init__(self, config: Config, folder: Path, network: Answering | None, *, bert: BertShape | None = None) -> None:
        self.config, self.folder, self.network = config, folder, network
        self.most = config.room.source if bert is None else bert.positions

    @classmethod
    def load(cls, config: Config, folder: Path, network: Answering) -> ArrayPredictor[P]:
        return cls(config, folder, network)

    @property
    def task(self) -> Any:
        """The network as it is trained."""
        return self.network

    @abstractmethod
    def truncate(self, item: P, size: int) -> P:
        """An item that is too long, cut to this size.  What is answered is as long as before, where that depends on the item."""

    def teaches(self, item: P) -> bool:
        """Whether something of what is right is left in an item of the training data that was cut."""
        return True

    @abstractmethod
    def collate(self, items: Sequence[P], rows: Sequence[int]) -> Any:
        """Items side by side, in arrays; rows: their numbers."""

    def batch(self, items: Sequence[P], rows: Sequence[int]) -> Any:
        """Items side by side as the network is asked for them."""
        return self.collate(items, rows)

    def graph_batch(self, items: Sequence[P], by: Random) -> Any:
        """Items side by side with all that the network may be asked of them, for its graph to be made on."""
        return self.collate(items, range(len(items)))

    @abstractmethod
    def predict_batch(self, items: Sequence[P], batch: Any, n_best: int, attention: bool) -> NBest:
        """The best answers to a batch of items."""

    def empty_prediction(self, item: P) -> TaskPrediction:
        """The answer to an item of size 0."""
        return TaskPrediction("", 0.0)

    @abstractmethod
    def figures(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, float]:
        """How right the answers are."""

    def count_items(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, ItemCounts]:
        """What the figures are counted from, item by item, of those that are functions of sums over items which do not depend on each
        other; others are left out."""
        return {}

    @abstractmethod
    def read_gold(self, files: Sequence[str]) -> tuple[list[Any], Report]:
        """Items of files, with what is right of them, and what reading found.  DataError as when training reads them."""

    def settle(self, options: AnswerOptions, decode: Mapping[str, Any] | None, *, attention: bool) -> AnswerSettings:
        written = replace(options, n_best=None)  # no key of the config where nothing is searched for
        return AnswerSettings(apply_decode(self.config, decode, written).decode, count_answers(options.n_best), attention)

    def prepare(self, item: Any, settings: AnswerSettings) -> P:
        return self.encode(item)

    def answers(self, chunk: list[P], settings: AnswerSettings, heard: Counter[str]) -> NBest:
        found, fitting = [[self.empty_prediction(item)] for item in chunk], [_fitting(self, item) for item in chunk]
        heard["cut"] += sum(a is not b for a, b in zip(chunk, fitting, strict=True))

        def answer(places: list[int]) -> NBest:
            some = [fitting[i] for i in places]
            return self.predict_batch(some, self.batch(some, places), settings.n_best, settings.attention)

        batches = list(_batches(fitting, settings.decode.batch_size))
        for places, best in zip(batches, work_through(answer, batches, (TaskPrediction,)), strict=True):
            for place, told in zip(places, best, strict=True):
                found[place] = told
        return found

    def notes(self, heard: Mapping[str, int]) -> Iterator[str]:
        if cut := heard["cut"]:
            yield f"{self.what} longer than the {self.most} places that this model reads: {cut:,}; what follows was cut off."

    def evaluate(
        self, files: Sequence[str], options: EvaluationOptions = ALL_FIGURES, *, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files: {"metrics": {...}, "items": n, "skipped": n, "files": [...]}; passed: lines that hold nothing to read, by their
        kind; unseen: what is right but none of what training saw, and how often.  errors: where to write what was taken for what
        (`metrics/confusions.py` describes the tables)."""
        if errors is not None and not self.has_mistakes:
            do = "Leave it out; regard predict --format jsonl says what was answered."
            raise RunFolderError(message("errors", "a run whose answers are texts, tags or labels", self.config.task, do))
        items, report = self.read_gold(files)
        found, figures = self.metrics(items, options)
        unseen = {"unseen": dict(missing)} if (missing := self.unseen(items)) else {}
        result = {"metrics": figures, **unseen, **self.beside(items, found)}
        if options.by_item:
            result["by_item"] = self.count_items(items, found)
        if errors is not None:
            each = [mistake for item, p in zip(items, found, strict=True) if (mistake := self.mistake(item, p))]
            result["mistakes"] = dict(write_mistakes(errors, kinds_path(errors), each).most_common(20))
        passed = {"passed": dict(report.passed)} if report.passed else {}
        return {**result, "items": len(items), "skipped": len(report.skipped), **passed, "files": list(files)}

    def beside(self, items: Sequence[Any], found: Sequence[TaskPrediction]) -> dict[str, Any]:
        """What `evaluate` says beside the figures: tables, in what JSON holds.  Most tasks have none."""
        return {}

    def metrics(self, items: Sequence[Any], options: EvaluationOptions = ALL_FIGURES) -> Judged:
        """The best answers to items, and all figures, with the loss."""
        found = [best[0] for best in self.stream(items, options.best(), attention=False)]
        return found, {**self.figures(items, found), "loss": self.loss(items)}

    def loss(self, items: Sequence[Any]) -> float:
        """Nats a token, or whatever the task counts by; without items of which something right is none that training saw.  NaN where
        no item is left."""
        each = [_fitting(self, item) for item in map(self.encode, items) if self.told(item)]

        def measure(places: list[int]) -> tuple[float, int]:
            some = [each[i] for i in places]
            return self.measure_loss(some, self.batch(some, places))

        nats, tokens = 0.0, 0
        for more, count in work_through(measure, list(_batches(each, ROWS))):
            nats, tokens = nats + more, tokens + count
        return nats / tokens if tokens else math.nan

    def measure_loss(self, items: Sequence[P], batch: Any) -> tuple[float, int]:
        """The summed loss of a batch without what training adds, and how many tokens, or items, it is of."""
        return -sum(whole for _, _, whole in self.likelihoods(items, batch)), len(items)

    def validation(self, items: Sequence[Any]) -> Validation:
        """Figures of the model as it stands, and some answers to show."""
        found, figures = self.metrics(items)
        some = list(zip(items, found, strict=True))[: self.config.train.samples]
        shown = [f"  {p.source}  →  {p.text}" + ("" if p.text == self.right(i) else f"   (≠ {self.right(i)})") for i, p in some]
        return Validation(figures, shown)

    def pairs(self, files: Sequence[str]) -> Iterator[Any]:
        return iter(self.read_gold(files)[0]) if self.likely else super().pairs(files)

    def pair(self, text: str) -> Any:
        return self.with_right(text) if self.likely else super().pair(text)

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        """items: see `with_right`."""
        if not self.likely:
            raise self._unscored()
        rows = ahead(apply_decode(self.config, options=AnswerOptions(batch_size=batch_size)).decode)
        return (scored for chunk in in_chunks(map(self.with_right, items), rows) for scored in self._scored(chunk))

    def _scored(self, items: Sequence[Any]) -> Iterator[Scored]:
        each = [_fitting(self, self.encode(item)) for item in items]
        told, found = [i for i, x in enumerate(each) if self.told(x)], dict[int, Likely]()
        for part in _batches([each[i] for i in told], ROWS):
            places = [told[i] for i in part]
            some = [each[i] for i in places]
            found |= zip(places, self.likelihoods(some, self.batch(some, places)), strict=True)
        for i, item in enumerate(items):
            tokens, log_p, score = found.get(i, ((), (), None))
            yield Scored(item.source, self.right(item), score, tuple(tokens), tuple(log_p), (), tuple(self.unseen([item])))

    def with_right(self, item: Any) -> Any:
        """An item with what is right of it, in one of the forms that it may have.  DataError for anything else."""
        return item

    def likelihoods(self, items: Sequence[P], batch: Any) -> list[Likely]:
        """How likely what is right of each item is, where the task says so (`likely`)."""
        raise NotImplementedError


def _fitting(model: ArrayPredictor[P], item: P) -> P:
    """An item, cut where the net has no room for all of it."""
    return model.truncate(item, model.most) if model.most and item.size > model.most else item


def _batches(items: Sequence[SizedItem], rows: int) -> Iterator[list[int]]:
    """The places of items of like length, so many at a time; not of those of size 0."""
    real = [i for i, item in enumerate(items) if item.size]
    return ([real[i] for i in part] for part in Batches.sequential([items[i].size for i in real], rows=rows))
