"""The Python interface: `regard.load`, `regard.train`, `regard.make_attention`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from regard import runs
from regard.build.networks import make_attention as make_attention
from regard.config import Config, load_config, read_config
from regard.config.trust import is_of_run, modules, users_own
from regard.model import LOG as LOG
from regard.model import Decode as Decode
from regard.model import Model as Model
from regard.model import Prediction as Prediction
from regard.model import Scored as Scored
from regard.runtime.folder import is_exported
from regard.tasks.base import Precision as Precision
from regard.tasks.load_exported import load_exported, refuse_device
from regard.tasks.load_run import load_run
from regard.training.rows_in_run import are_files, keep_rows


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
    decode: Decode | Sequence[str] | None = None,
    device: str = "cpu",
) -> Model:
    """The model of a run folder, or of what `regard export` made of one; only safetensors, JSON and YAML are read, nothing is unpickled.

    trust: modules whose code may run where the config names a class of them, as in trust=("my_scores",).
    precision: "int8" for weights of one byte: faster on a CPU, and a few answers change.
    batch_invariant: the same answers to the last bit, alone and in any batch; without it the last digits of a score may differ in float32.
    decode: keys of the config's `decode` that are others while this model is used, as in decode={"length_penalty": 1.0},
    or words decode.KEY=VALUE as the command line takes them.
    device: "cpu", "cuda", "cuda:1", "mps", or "auto" for a GPU where there is one that works; answers may differ in their last digits.
    Raises RunFolderError where the folder is no run, is damaged, is of a newer version, or names a module that is not trusted, and
    ConfigError for a `decode` that no config could have, and a device that is not there.
    """
    if is_exported(Path(folder)):
        refuse_device(folder, device)
        return Model(load_exported(folder).apply_decode(decode))
    return Model(
        load_run(folder, trust=trust, precision=precision, batch_invariant=batch_invariant, device=device).apply_decode(decode)
    )


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
