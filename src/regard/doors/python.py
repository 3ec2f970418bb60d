"""The Python door: `regard.load`, `regard.train`, `regard.make_attention`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.doors.view import page
from regard.tasks.task import Prediction as Plain
from regard.workshop import fit
from regard.workshop import model as workshop
from regard.workshop.build import make_attention as make_attention
from regard.workshop.config import Config, load_config, read_config
from regard.workshop.fit import Run as Run
from regard.workshop.model import Precision as Precision


class Prediction(Plain):
    """A prediction that shows itself: in a notebook it is the picture of where the model looked."""

    def _repr_html_(self) -> str:
        return page.fragment(self)


class Model:
    """`regard.load("run")`: a model of any task, with predictions that show themselves in a notebook."""

    def __init__(self, model: workshop.Model) -> None:
        self._model, self.config, self.folder = model, model.config, model.folder

    @staticmethod
    def ensemble(models: Sequence[Model]) -> Model:
        """Several models that answer together.  Raises RunFolderError where they cannot: other tasks, vocabularies or texts."""
        return Model(workshop.Model.ensemble([model._model for model in models]))

    def predict(self, items: Any, **wanted: Any) -> list[Any]:
        """Predictions for items, in their order: a list of Prediction, of lists where n_best > 1.

        wanted: beam, n_best, batch_size, attention, sample, seed where the task writes; see the task's page.
        """
        found = self._model.predict(items, **wanted)
        return [[_shown(p) for p in each] if isinstance(each, list) else _shown(each) for each in found]

    def stream(self, items: Any, **wanted: Any) -> Iterator[list[Plain]]:
        """The n best predictions of each item, in order, while items are still being read."""
        for found in self._model.stream(items, **wanted):
            yield [_shown(p) for p in found]

    def evaluate(self, files: Sequence[str], **wanted: Any) -> dict[str, Any]:
        """Figures on files of items and what is right of them."""
        return self._model.evaluate(files, **wanted)


def _shown(plain: Plain) -> Plain:
    return Prediction(**vars(plain))


def load(folder: str | Path, *, trust: Iterable[str] = (), precision: Precision = "float32") -> Model:
    """The model of a run folder; only safetensors, JSON and YAML are read, nothing is unpickled.

    trust: modules whose code may run where the config names a class of them, as in trust=("my_scores",).
    precision: "int8" for weights of one byte: faster on a CPU, and a few answers change.
    Raises RunFolderError where the folder is no run, is damaged, is of a newer version, or names a module that is not trusted.
    """
    return Model(workshop.Model.load(folder, trust=trust, precision=precision))


def train(config: str | Path | Mapping[str, Any] | Config, out: str | Path = "run", *, resume: bool = False) -> Run:
    """Train from a config: a YAML file, a mapping such as {"data": {"train": ["words.tsv"]}}, or a Config.

    The same road as `regard train`: the run folder `out` must be new or empty, unless resume=True.
    """
    if isinstance(config, str | Path):
        made = load_config(Path(config), [])
    else:
        made = config if isinstance(config, Config) else read_config(config)
    return fit.train(made, out, resume=resume)
