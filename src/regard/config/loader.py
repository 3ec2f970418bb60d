"""Reading a config: a YAML file, overrides, and every error at once with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from regard.config import checks, yaml_text
from regard.config.explain import explain, find, join_key
from regard.config.schema import Config, config_of
from regard.config.spellings import WrittenKeys, negate, resolve_path
from regard.config.task_section import Problem
from regard.config.trust import refuse_strange_task
from regard.config.yaml_text import KeyPath
from regard.core.bounded_json import read_bytes
from regard.core.errors import ConfigError, did_you_mean, message
from regard.tasks import registry

LONGEST = 1 << 20  # bytes of a file
_AFTER = 1_000_000_000  # overrides and options come after every line of the file


class KeyPlace(NamedTuple):
    """Where a key was said.  order: its line in the file; after all lines for an override."""

    order: int
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where it stands, and the four parts of its message."""

    place: KeyPlace
    key: str
    expected: str
    received: str
    do: str

    def __str__(self) -> str:
        what = f"{self.place.name}: {self.key}" if self.key else self.place.name
        return message(what, self.expected, self.received, self.do)


@dataclass
class Draft:
    """A config on its way: plain values under the house's keys, where and how each key was said, and what is wrong so far."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, KeyPlace] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    name: str = "config"
    keys: WrittenKeys = field(default_factory=WrittenKeys)

    def __post_init__(self) -> None:
        """values, places: as they were written; both are under the house's keys from here on."""
        self.values = self.keys.translate(self.values)
        self.refuse_twice(self.place)
        self.places = {resolve_path(path): place for path, place in self.places.items()}

    def place(self, path: KeyPath) -> KeyPlace:
        """Where this key was said; else a key below it, else the nearest above."""
        above = [path[:end] for end in range(len(path) - 1, 0, -1)]
        below = [p for p in self.places if p[: len(path)] == path]
        return next((self.places[p] for p in (path, *below, *above) if p in self.places), KeyPlace(0, self.name))

    def fault(self, path: KeyPath, expected: str, received: str, do: str) -> None:
        self.faults.append(Fault(self.place(path), join_key(self.keys.restore_path(path)), expected, received, do))

    def refuse_twice(self, place: Callable[[KeyPath], KeyPlace]) -> None:
        """Faults of keys that were newly said in both of their spellings.  place: where each of the two was."""
        for first, second in self.keys.take_twice():
            received = f"{join_key(first)}, its other name, too ({place(first).name})"
            self.faults.append(Fault(place(second), join_key(second), "each key once", received, "Remove one of them."))


def load_config(
    path: str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    task: str | None = None,
    train: Sequence[str] | None = None,
    valid: Sequence[str] | None = None,
    pretrained: str | None = None,
    trust: Iterable[str] | None = None,
) -> Config:
    """Read a YAML file (None: all defaults), then the overrides `section.key=value`, then the options of a command.

    Overrides are YAML: `train.learning_rate=1e-3`, `data.train=[a.de, a.en]`, `model.attention.scope=window(3)`; later ones win.
    Raises ConfigError with every fault, one a line: `FILE:LINE: section.key: expected X; received Y. Do Z.`; the place of an
    override is the override itself.
    trust: where the file is a run's, and so may be anybody's, the modules whose code may run if it names a task of a user's: RunFolderError
    for any other; None: the file is the caller's own.
    """
    draft = open_draft(path) if path is not None else Draft()
    if path is not None and trust is not None:
        refuse_strange_task(draft.values, Path(path), trust)
    for number, override in enumerate(overrides):
        _override(draft, override, KeyPlace(_AFTER + number, override))
    for option, key, value in (
        ("--task", ("task",), task),
        ("--train", ("data", "train"), train),
        ("--valid", ("data", "valid"), valid),
        ("--from", _begun(draft, pretrained, task), pretrained),
    ):
        if value is not None:
            put_key(draft, key, value if isinstance(value, str) else list(value), KeyPlace(_AFTER + len(overrides), option))
    return check_draft(draft)


