"""A trained model in use, of whatever task: predict, and judge what it predicts.  Every door goes through here, so every door gives the
same answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Literal

from regard.build.size_limit import within_file
from regard.config import Config, load_config
from regard.config.trust import refuse_strangers
from regard.core.errors import ArgumentError, ConfigError, RegardError, RunFolderError, exhausted, message
from regard.tasks import registry
from regard.tasks.base import Scored, TaskPrediction
from regard.tasks.decode_options import decided
from regard.training.checkpoint import MODEL
from regard.training.checksums import refuse_changed

CONFIG = "config.yaml"
Precision = Literal["float32", "int8"]
Say = Callable[[str], None]


class Predictor(ABC):
    """What a run has learnt.  config: of its training; folder: where it lies; network: the net (of an ensemble the first)."""

    config: Config
    folder: Path
    network: Any  # a torch.nn.Module, of each task's own kind
    options = frozenset(
        {"beam", "n_best", "batch_size", "sample", "seed"}
    )  # words that `stream` takes, beside those of all tasks
    judged_with = frozenset({"beam", "batch_size"})  # those that `evaluate` takes

    @staticmethod
    def load(folder: str | Path, *, trust: Iterable[str] = (), precision: Precision = "float32") -> Predictor:
        """The model of a run folder; only safetensors, JSON and YAML are read.

        trust: modules whose code may run where the config names a class of them; no other code of a run's ever does.
        precision: "int8" keeps the large weights in bytes, faster on a CPU; some answers change
        (`tasks.quantization_report.parity` says how many).
        Raises RunFolderError where the folder is no run, is damaged or was changed (`checksums`), is of a newer version, or names a
        module that is not trusted.
        """
        run = Path(folder)
        with _opening(run):
            config = _config(run, trust)
            with within_file(run / MODEL):
                opened = registry.of(config.task).open(config, run, precision=precision)
            refuse_changed(run, config)
            return opened

    @staticmethod
    def ensemble(models: Sequence[Predictor]) -> Predictor:
        """Several models that answer together.  Raises RunFolderError where they cannot: other tasks, vocabularies or texts."""
        first = models[0]
        for other in models[1:]:
            if other.config.task != first.config.task:
                expected, received = f"a run of task {first.config.task}, as {first.folder} is", f"one of {other.config.task}"
                raise RunFolderError(message(str(other.folder), expected, received, "Name runs of one task."))
        return first.together(models[1:])

    def decided(self, decode: Mapping[str, Any] | Sequence[str] | None) -> Predictor:
        """The same model, which writes otherwise: with these keys of `decode`, or words `decode.KEY=VALUE`.  Raises ConfigError."""
        made = copy(self)
        made.config = decided(self.config, decode)
        return made

    @abstractmethod
    def together(self, others: Sequence[Predictor]) -> Predictor:
        """This model and others of its task, answering together."""

    @abstractmethod
    def inputs(self, file: str, say: Say | None = None) -> Iterator[Any]:
        """The items of a file to predict from, lazily, one for each line or record; `-` is standard input.  say: hears of how it is read
        where that is not as in training.  DataError names the line."""

    def line(self, text: str) -> Any:
        """The item that one line of text is, columns and all.  DataError where it is none."""
        return text

    @abstractmethod
    def stream(
        self,
        items: Iterable[Any],
        *,
        attention: bool = True,
        decode: Mapping[str, Any] | None = None,
        say: Callable[[str], None] | None = None,
        **wanted: Any,
    ) -> Iterator[list[TaskPrediction]]:
        """The n best predictions of each item, in order, while items are still being read; of a pipe as soon as nothing more is there.

        decode: keys of the config's `decode` that are others this time.  wanted: those that are options, see the task's own `stream`.
        """

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

    def _unscored(self) -> RunFolderError:
        expected = "a run whose task gives a target its probability: transduce, caption, language, tag, classify, pair (labels)"
        return RunFolderError(message("score", expected, f"{self.folder}, of task {self.config.task}", "Use regard evaluate."))

    @abstractmethod
    def evaluate(self, files: Sequence[str], *, errors: Path | None = None, **wanted: Any) -> dict[str, Any]:
        """Figures on files of items and what is right of them: {"metrics": {...}, "items": n, ...}."""

    def predict(self, items: Iterable[Any], *, decode: Mapping[str, Any] | None = None, **wanted: Any) -> list[Any]:
        """Predictions for items, in their order: a list of Prediction, of lists where n_best > 1.  wanted: see `stream`."""
        if isinstance(items, str | bytes):
            raise ArgumentError(message("predict", "a list of texts", "one text", "Write predict([text])."))
        found = list(self.stream(items, decode=decode, **wanted))
        asked = wanted.get("n_best") or (decode or {}).get("n_best") or self.config.decode.n_best
        return found if asked > 1 else [predictions[0] for predictions in found]


@contextmanager
def _opening(run: Path) -> Iterator[None]:
    """A run folder may come from anybody, so whatever goes wrong while it is opened is the folder's fault, and says so."""
    try:
        yield
    except RegardError:
        raise
    except Exception as error:
        received = exhausted(error) or f"{type(error).__name__}: {error}"
        do = "Restore the folder from a copy, or train again into another one."
        raise RunFolderError(message(f"{run} cannot be opened", "a run folder as regard train makes it", received, do)) from error


def _config(run: Path, trust: Iterable[str]) -> Config:
    """The config of a run folder that holds a model."""
    if not (run / CONFIG).is_file():
        do = "Name a folder that `regard train` made."
        raise RunFolderError(message(str(run), f"a run folder with {CONFIG}", _what_is(run), do))
    if not (run / MODEL).is_file():
        do = "Let its training come to a first validation: regard train --resume --out " + str(run)
        raise RunFolderError(message(str(run), f"a trained model ({MODEL})", "a run that has none yet", do))
    try:
        config = load_config(run / CONFIG, [])
    except ConfigError as error:
        do = "Use the version of Regard that trained it, or restore the folder."
        raise RunFolderError(message(f"{run / CONFIG}", "a config of this version", f"\n{error}\n", do)) from error
    refuse_strangers(config, run / CONFIG, trust)
    return config


def _what_is(path: Path) -> str:
    if not path.exists():
        return "nothing of that name"
    return "a folder without one" if path.is_dir() else "a file"
