"""What a task is: from files to a network, from a run folder to a model in use, and what that answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regard.core.errors import RunFolderError, message
from regard.core.say import Say
from regard.data.line_stream import in_chunks
from regard.tasks.options import (
    ALL_FIGURES,
    AS_CONFIGURED,
    SEARCHED,
    Accepted,
    AnswerOptions,
    EvaluationOptions,
    accept_options,
    ahead,
    apply_decode,
)
from regard.tasks.row_looks import LookRows

if TYPE_CHECKING:
    from regard.attention.interventions import LookEdit
    from regard.config import Config, DecodeSection
    from regard.training.auto_values import EvenSample
    from regard.training.setup import TrainingSetup

Precision = Literal["float32", "int8"]


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
    read: what was read where `source` is not all of it, for pages: `texts`; of a series `past`, `times`, `places`, and the `truth` where
    it is known.
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
    read: dict[str, Any] = field(default_factory=dict, repr=False)


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


@dataclass(frozen=True)
class Hypothesis:
    """One answer, in numbers: words with the end sign; score: summed log-probability; attention as in `TaskPrediction`."""

    words: tuple[int, ...]
    score: float
    attention: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Splits:
    """What files held: items to learn from (they may be asked for more than once), items to judge by, in the task's own kinds, and what
    is known of the files.  sample: of those to learn from, where reading saw them all; no longer than keys are fitted."""

    train: Iterable[Any]
    valid: list[Any]
    fingerprint: dict[str, str]
    sample: EvenSample[Any] | None = None


class Task(ABC):
    """From files to a network, and from a run folder to answers."""

    @abstractmethod
    def probe(self, config: Config) -> None:
        """Build a small net: ConfigError for what cannot be built, before anything is read."""

    @abstractmethod
    def read(self, config: Config, say: Say) -> Splits:
        """Read the files of a config, set validation data aside where none is named, and say what was found."""

    @abstractmethod
    def validation_items(self, config: Config) -> list[Any]:
        """The items that `read` judges by, alone."""

    def fit(self, config: Config, data: Splits) -> tuple[Config, str]:
        """The config with every key that was left out fitted to the sizes of the data, and a line for people on it; "" where nothing
        was fitted."""
        from regard.config.auto import settle  # which is not needed to answer

        return settle(config, {}), ""

    @abstractmethod
    def ready(self, config: Config, data: Splits, folder: Path, say: Say, *, fresh: bool) -> TrainingSetup:
        """Build the network from torch's generator.  fresh: the run begins, so vocabularies and the like are learnt first; a run that goes
        on keeps its own."""

    @abstractmethod
    def open(self, config: Config, folder: Path, *, precision: Precision) -> Predictor:
        """The model of a run folder."""


@dataclass(frozen=True)
class AnswerSettings:
    """What is asked for of answers.  decode: how they are written, and how many items side by side; n_best: how many of each item."""

    decode: DecodeSection
    n_best: int
    attention: bool


class Predictor(ABC):
    """What a run has learnt.  config: of its training; folder: where it lies; network: the net (of an ensemble the first)."""

    config: Config
    folder: Path
    network: Any  # a torch.nn.Module, of each task's own kind
    accepts: Accepted = SEARCHED  # options
    edits: Sequence[LookEdit] = ()  # what a person does to its looks

    def apply_decode(self, decode: Mapping[str, Any] | Sequence[str] | None) -> Predictor:
        """The same model, which writes otherwise: with these keys of `decode`, or words `decode.KEY=VALUE`.  Raises ConfigError."""
        made = copy(self)
        made.config = apply_decode(self.config, decode)
        return made

    def answer_options(self, given: Mapping[str, Any], *, spelt: Callable[[str], str] = str) -> AnswerOptions:
        """Options of `stream` by their names.  ArgumentError for those that this task does not take.  spelt: see
        `accept_options`."""
        known = self.accepts.answers
        return AnswerOptions(**accept_options(given, known, task=self.config.task, run=self.folder, spelt=spelt))

    def evaluation_options(self, given: Mapping[str, Any], *, spelt: Callable[[str], str] = str) -> EvaluationOptions:
        """Options of `evaluate` by their names.  Raises as `answer_options`."""
        known = self.accepts.evaluation
        return EvaluationOptions(**accept_options(given, known, task=self.config.task, run=self.folder, spelt=spelt))

    def together(self, others: Sequence[Predictor]) -> Predictor:
        """This model and others of its task, answering together.  RunFolderError where it cannot."""
        expected = f"one run: task {self.config.task} answers alone"
        raise RunFolderError(message(str(others[0].folder), expected, "another one", "Name one run."))

    def exchange(self, change: Callable[[Any], Any]) -> Predictor:
        """The same model with what `change` makes of each network of PyTorch in it."""
        made: Any = copy(self)
        made.network = change(self.network)
        return made

    def name_looks(self, names: Sequence[str]) -> Mapping[str, LookRows]:
        """From the names of looks in a network to those that predictions show."""
        return {name: LookRows(name) for name in names}

    @classmethod
    def load(cls, config: Config, folder: Path, network: Any) -> Predictor:
        """The model of a run folder, but for its network: that is asked, whatever it is made of."""
        raise NotImplementedError

    def make_up(self, by: Random, length: int) -> Any:
        """An item of about so many tokens that nobody wrote, for trials; in some there is what training never saw."""
        raise NotImplementedError

    @abstractmethod
    def inputs(self, file: str, say: Say | None = None) -> Iterator[Any]:
        """The items of a file to predict from, lazily, one for each line or record; `-` is standard input.  say: hears of how it is read
        where that is not as in training.  DataError names the line."""

    def read_examples(self, file: str, say: Say | None = None) -> Iterator[Any]:
        """The items of a file to be looked at: those to predict from, and what else shows how good predictions are."""
        return self.inputs(file, say)

    def line(self, text: str) -> Any:
        """The item that one line of text is, columns and all.  DataError where it is none."""
        return text

    def stream(
        self,
        items: Iterable[Any],
        options: AnswerOptions = AS_CONFIGURED,
        *,
        attention: bool = True,
        decode: Mapping[str, Any] | None = None,
        say: Say | None = None,
    ) -> Iterator[list[TaskPrediction]]:
        """The n best predictions of each item, in order, while items are still being read; of a pipe as soon as nothing more is there.

        items: see each task's `prepare`.  options: batch_size changes speed, no prediction.  decode: keys of the config's `decode` that
        are others this time.  say: hears at the end what was wrong with items, and of answers that came to the bound of their length.
        """
        settings, heard = self.settle(options, decode, attention=attention), Counter[str]()
        yield from self.answer_in_chunks(items, settings, heard)
        for note in (*self.notes(heard), *dict.fromkeys(note for edit in self.edits for note in edit.tell_untouched())):
            (say or str)(note)

    def answer_in_chunks(
        self, items: Iterable[Any], settings: AnswerSettings, heard: Counter[str]
    ) -> Iterator[list[TaskPrediction]]:
        """The best answers to each item, in order; `options.ahead` items are read, sorted and batched at a time.  heard: see `answers`."""
        for chunk in in_chunks((self.prepare(item, settings) for item in items), ahead(settings.decode)):
            yield from self.answers(chunk, settings, heard)

    def settle(self, options: AnswerOptions, decode: Mapping[str, Any] | None, *, attention: bool) -> AnswerSettings:
        """What is asked for, as the task understands it.  Raises ConfigError."""
        settings = apply_decode(self.config, decode, options).decode
        return AnswerSettings(settings, settings.n_best, attention)

    @abstractmethod
    def prepare(self, item: Any, settings: AnswerSettings) -> Any:
        """An item as the net reads it.  DataError for what is none."""

    @abstractmethod
    def answers(self, chunk: list[Any], settings: AnswerSettings, heard: Counter[str]) -> Iterable[list[TaskPrediction]]:
        """The best answers to some items, in their order.  heard: counts what `notes` tells at the end."""

    def notes(self, heard: Mapping[str, int]) -> Iterable[str]:
        """What a person should know of all items that were answered."""
        return ()

    def pairs(self, files: Sequence[str]) -> Iterator[Any]:
        """The items of files with a target each, in order, to be scored.  DataError names the line at fault; RunFolderError where the
        task's targets have no probability."""
        raise self._unscored()

    def pair(self, text: str) -> Any:
        """The item with a target that one line of text is, columns and all.  Raises as `pairs`."""
        raise self._unscored()

    def scores(self, items: Iterable[Any], *, batch_size: int | None = None) -> Iterator[Scored]:
        """How likely the target of each item is, in order, while items are still being read.  Raises as `pairs`."""
        raise self._unscored()

    def with_answer(self, item: Any, answer: TaskPrediction) -> Any:
        """An item with what was answered in the place of what is right, to be scored.  RunFolderError where the task cannot."""
        expected, received = "a run of task transduce, tag or classify", f"{self.folder}, of task {self.config.task}"
        raise RunFolderError(message("scores of its own answers", expected, received, "Name such a run."))

    def attribute(self, items: Sequence[Any]) -> list[np.ndarray] | None:
        """How much each place that was read has to do with what is right of each item, or with each of its tokens: (tokens, places), by
        gradient times input.  None where the task has no such thing."""
        return None

    def _unscored(self) -> RunFolderError:
        expected = "a run whose task gives a target its probability: transduce, caption, language, tag, classify, pair (labels)"
        return RunFolderError(message("score", expected, f"{self.folder}, of task {self.config.task}", "Use regard evaluate."))

    @abstractmethod
    def evaluate(
        self, files: Sequence[str], options: EvaluationOptions = ALL_FIGURES, *, errors: Path | None = None
    ) -> dict[str, Any]:
        """Figures on files of items and what is right of them: {"metrics": {...}, "items": n, ...}.  errors: a new file for what went
        wrong, where the task writes one."""

    def predict(self, items: Iterable[Any], options: AnswerOptions = AS_CONFIGURED) -> list[TaskPrediction]:
        """The best prediction of each item, in their order."""
        return [best[0] for best in self.stream(items, options)]