def _begun(draft: Draft, run: str | None, task: str | None) -> KeyPath:
    """Which key `--from` is: a run is begun with whole, of its task where nobody named one, but one whose net is a reader for others."""
    said = draft.values.get("train")
    if run is not None and isinstance(said, Mapping) and said.get("begin") == run:  # what goes on needs the run no more
        return ("train", "begin")
    try:
        of = yaml_text.read((Path(run or "") / "config.yaml").read_text(encoding="utf-8")).values.get("task", registry.USUAL)
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return ("model", "pretrained")
    if of in registry.TASKS and registry.spec(of).reads_for:
        return ("model", "pretrained")
    if task is None and not registry.is_own(of):  # whose code runs is said by whoever begins
        draft.values.setdefault("task", of)
    return ("train", "begin")


def read_config(values: Mapping[str, Any]) -> Config:
    """A config from plain values, as a YAML file would give them.  Raises ConfigError as `load_config` does."""
    return check_draft(Draft(dict(values)))


def with_values(config: Config, overrides: Sequence[str], values: Mapping[str, Any]) -> Config:
    """A config with other keys: overrides as `load_config` takes them, and values of dotted keys, which win.  Raises ConfigError."""
    draft = Draft(config.model_dump(mode="json"))
    for number, override in enumerate(overrides):
        _override(draft, override, KeyPlace(_AFTER + number, override))
    for key, value in values.items():
        put_key(draft, tuple(key.split(".")), value, KeyPlace(_AFTER + len(overrides), f"{key}={value!r}"))
    return check_draft(draft)


def open_draft(path: str | Path) -> Draft:
    """The draft of a YAML file.  ConfigError where there is none to be read."""
    name = str(path)
    values, places, faults = read_yaml(path)
    draft = Draft(values, places, name=name)
    draft.faults += faults
    return draft


def read_yaml(path: str | Path, what: str = "config") -> tuple[dict[str, Any], dict[KeyPath, KeyPlace], list[Fault]]:
    """The keys of a YAML file, where each stands, and what is wrong with single ones.  what: the kind of file, for errors.  ConfigError."""
    name, file = str(path), Path(path)
    try:
        text = read_bytes(file, most=LONGEST).decode("utf-8-sig")
    except FileNotFoundError:
        near = did_you_mean(file.name, [p.name for p in file.parent.iterdir()]) if file.parent.is_dir() else ""
        raise ConfigError(message(name, f"a {what} file", "no such file", f"Name one that exists.{near}")) from None
    except UnicodeDecodeError as e:
        raise ConfigError(message(name, "UTF-8", f"byte {e.object[e.start]:#04x} at {e.start}", "Save it as UTF-8.")) from None
    except ValueError as e:
        raise ConfigError(message(name, f"a {what} file of at most {LONGEST:,} bytes", str(e), "Name one.")) from None
    except OSError as e:
        raise ConfigError(message(name, f"a {what} file", e.strerror or str(e), "Name a file that can be read.")) from None
    try:
        read = yaml_text.read(text)
    except yaml.YAMLError as e:
        place, problem = _yaml_error(name, e, text)
        raise ConfigError(message(place, "YAML", problem, "Correct the line: `key: value`, indented by spaces.")) from None
    if not isinstance(read.values, dict | None):
        received, do = repr(read.values)[:60], "Write `section:` and its keys."
        raise ConfigError(message(f"{name}:1", "sections, as in `model:`", received, do))
    faults = [Fault(KeyPlace(line, f"{name}:{line}"), join_key(at), *more) for at, line, *more in read.wrong]
    return read.values or {}, {p: KeyPlace(line, f"{name}:{line}") for p, line in read.lines.items()}, faults


def _yaml_error(name: str, error: yaml.YAMLError, text: str) -> tuple[str, str]:
    if isinstance(error, yaml.reader.ReaderError):
        return f"{name}:{text.count(chr(10), 0, error.position) + 1}", f"a character that YAML forbids: {error.character!r}"
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    return (f"{name}:{mark.line + 1}" if mark else name), problem.removeprefix("found ")


def _override(draft: Draft, override: str, place: KeyPlace) -> None:
    key, sign, text = override.partition("=")
    path = tuple(key.strip().split("."))
    if not sign or not all(path):
        draft.faults.append(Fault(place, "", "section.key=value", f"'{override}'", "Write it like train.epochs=10."))
        return
    try:
        read = yaml_text.read(text)
    except yaml.YAMLError as e:
        do = "Quote it: key='\"...\"'."
        draft.faults.append(Fault(place, join_key(path), "a YAML value", _yaml_error(override, e, text)[1], do))
        return
    for at, _, expected, received, do in read.wrong:
        draft.faults.append(Fault(place, join_key((*path, *at)), expected, received, do))
    put_key(draft, path, read.values, place)


