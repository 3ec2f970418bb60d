"""The Python interface: `regard.load`, `regard.train`, `regard.make_attention`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Never, TypedDict, Unpack, overload

from torch import nn

from regard import runs
from regard.build.networks import make_attention as make_attention
from regard.config import Config, load_config, read_config
from regard.config.trust import is_of_run, modules, users_own
from regard.core.errors import ArgumentError, message
from regard.core.say import Say
from regard.tasks.base import Precision as Precision
from regard.tasks.base import Predictor as TaskModel
from regard.tasks.base import Scored as Scored
from regard.tasks.base import TaskPrediction as Plain
from regard.tasks.load_run import load_run, make_ensemble
from regard.training.rows_in_run import are_files, keep_rows
from regard.view import page

LOG = logging.getLogger("regard")  # hears the notes on items that the command line tells on stderr
Decode = Mapping[str, Any]  # keys of the config's `decode`, as in {"length_penalty": 1.0}


class _Asked(TypedDict, total=False):
    """What `Model.predict` takes besides, for those who check types."""

    beam: int | None
    batch_size: int | None
    attention: bool
    sample: bool | None
    seed: int | None
    decode: Decode | None
    say: Say


class _Stderr(logging.Handler):
    """Plain lines on whatever stderr is now: a notebook's, a test's."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def hear() -> None:
    """Lets progress be seen where nobody has said who should hear of it."""
    if not LOG.hasHandlers():
        LOG.addHandler(_Stderr())
        if LOG.level == logging.NOTSET:
            LOG.setLevel(logging.INFO)


class Prediction(Plain):
    """A prediction that shows itself: in a notebook it is the picture of where the model looked."""

    def _repr_html_(self) -> str:
        return page.fragment(self)


class Model:
    """`regard.load("run")`: a model of any task, with predictions that show themselves in a notebook."""

    def __init__(self, model: TaskModel) -> None:
        self._model, self.config, self.folder = model, model.config, model.folder

    @staticmethod
    def ensemble(models: Sequence[Model]) -> Model:
        """Several models that answer together.  Raises RunFolderError where they cannot: other tasks, vocabularies or texts."""
        return Model(make_ensemble([model._model for model in models]))

    @property
    def network(self) -> nn.Module:
        """The net, in evaluation mode; of an ensemble the first."""
        return self._model.network

    @overload
    def predict(  # type: ignore[overload-overlap]  # 1 is an int too
        self, items: Iterable[Any], *, n_best: Literal[1] | None = None, **more: Unpack[_Asked]
    ) -> list[Prediction]: ...

    @overload
    def predict(self, items: Iterable[Any], *, n_best: int, **more: Unpack[_Asked]) -> list[list[Prediction]]: ...

    def predict(
        self,
        items: Iterable[Any],
        *,
        beam: int | None = None,
        n_best: int | None = None,
        batch_size: int | None = None,
        attention: bool = True,
        sample: bool | None = None,
        seed: int | None = None,
        decode: Decode | None = None,
        say: Say = LOG.warning,
        **wrong: Never,
    ) -> list[Prediction] | list[list[Prediction]]:
        """Predictions for items, in their order: a list of Prediction, of lists where n_best > 1 (here, in `decode` or in the config).

        items: texts, or what else the task takes (docs/api.md has the forms).  beam, n_best, sample, seed: only where the task writes
        (n_best also where it ranks).  decode: keys of the config's `decode` that are others this time.  say: hears the notes on items;
        left out: the logger `regard`.
        Raises ArgumentError for what the task has no use for, ConfigError for values that no config takes, DataError for items.
        """
        if isinstance(items, str | bytes):
            raise ArgumentError(message("predict", "a list of texts", "one text", "Write predict([text])."))
        options: dict[str, Any] = {
            "beam": beam,
            "n_best": n_best,
            "batch_size": batch_size,
            "sample": sample,
            "seed": seed,
            **wrong,
        }
        found = list(self.stream(items, attention=attention, decode=decode, say=say, **options))
        asked = n_best or (decode or {}).get("n_best") or self.config.decode.n_best
        return found if asked > 1 else [best[0] for best in found]

    def stream(
        self,
        items: Iterable[Any],
        *,
        beam: int | None = None,
        n_best: int | None = None,
        batch_size: int | None = None,
        attention: bool = True,
        sample: bool | None = None,
        seed: int | None = None,
        decode: Decode | None = None,
        say: Say = LOG.warning,
        **wrong: Never,
    ) -> Iterator[list[Prediction]]:
        """The n best predictions of each item, in order, while items are still being read: some hundreds at a time, or, with
        batch_size=1, each by itself.  Otherwise as `predict`."""
        options = {"beam": beam, "n_best": n_best, "batch_size": batch_size, "sample": sample, "seed": seed, **wrong}
        given = self._model.answer_options(options)
        for found in self._model.stream(items, given, attention=attention, decode=decode, say=say):
            yield [_shown(p) for p in found]

    def evaluate(
        self,
        files: str | Path | Sequence[str | Path],
        *,
        beam: int | None = None,
        batch_size: int | None = None,
        errors: str | Path | None = None,
        tokenize: str | None = None,
        train: Sequence[str] | None = None,
        decode: Decode | None = None,
        **wrong: Never,
    ) -> dict[str, Any]:
        """Figures on files of items and what is right of them.

        errors: a new .tsv for what went wrong, where the task writes.  tokenize: how BLEU and TER cut texts.  train: the files that the
        run was trained on, to judge the sources it saw and others apart.
        """
        each = [files] if isinstance(files, str | Path) else files
        options = {"beam": beam, "batch_size": batch_size, "tokenize": tokenize, "train": train, **wrong}
        given = self._model.evaluation_options(options)
        path = None if errors is None else Path(errors)
        return self._model.apply_decode(decode).evaluate([str(file) for file in each], given, errors=path)

    def score(self, pairs: Iterable[Any], *, batch_size: int | None = None, **wrong: Never) -> list[Scored]:
        """How likely the target of each pair is, in their order: its log-probability, as a whole and token by token.

        pairs: (source, target), or what else the task takes with its target (docs/api.md has the forms).
        Raises RunFolderError where the task's targets have no probability, DataError for pairs that are none.
        """
        given = self._model.answer_options({"batch_size": batch_size, **wrong})
        return list(self._model.scores(iter(pairs), batch_size=given.batch_size))


