"""A model in use, from Python: predictions that show themselves, figures, scores; whether PyTorch or an exported graph answers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, TypedDict, Unpack, overload

from regard.core.errors import ArgumentError, message
from regard.core.say import Say
from regard.data.python_items import pair_of
from regard.tasks.base import Predictor as TaskModel
from regard.tasks.base import Scored as Scored
from regard.tasks.base import TaskPrediction as Plain
from regard.tasks.ensembles import make_ensemble
from regard.tasks.interventions import TouchedModels
from regard.view import page

if TYPE_CHECKING:
    from torch import nn

    from regard.attention.interventions import Intervention
    from regard.tasks.align_pairs import AlignedPair
    from regard.tasks.faithfulness import LookFindings

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
    interventions: Sequence[Intervention]
    say: Say


class Prediction(Plain):
    """A prediction that shows itself: in a notebook it is the picture of where the model looked."""

    def _repr_html_(self) -> str:
        return page.fragment(self)


class Model:
    """`regard.load("run")`: a model of any task, with predictions that show themselves in a notebook."""

    def __init__(self, model: TaskModel) -> None:
        self._model, self.config, self.folder = model, model.config, model.folder
        self._touched = TouchedModels(model)

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
        interventions: Sequence[Intervention] = (),
        say: Say = LOG.warning,
        **wrong: Never,
    ) -> list[Prediction] | list[list[Prediction]]:
        """Predictions for items, in their order: a list of Prediction, of lists where n_best > 1 (here, in `decode` or in the config).

        items: texts, or what else the task takes (docs/api.md has the forms).  beam, n_best, sample, seed: only where the task writes
        (n_best also where it ranks).  decode: keys of the config's `decode` that are others this time.  interventions: what is done to
        weights of attention, in their order (`Erase`, `Pin`, `Uniform`, `Permute`, `Replace`; docs/interventions.md).  say: hears the
        notes on items; left out: the logger `regard`.
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
        more: Any = {"attention": attention, "decode": decode, "interventions": interventions, "say": say}
        found = list(self.stream(items, **more, **options))
        asked = n_best or (decode or {}).get("n_best") or self.config.decode.n_best
        return found if asked > 1 else [best[0] for best in found]

    def examples(self, file: str | Path, *, say: Say = LOG.warning) -> Iterator[Any]:
        """The items of a file to be looked at, lazily, as `regard view` reads it.  Raises DataError, which names the line."""
        return self._model.read_examples(str(file), say)

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
        interventions: Sequence[Intervention] = (),
        say: Say = LOG.warning,
        **wrong: Never,
    ) -> Iterator[list[Prediction]]:
        """The n best predictions of each item, in order, while items are still being read: some hundreds at a time, or, with
        batch_size=1, each by itself.  Otherwise as `predict`."""
        options = {"beam": beam, "n_best": n_best, "batch_size": batch_size, "sample": sample, "seed": seed, **wrong}
        given = self._model.answer_options(options)
        with self._touched.lend(interventions) as model:
            for found in model.stream(items, given, attention=attention, decode=decode, say=say):
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

    def align(
        self, pairs: Iterable[Any], *, look: str | None = None, head: int | None = None, shift: int = 0
    ) -> list[AlignedPair]:
        """Which source word each target word comes from, by where the model looks in forced decoding: `.source` and `.target` in words,
        `.links` of places from 0, `.weights` (target words, source words).

        pairs: (source, target), or what else `score` takes.  look: None: the last at the source; head: None: their mean; shift: 1: as a
        word was read, a step after it was written (docs/align.md).
        Raises RunFolderError for a task without pairs of texts, DataError for a pair that the model cannot read whole, ArgumentError for a
        look or a head that is not there.
        """
        from regard.tasks import align_pairs

        model = align_pairs.as_pair_model(self._model)
        asked = align_pairs.LookChoice(look, align_pairs.MEAN if head is None else head, shift)
        return list(align_pairs.align(model, [pair_of(pair, model.layout) for pair in pairs], asked, LOG.info))

    def faithfulness(self, items: Iterable[Any], *, look: str | None = None, say: Say = LOG.warning) -> list[LookFindings]:
        """What the model's own answers to items lose when the weights of its looks are changed (docs/faithfulness.md): for each look (or
        this one), of all its heads together and, where there are several, of each.

        Raises ArgumentError for a look that is not there, RunFolderError for another task, a run without looks or an exported one, and
        DataError where no item has an answer.
        """
        from regard.tasks.faithfulness import find_looks, measure

        looks = find_looks(self._model, look)
        return list(measure(self._model, list(items), looks, say))


def _shown(plain: Plain) -> Prediction:
    return Prediction(**vars(plain))