def put_key(draft: Draft, written: KeyPath, value: Any, place: KeyPlace) -> None:
    """Set a dotted key.  An attention in its short form makes room for its other words; any other value in the way is a fault."""
    path = resolve_path(written)
    before, value = draft.place(path), draft.keys.put(written, value)
    draft.refuse_twice(lambda said: before if said != written and resolve_path(said) == path else place)
    level: Any = draft.values
    for depth, key in enumerate(path[:-1], 1):
        below = level.get(key)
        if below is None:
            below = {}
        elif isinstance(below, str) and key in ("attention", "self_attention", "align", "past", "look"):
            below = {"score": below}
        elif not isinstance(below, dict):
            expected = f"{join_key(written[:depth])} to have keys"
            draft.faults.append(Fault(place, join_key(written), expected, repr(below), "Set the key above it."))
            return
        level[key] = below
        level = below
    level[path[-1]] = value
    draft.places = {p: where for p, where in draft.places.items() if p[: len(path)] != path} | {path: place}


def check_draft(draft: Draft) -> Config:
    """The config, or all its faults.  Keys that cannot be read are left out and the rest is checked too, so that one run tells all."""
    values = _readable(draft, draft.values, ())
    values = {k: v for k, v in values.items() if v is not None or k == "task"}  # a section with nothing below it
    config, refused = _validated(draft, values, [])
    if refused:
        _validated(draft, _without(values, refused), refused)
    if draft.faults or config is None:
        raise ConfigError("\n".join(dict.fromkeys(map(str, sorted(draft.faults, key=lambda f: f.place.order)))))
    return config


def _readable(draft: Draft, values: Mapping[Any, Any], above: KeyPath) -> dict[str, Any]:
    """The values whose keys and texts are whole characters: bytes of a command line that are no UTF-8 are none, and no file holds them."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        path = (*above, key if isinstance(key, str) else repr(key))
        if isinstance(key, str) and _whole(key) and (not isinstance(value, str) or _whole(value)):
            kept[key] = _readable(draft, value, path) if isinstance(value, Mapping) else value
        else:
            received = repr(value if isinstance(key, str) and _whole(key) else key)[:60]
            draft.fault(path, "text of whole characters, in UTF-8", received, "Write a text in UTF-8.")
    return kept


def _whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _validated(draft: Draft, values: dict[str, Any], left_out: list[KeyPath]) -> tuple[Config | None, list[KeyPath]]:
    """The config, or None and the paths that were refused.  Their faults go to the draft, with those of keys that do not go together."""
    whole = config_of(str(values.get("task", registry.USUAL)))
    try:
        config = whole.model_validate(values)
    except ValidationError as e:
        errors = e.errors(include_url=False)
    else:
        for problem in checks.problems(config):
            _misfit(draft, problem, left_out)
        return config, []
    refused: dict[KeyPath, None] = {}
    for error in errors:
        cause = error.get("ctx", {}).get("error")
        path, _, _ = find(error["loc"], whole)
        if path not in refused and not any(fault.key == join_key(draft.keys.restore_path(path)) for fault in draft.faults):
            draft.fault(path, *explain(path, error["input"], cause, draft.keys.restore_path(path), whole))
        refused[path] = None
    return None, list(refused)


def _misfit(draft: Draft, problem: Problem, left_out: list[KeyPath]) -> None:
    """Keys that do not fit each other, unless one of them was not the user's own but stands in for one that was refused."""
    paths: list[KeyPath] = [tuple(k.split(".")) for k in problem.keys]
    if any(a[: len(b)] == b or b[: len(a)] == a for a in paths for b in left_out):
        return
    place = next((draft.places[p] for p in paths if p in draft.places), draft.place(paths[0]))
    written = draft.keys.restore_path(paths[0])
    draft.faults.append(Fault(place, join_key(written), problem.expected, negate(written, problem.received), problem.do))


def _without(values: dict[str, Any], refused: list[KeyPath]) -> dict[str, Any]:
    """The values less the refused paths; where a short form stands in a path's way, it goes as a whole."""
    kept = dict(values)
    for key in values:
        below = [p[1:] for p in refused if p[0] == key]
        if not below:
            continue
        if () in below or not isinstance(values[key], dict) or any(isinstance(p[0], int) for p in below):
            del kept[key]
        else:
            kept[key] = _without(values[key], below)
    return kept
