"""A study file: what is varied, on which data, with which seeds; read strictly, every fault at once with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from regard.compare.space import Space, read_space
from regard.config.explain import join_key
from regard.config.loader import Fault, KeyPlace, read_yaml
from regard.config.yaml_text import KeyPath
from regard.core.errors import ConfigError, did_you_mean

KEYS = ("base", "data", "vary", "cells", "seeds", "baseline", "figure", "tune")
FILES = ("train", "valid", "test")  # of a data set
SEED = "train.seed"
NAME = re.compile(r"[\w.()+,=-]{1,100}")  # of a cell or a data set, which is a folder's too
_STRANGE = re.compile(r"[^\w.()+,=-]+")


class Setting(NamedTuple):
    """A key of the config that a study sets, and where it says so."""

    key: str
    value: Any
    place: KeyPlace


@dataclass(frozen=True)
class DataSet:
    """Files to train on, to choose by and to judge by, and what else of the config goes with them."""

    name: str
    test: tuple[str, ...]
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Study:
    """What a study file says.  base: the path of a config, or its values; places: where those stand; cells: by name what each sets.
    figure: the one to judge by; None: the one that chose the models, if items can be counted by it."""

    path: Path
    base: str | Mapping[str, Any]
    places: Mapping[KeyPath, KeyPlace]
    data: Sequence[DataSet]
    cells: Mapping[str, tuple[Setting, ...]]
    seeds: Sequence[int]
    baseline: str
    figure: str | None = None
    space: Mapping[str, Space] = field(default_factory=dict)
    tuned: Mapping[str, KeyPlace] = field(default_factory=dict)


def load_study(path: str | Path) -> Study:
    """Read a study file.  ConfigError with every fault: `FILE:LINE: key: expected X; received Y. Do Z.`"""
    values, places, faults = read_yaml(path, "study")
    reader = _CellReader(str(path), values, places, faults)
    reader.refuse_unknown((), values, KEYS)
    cells = reader.cells()
    data, seeds, baseline = reader.data_sets(), reader.seeds(), reader.baseline(cells)
    figure = reader.figure()
    space = reader.take_mapping("tune") or {}
    reader.refuse_keys("tune", space)
    reader.refuse_fixed(space, cells)
    spaces = {key: read_space(given, lambda *fault, k=key: reader.fault(("tune", k), *fault)) for key, given in space.items()}
    base = reader.base()
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(map(str, sorted(faults, key=lambda fault: fault.place.order)))))
    below = {at[1:]: place for at, place in places.items() if at[0] == "base" and len(at) > 1}
    tuned = {key: reader.place(("tune", key)) for key in space}
    return Study(Path(path), base, below, data, cells, seeds, baseline, figure, {k: s for k, s in spaces.items() if s}, tuned)


@dataclass
class _StudyReader:
    """What a study file says, and all that is wrong with it."""

    name: str
    values: Mapping[str, Any]
    places: Mapping[KeyPath, KeyPlace]
    faults: list[Fault]

    def place(self, path: KeyPath) -> KeyPlace:
        """Where a key stands; else the nearest above."""
        above = (path[:end] for end in range(len(path), 0, -1))
        return next((self.places[p] for p in above if p in self.places), KeyPlace(0, self.name))

    def fault(self, path: KeyPath, expected: str, received: str, do: str) -> None:
        self.faults.append(Fault(self.place(path), join_key(path), expected, received, do))

    def refuse_unknown(self, path: KeyPath, given: Iterable[str], known: Sequence[str]) -> None:
        for key in given:
            if key not in known:
                do = f"Correct or remove it.{did_you_mean(key, known)}"
                self.fault((*path, key), f"one of {', '.join(known)}", "no such key", do)

    def take_mapping(self, key: str) -> dict[str, Any] | None:
        """The mapping under a key of the study; None where nothing, or something else, is there."""
        given = self.values.get(key)
        if given is None or isinstance(given, dict):
            return given or None
        self.fault((key,), "a mapping", repr(given)[:60], f"Write `{key}:` and below it `name: value`.")
        return None

    def refuse_keys(self, above: str, given: Mapping[str, Any], at: KeyPath = ()) -> None:
        """Keys of a config are dotted, and those of the study itself are said elsewhere."""
        for key in given:
            own = {"data.train": "data", "data.valid": "data", SEED: "seeds"}.get(key)
            if own:
                self.fault((above, *at, key), f"what `{own}:` does not say", f"'{key}'", f"Say it under `{own}:`.")
            elif "." not in key:
                self.fault((above, *at, key), "a dotted key of the config, such as model.size", f"'{key}'", "Write section.key.")

    def base(self) -> str | Mapping[str, Any]:
        given = self.values.get("base")
        if given is None or isinstance(given, dict | str):
            return given or {}
        self.fault(
            ("base",), "a config: a path, or sections", repr(given)[:60], "Write `base: my.yaml`, or sections below `base:`."
        )
        return {}

    def data_sets(self) -> list[DataSet]:
        found, given = list[DataSet](), self.take_mapping("data")
        if given is None:
            do = "Write `data:`, a name for each set, and below it train, valid and test."
            self.fault(("data",), "sets of files by name", "none", do)
        for name, files in (given or {}).items():
            path = ("data", name)
            self.refuse_name(path, name)
            if not isinstance(files, dict):
                self.fault(path, "files: train, valid and test", repr(files)[:60], "Write them below its name.")
                continue
            self.refuse_unknown(path, (key for key in files if "." not in key), FILES)
            self.refuse_keys("data", {key: value for key, value in files.items() if "." in key}, (name,))
            for key in ("train", "test"):
                if not self.files((*path, key), files.get(key)):
                    why = "" if key == "train" else "; validation has chosen the model, so figures need other items"
                    self.fault((*path, key), f"at least one file{why}", "none", f"Write `{key}: FILE`.")
            settings = [Setting(f"data.{key}" if key in FILES else key, files[key], self.place((*path, key))) for key in files]
            kept = tuple(setting for setting in settings if setting.key != "data.test")
            found.append(DataSet(name, self.files((*path, "test"), files.get("test")), kept))
        return found

    def files(self, path: KeyPath, given: Any) -> tuple[str, ...]:
        listed = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        if any(not isinstance(each, str) or each == "-" for each in listed):
            self.fault(path, "names of files, which can be read again", repr(given)[:60], "Name files.")
        return tuple(each for each in listed if isinstance(each, str))

    def refuse_name(self, path: KeyPath, name: str) -> None:
        if not NAME.fullmatch(name) or set(name) == {"."}:
            self.fault(
                path, "a name of letters, digits and .()+,=- that a folder can have", repr(name)[:60], "Choose such a name."
            )

    def figure(self) -> str | None:
        given = self.values.get("figure")
        if given is not None and not isinstance(given, str):
            self.fault(("figure",), "a figure of the task, such as accuracy", repr(given)[:60], "Name one.")
            return None
        return given

    def seeds(self) -> list[int]:
        given = self.values.get("seeds", [1])
        whole = isinstance(given, list) and all(type(seed) is int and 0 <= seed < 2**32 for seed in given)
        if whole and given and len(set(given)) == len(given):
            return list(given)
        do = "Write `seeds: [1, 2, 3]`."
        self.fault(("seeds",), "a list of different whole numbers, from 0", repr(given)[:60], do)
        return [1]

    def baseline(self, cells: Mapping[str, Any]) -> str:
        given = self.values.get("baseline", next(iter(cells)))
        given = given if isinstance(given, str) else label(given)  # as cells are called, which a number may be
        if given not in cells:
            do = f"Name a cell.{did_you_mean(given, cells)}"
            self.fault(("baseline",), f"one of {', '.join(list(cells)[:12])}", repr(given)[:60], do)
        return str(given)


class _CellReader(_StudyReader):
    """The axes, and the cells that are their product."""

    def cells(self) -> dict[str, tuple[Setting, ...]]:
        """Every point of the product of the axes, by name."""
        axes = [self.axis(key) for key in self.take_mapping("vary") or {}]
        if (named := self.take_mapping("cells")) is not None:
            axes.append({name: self.cell(name, keys) for name, keys in named.items()})
        found = dict[str, tuple[Setting, ...]]()
        for point in product(*(axis.items() for axis in axes if axis)):
            name = ",".join(label for label, _ in point) or "base"
            settings = tuple(setting for _, part in point for setting in part)
            twice = {s.key for s in settings if [t.key for t in settings].count(s.key) > 1}
            if twice:
                at = settings[-1].place
                self.faults.append(Fault(at, min(twice), "each key on one axis", "two", "Take it out of `vary:` or of `cells:`."))
            if name in found:
                at, do = settings[-1].place, "Give its values names: `model.x: {first: ..., second: ...}`."
                self.faults.append(Fault(at, "vary", "cells of different names", f"two called '{name}'", do))
            found[name] = settings
        return found

    def axis(self, key: str) -> dict[str, tuple[Setting, ...]]:
        path = ("vary", key)
        self.refuse_keys("vary", {key: None})
        given = self.values["vary"][key]
        if not isinstance(given, list | dict) or not given:
            self.fault(path, "a list of values, or values by name", repr(given)[:60], f"Write `{key}: [first, second]`.")
            return {}
        each = given.items() if isinstance(given, dict) else ((label(value), value) for value in given)
        found = dict[str, tuple[Setting, ...]]()
        for number, (name, value) in enumerate(each):
            here = (*path, name if isinstance(given, dict) else number)
            self.refuse_name(here, name)
            if name in found:
                self.fault(here, "values of different names", f"two called '{name}'", "Write `name: value` for each.")
            found[name] = (Setting(key, value, self.place(here)),)
        return found

    def cell(self, name: str, keys: Any) -> tuple[Setting, ...]:
        path = ("cells", name)
        self.refuse_name(path, name)
        if keys is not None and not isinstance(keys, dict):
            self.fault(path, "keys of the config and their values", repr(keys)[:60], "Write `section.key: value` below its name.")
            return ()
        self.refuse_keys("cells", keys or {}, (name,))
        return tuple(Setting(key, value, self.place((*path, key))) for key, value in (keys or {}).items())

    def refuse_fixed(self, space: Iterable[str], cells: Mapping[str, Sequence[Setting]]) -> None:
        """A key is searched for or said, not both."""
        said = {setting.key for settings in cells.values() for setting in settings}
        for key in said.intersection(space):
            self.fault(("tune", key), "a key that no cell says", "one of `vary:` or `cells:`", "Take it out of one of them.")


def label(value: Any) -> str:
    """A short name for a value of an axis: what it says, in characters that a folder's name may have."""
    if isinstance(value, Mapping):
        return "+".join(map(label, value.values())) or "none"
    if isinstance(value, list):
        return "+".join(map(label, value)) or "none"
    word = {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
    return _STRANGE.sub("-", word).strip("-")[:100] or "none"
