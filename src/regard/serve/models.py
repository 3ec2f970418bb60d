"""The models that a server answers with: opened from their run folders, asked in batches, and replaced while they are in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Protocol

from regard.core.errors import DataError, RunFolderError, UsageError, did_you_mean, message
from regard.core.say import Say
from regard.runtime.folder import is_exported
from regard.serve.problems import HTTPProblem
from regard.serve.requests import Touched
from regard.tasks.answer_json import of_hypothesis, of_scored, of_source
from regard.tasks.intervention_words import read_interventions
from regard.view.page import payload

Verb = Literal["predict", "score", "view"]
DIRECT = ("beam", "n_best", "sample", "seed")  # options that `Model.stream` takes by name; it takes others as `decode`
PATHS = ("caption", "forecast")  # tasks whose items name files: a client must not choose what is read here
TOGETHER = ("transduce", "language")  # tasks whose answers have the same bits in any batch; of others the last digit may differ
APART = ("marginal", "hard-monotonic")  # unless their net has one of these
PIECE = 1 << 20  # bytes that are hashed at a time
WARM = ("a", "a\ta")  # a text, and one with two columns


class ServableModel(Protocol):
    """What a server asks of a model: `regard.Model` is one, and whatever else answers like it."""

    config: Any

    def stream(self, items: Iterable[Any], **options: Any) -> Iterable[Sequence[Any]]: ...

    def score(self, pairs: Iterable[Any], *, batch_size: int | None = None) -> Sequence[Any]: ...


Opener = Callable[[Path], ServableModel]
Choose = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True)
class BatchKey:
    """What items must have in common to be answered side by side."""

    served: ServedModel
    verb: Verb
    options: tuple[tuple[str, Any], ...] = ()
    attention: bool = False
    touched: Touched = ()

    def width(self) -> int:
        """How many hypotheses of each item are written side by side."""
        asked, decode = dict(self.options), self.served.decode
        if self.verb == "score" or not self.served.writes:
            return 1
        n_best = asked.get("n_best", decode.n_best)
        return int(n_best if asked.get("sample", decode.sample) else max(asked.get("beam", decode.beam), n_best))

    def answer(self, items: Sequence[Any]) -> list[bytes]:
        """The answer to each item as JSON.  Raises what the model raises."""
        if self.verb == "score":
            return [_encoded(of_scored(each)) for each in self.served.model.score(items, batch_size=1)]
        if self.verb == "view":
            return [self._picture(item) for item in items]
        told = self._stream(items, self.attention, _unheard)
        return [_encoded([_told(p, self.attention) for p in best]) for best in told]

    def _stream(self, items: Sequence[Any], attention: bool, say: Say) -> Iterable[Sequence[Any]]:
        asked = dict(self.options)
        named = {name: asked.pop(name) for name in DIRECT if name in asked}
        if self.touched:
            named["interventions"] = read_interventions(dict(self.touched), spelt="interventions.{}:".format)
        batch_size = self.served.side_by_side(len(items))
        return self.served.model.stream(items, attention=attention, decode=asked or None, batch_size=batch_size, say=say, **named)

    def _picture(self, item: Any) -> bytes:
        """What a page shows of one item, with the notes on it."""
        notes = list[str]()
        shown = payload(list(self._stream([item], True, notes.append)))
        shown["sentences"][0]["notes"] = notes
        return _encoded(shown)


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model under a name.  version: of its files; another one after they changed.  exported: by `regard export`.
    examples: items of a file that whoever started the server named."""

    name: str
    folder: Path
    version: str
    model: ServableModel
    exported: bool = False
    examples: Sequence[Any] = ()

    @property
    def decode(self) -> Any:
        return self.model.config.decode

    @property
    def task(self) -> str:
        return str(self.model.config.task)

    @property
    def reads_files(self) -> bool:
        """Whether its items name files: then a client may ask for examples alone."""
        return self.task in PATHS

    @property
    def writes(self) -> bool:
        """Whether it writes word by word, so that answers have a length to be bounded."""
        return "decode.beam" in self.model.config.spec.uses

    def side_by_side(self, items: int) -> int:
        """How many of so many items are computed side by side: all, or one at a time where the batch would show in the last bit, as it
        does in what numpy multiplies for an exported model; the compiled loops compute each row alike."""
        by_numpy = self.exported and not getattr(getattr(self.model, "network", None), "rows_alike", False)
        apart = self.task not in TOGETHER or any(word in str(self.model.config.model) for word in APART)
        return 1 if apart or by_numpy else max(1, items)

    def count_steps(self, characters: int, options: Mapping[str, Any]) -> int:
        """The most tokens that may be written for a text of so many characters."""
        if not self.writes:
            return 1
        ratio, extra, least = (options.get(key, getattr(self.decode, key)) for key in ("max_ratio", "max_extra", "min_length"))
        return max(int(ratio * (characters + 1)) + extra, least)


