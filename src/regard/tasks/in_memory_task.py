"""The training side of every task whose model is an `ArrayPredictor`: what differs is how its files are read and what its model knows."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from regard.config import Config, DataSection
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.batching import Batches
from regard.data.examples import overlap, split
from regard.data.report import gather
from regard.data.row_parser import RecordError
from regard.inference.int8 import quantize
from regard.pretrained.start_from_bert import adopt, warm
from regard.pretrained.start_from_run import grow
from regard.pretrained.word_vectors import begin_with_vectors, freeze_vectors
from regard.tasks.array_predictor import ArrayPredictor
from regard.tasks.base import Precision, Splits
from regard.tasks.data_sizes import fit_to_texts
from regard.tasks.mixtures import count_sources, mix
from regard.tasks.splits import SplitTask, shared_note
from regard.training.auto_values import Sizes
from regard.training.checkpoint import MODEL, load_network
from regard.training.objective import AnsweringNetwork
from regard.training.setup import TrainingSetup


class InMemoryTask(SplitTask):
    """Items with `source` (a string that tells them apart), read whole into memory."""

    what: str  # items of its files, in the plural: "sentences with tags"
    predictor: Callable[[Config, Path, None], ArrayPredictor[Any]]  # the class of its models

    @abstractmethod
    def items(self, files: Sequence[str], config: Config, passed: Counter[str] | None = None) -> Iterator[Any | RecordError]:
        """The items of files, with what is right of them, each that is at fault as a RecordError.  passed: is told of lines that hold
        nothing to read, by their kind."""

    @abstractmethod
    def learn(self, config: Config, items: Sequence[Any], folder: Path, say: Say) -> None:
        """Write what is learnt from the training data before the net is built: vocabularies, scales."""

    def model(self, config: Config, folder: Path) -> ArrayPredictor[Any]:
        """A model with what `learn` wrote there, and a network drawn from torch's generator."""
        made = self.predictor(config, folder, None)
        made.network = self.build(config, made).eval()
        return made

    def build(self, config: Config, known: Any) -> AnsweringNetwork:
        """A network for a model that has none yet.  known: that model, whose vocabularies and scales say how large."""
        raise NotImplementedError

    def kinds(self, item: Any, config: Config) -> Iterable[str]:
        """The labels of an item, which what is set aside must leave in training."""
        return ()

    def read_items(self, config: Config, files: Sequence[str], report: Say) -> list[Any]:
        passed, skips = Counter[str](), config.data.on_bad_line
        found, read = gather(self.items(files, config, passed), files, what=self.what, on_bad_line=skips, passed=passed)
        report(str(read))
        return found

    def overlap_note(self, train: Sequence[Any], valid: Sequence[Any]) -> str:
        return shared_note(overlap(train, valid), len(valid))

    def set_aside(self, items: Sequence[Any], config: Config) -> tuple[list[Any], list[Any]]:
        return split(items, config.data.valid_share, config.train.seed, kinds=lambda item: self.kinds(item, config))

    def read_of(self, item: Any) -> str:
        """The text of an item that the net reads, for its length."""
        return str(item.source)

    def recipe(self, config: Config, sizes: Sizes) -> dict[str, Any]:
        """What keys that are left out become, where it is otherwise than in most tasks (`training/auto_values.py`); `train.updates`: how
        many are planned."""
        return {}

    def fit(self, config: Config, data: Splits) -> tuple[Config, str]:
        return fit_to_texts(config, list(data.train), self.read_of, self.what, self.recipe)

    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        items = list(data.train)
        if fresh:
            adopt(config, folder)
            self.learn(config, items, folder, say)
            if config.train.begin:
                grow(folder, Path(config.train.begin), say)
        model = self.model(config, folder)
        if fresh:
            warm(model.task, config, say)
        if config.data.vectors and fresh:
            begin_with_vectors(model.task, model.vocabulary, config, say)
        if config.data.vectors and not config.data.tune_vectors:
            freeze_vectors(model.task)
        kept = list(_kept(model, items, config.data, say))
        encoded = [item for _, item in kept]
        if not encoded:
            do = (
                "Raise data.max_source_length, or set data.on_long: cut; a pre-trained reader reads no more than it was made for."
            )
            received = f"{len(items):,}, each of which is empty or too long"
            raise DataError(message("the training data", f"{model.what} that the net can read", received, do))
        lengths = [item.size for item in encoded]
        sources = count_sources(config, [given.place.file for given, _ in kept]) if config.data.mixes else []
        for note in model.remarks(items, data.valid):
            say(note)
        return TrainingSetup(
            model.task,
            batch=lambda rows: model.collate([encoded[i] for i in rows], rows),
            batches=Batches(
                lengths,
                lengths,
                tokens=config.train.batch_tokens,
                seed=config.train.seed,
                mixture=mix(config, sources, say),
            ),
            validate=lambda: model.validation(data.valid),
            sizes=f"{sum(p.numel() for p in model.task.parameters()):,} parameters; {many(len(encoded), 'training item')}, "
            f"{many(len(data.valid), 'validation item')}",
        )

    def open(self, config: Config, folder: Path, *, precision: Precision) -> ArrayPredictor[Any]:
        model = self.model(config, folder)
        load_network(model.task, folder / MODEL)
        if precision == "int8":
            quantize(model.task)
        return model


def _kept(model: ArrayPredictor[Any], items: Sequence[Any], data: DataSection, say: Say) -> Iterator[tuple[Any, Any]]:
    """The items, and the same in numbers; those that are too long are treated as `data.on_long` says."""
    most, long, empty = min(data.max_source_length, model.most or data.max_source_length), 0, 0
    for given in items:
        item = model.encode(given)
        if item.size <= most:
            if item.size:
                yield given, item
            continue
        long += 1
        if data.on_long == "error":
            do = "Raise data.max_source_length, or set data.on_long to skip or cut."
            raise DataError(message(str(given.place), f"at most {most} tokens", f"{item.size}", do))
        if data.on_long == "cut":
            short = model.truncate(item, most)
            if model.teaches(short):
                yield given, short
            else:
                empty += 1
    if empty:
        say(f"note: {model.what} of which what is right was cut off, so that they are not learnt from: {empty:,}.")
    if long:
        say(f"note: {model.what} longer than {most} tokens (data.max_source_length): {long:,}; data.on_long: {data.on_long}.")