def _shown(plain: Plain) -> Prediction:
    return Prediction(**vars(plain))


class Run(runs.FinishedRun):
    """A finished training.  folder; metrics: the validation figures of the model that was kept; outcome: how training ended."""

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was reported while it was trained, in order: the lines of `metrics.jsonl`."""
        return [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text("utf-8").splitlines()]

    @property
    def model(self) -> Model:
        """The model that was kept, loaded from the folder."""
        return load(self.folder, trust=modules(load_config(self.folder / "config.yaml")))


def load(
    folder: str | Path,
    *,
    trust: Iterable[str] = (),
    precision: Precision = "float32",
    batch_invariant: bool = False,
    decode: Decode | None = None,
) -> Model:
    """The model of a run folder; only safetensors, JSON and YAML are read, nothing is unpickled.

    trust: modules whose code may run where the config names a class of them, as in trust=("my_scores",).
    precision: "int8" for weights of one byte: faster on a CPU, and a few answers change.
    batch_invariant: the same answers to the last bit, alone and in any batch; without it the last digits of a score may differ in float32.
    decode: keys of the config's `decode` that are others while this model is used, as in decode={"length_penalty": 1.0}.
    Raises RunFolderError where the folder is no run, is damaged, is of a newer version, or names a module that is not trusted, and
    ConfigError for a `decode` that no config could have.
    """
    return Model(load_run(folder, trust=trust, precision=precision, batch_invariant=batch_invariant).apply_decode(decode))


def train(
    config: str | Path | Mapping[str, Any] | Config = MappingProxyType({}),
    out: str | Path = "run",
    *,
    train: Any = None,
    valid: Any = None,
    resume: bool = False,
    trust: Iterable[str] = (),
) -> Run:
    """Train from a config: a YAML file, a mapping such as {"data": {"train": ["words.tsv"]}}, or a Config.

    train, valid: names of files in place of the config's, or the data itself: tuples as [("a", "b"), ...], mappings, a pandas frame, a
    `datasets.Dataset` (`rows_in_run.write_rows` has the forms).  Such data is kept in the run folder, as data.train.jsonl and
    data.valid.jsonl, so that the run can go on and says what it was made of.
    The same road as `regard train`: the run folder `out` must be new or empty, unless resume=True.
    What is to be told goes to the logger `regard`; where nobody has set logging up, to stderr.  `getLogger("regard").setLevel("WARNING")`
    before it: nothing is told, as with `regard train --quiet`.
    trust: modules whose code may run where the run to go on with names a class of them, as in trust=("my_scores",); those of a file or a
    mapping of your own you vouch for by naming it.
    """
    vouched: list[str] = []
    folder = Path(out)
    if isinstance(config, str | Path):
        made = load_config(Path(config), [], trust=trust if resume and is_of_run(config, folder) else None)
        vouched = users_own(made, config, Path(out))
    else:
        made = config if isinstance(config, Config) else read_config(config)
    if isinstance(config, Mapping):
        vouched = modules(made)
    hear()
    given = {key: rows for key, rows in (("train", train), ("valid", valid)) if rows is not None}
    memory = {key: rows for key, rows in given.items() if not are_files(rows)}
    files = {
        key: [str(rows)] if isinstance(rows, str | Path) else list(map(str, rows))
        for key, rows in given.items()
        if key not in memory
    }
    files |= {key: [str(folder / f"data.{key}.jsonl")] for key in memory}
    made = made.model_copy(update={"data": made.data.model_copy(update={key: tuple(names) for key, names in files.items()})})
    prepare = partial(keep_rows, memory, made.task, folder) if memory else None
    return Run(**vars(runs.train(made, out, resume=resume, trust=[*trust, *vouched], prepare=prepare)))