class ServedModels:
    """The models of a server by their names.

    runs: the run folder of each name.  open_model: makes a model of a folder.  choose: examples to begin with, of a model.
    """

    def __init__(self, runs: Mapping[str, Path], open_model: Opener, choose: Choose | None = None) -> None:
        self._runs, self._open, self._choose = dict(runs), open_model, choose
        self._served = {name: self._opened(name) for name in self._runs}

    def __iter__(self) -> Any:
        return iter(self._served.values())

    def find(self, name: str | None) -> ServedModel:
        """HTTPProblem where there is none of that name, or several and no name."""
        if name is None and len(self._served) == 1:
            return next(iter(self._served.values()))
        if name not in self._served:
            received = "none" if name is None else repr(name[:60])
            do = f"Name one.{did_you_mean(name, self._served) if name else ''}"
            raise HTTPProblem(404 if name else 422, message("model", f"one of {', '.join(self._served)}", received, do))
        return self._served[name]

    def reopen(self, name: str) -> ServedModel:
        """The model of a name as its folder is now; `replace` puts it in place.  Raises RegardError where it cannot be opened."""
        return self._opened(name)

    def replace(self, fresh: ServedModel) -> None:
        """Let requests that come from now on be answered by this one."""
        self._served[fresh.name] = fresh

    def names(self) -> list[str]:
        return list(self._served)

    def _opened(self, name: str) -> ServedModel:
        folder = self._runs[name]
        model = self._open(folder)
        examples = tuple(self._choose(model)) if self._choose else ()
        if model.config.task in PATHS and not examples:
            expected, do = "a run whose items are texts", "Use regard predict, or regard view RUN FILE --live."
            raise RunFolderError(message(str(folder), expected, f"one of task {model.config.task}", do))
        served = ServedModel(name, folder, _version(folder), model, is_exported(folder), examples)
        warm(served)
        return served


def name_runs(words: Iterable[str]) -> dict[str, Path]:
    """Run folders by the names that clients call them by, of words RUN or NAME=RUN; without a name that of the folder, or, where it is
    called `run`, of the one around it.  Raises UsageError for a name that two have."""
    found = dict[str, Path]()
    for word in words:
        name, sign, folder = word.partition("=")
        path = Path(folder if sign and not Path(word).exists() else word)
        if path == Path(word):
            whole = path.resolve()
            name = whole.parent.name if whole.name == "run" and whole.parent.name else whole.name
        if name in found or not name:
            do = f"Write NAME={path}."
            raise UsageError(message("regard serve", "a name of its own for each run", f"{name!r} again", do))
        found[name] = path
    return found


def warm(served: ServedModel) -> None:
    """Answer once, so that what is compiled or laid out when it is first used is there before anybody waits for it."""
    for item in served.examples[:1]:
        BatchKey(served, "view").answer([item])
    for text in () if served.reads_files else WARM:
        try:
            BatchKey(served, "predict").answer([text])
            BatchKey(served, "predict").answer([text] * 2)
        except DataError:
            continue


def _told(prediction: Any, attention: bool) -> dict[str, Any]:
    found = {**of_hypothesis(prediction), **of_source(prediction)}
    looks = {name: weights.tolist() for name, weights in prediction.attention.items()}
    return {**found, "attention": looks} if attention else found


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def _unheard(note: str) -> None:
    """Notes are on all items of a batch together, so no request can be told them."""


def _version(folder: Path) -> str:
    """Twelve digits of a hash of the files that lie in a run folder itself."""
    marks = blake2b(digest_size=6)
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".json", ".yaml") and path.is_file():
            marks.update(path.name.encode())
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    marks.update(piece)
    return marks.hexdigest()
