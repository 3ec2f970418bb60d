"""The cells of a study: a config for each data set, point of the axes and seed; and whether all can be built and read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.compare.study import SEED, Setting, Study
from regard.config import Config, read_config
from regard.config.loader import Draft, check_draft, open_draft, put_key
from regard.core.errors import ConfigError, RegardError, RunFolderError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.training.checksums import CONFIG
from regard.training.json_files import read_json, write_json
from regard.training.provenance import read_run

CELLS = "cells.json"  # in the study's folder: what each cell began with


@dataclass(frozen=True)
class StudyCell:
    """One training of a study.  values: its config as it was said; test: files to judge it on."""

    data: str
    name: str
    seed: int
    values: Mapping[str, Any]
    test: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where its files lie, below the folder of their kind."""
        return f"{self.data}/{self.name}/{self.seed}"

    @property
    def config(self) -> Config:
        return read_config(self.values)


@dataclass(frozen=True)
class StudyFolder:
    """What lies where in the folder of a study."""

    root: Path

    def run(self, path: str) -> Path:
        return self.root / "cells" / path

    def result(self, path: str) -> Path:
        return self.root / "figures" / f"{path}.json"

    def log(self, path: str) -> Path:
        return self.root / "logs" / f"{path}.log"


def make_cells(study: Study, chosen: Mapping[str, Mapping[str, Any]] | None = None) -> list[StudyCell]:
    """Every cell, first all of the first seed.  chosen: by "DATA/CELL" what a search found for keys.

    ConfigError with the faults of all of them, each with its place, and with the cells that have it where others do not.
    """
    found, faults, count = list[StudyCell](), dict[str, list[str]](), 0
    for data, (name, settings) in ((data, cell) for data in study.data for cell in study.cells.items()):
        count += 1
        more = [Setting(k, v, study.tuned[k]) for k, v in ((chosen or {}).get(f"{data.name}/{name}") or {}).items()]
        try:
            values = make_values(study, (*data.settings, *settings, *more))
        except ConfigError as error:
            for line in str(error).splitlines():
                faults.setdefault(line, []).append(f"{data.name}/{name}")
            continue
        for seed in study.seeds:
            seeded = {**values, "train": {**(values.get("train") or {}), SEED.partition(".")[2]: seed}}
            found.append(StudyCell(data.name, name, seed, seeded, data.test))
    refuse(faults, count)
    return sorted(found, key=lambda cell: study.seeds.index(cell.seed))


def make_values(study: Study, settings: Sequence[Setting]) -> dict[str, Any]:
    """The config of the study with these keys, as plain values.  ConfigError with every fault and its place."""
    if isinstance(study.base, str):
        draft = open_draft(study.base)
    else:
        draft = Draft(deepcopy(dict(study.base)), dict(study.places), name=str(study.path))
    for setting in settings:
        put_key(draft, tuple(setting.key.split(".")), deepcopy(setting.value), setting.place)
    check_draft(draft)
    return draft.values


def refuse(faults: Mapping[str, Sequence[str]], count: int) -> None:
    """ConfigError with all faults, and which of so many cells have them."""
    lines = [
        line if len(cells) == count else f"{line} (cell {', '.join(cells[:3])}{', ...' if len(cells) > 3 else ''})"
        for line, cells in faults.items()
    ]
    if lines:
        raise ConfigError("\n".join(lines))


def check_cells(cells: Sequence[StudyCell], say: Say) -> dict[str, dict[str, str]]:
    """Build a small net of each config, and read all data, each once: what cannot be trained is refused before the first cell trains.

    Gives by "DATA/CELL" the SHA-256 of each file to train on and to choose by.  ConfigError with every fault.
    """
    first = {f"{cell.data}/{cell.name}": cell for cell in reversed(cells)}
    say(f"checking {many(len(first), 'config')} and their files")
    read, faults, marks = dict[str, dict[str, str] | str](), dict[str, list[str]](), dict[str, dict[str, str]]()
    for label, cell in reversed(first.items()):
        said: str | dict[str, str]
        try:
            _probe(cell.config)
            own = {key: cell.values.get(key) for key in ("task", "data", str(cell.config.spec.name))}
            key = json.dumps([own, cell.test], sort_keys=True)
            if key not in read:
                read[key] = _read_once(cell)
            said = read[key]
        except RegardError as error:
            said = str(error)
        if isinstance(said, str):
            for line in said.splitlines():
                faults.setdefault(line, []).append(label)
        else:
            marks[label] = said
    refuse(faults, len(first))
    return marks


def _probe(config: Config) -> None:
    from regard.build.size_limit import within_memory
    from regard.core.devices import find_device
    from regard.tasks import registry

    find_device(config.train.device, "train.device")
    with within_memory():
        registry.of(config.task).probe(config)


def _read_once(cell: StudyCell) -> dict[str, str] | str:
    """The marks of a cell's files, or what is wrong with them."""
    from regard.config.data_files import resolve_files
    from regard.tasks import registry
    from regard.training.reporting import silent

    try:
        config = resolve_files(cell.config, silent)
        task = registry.of(config.task)
        marks = task.read(config, silent).fingerprint
        data = config.data.model_copy(update={"valid": cell.test})
        if not task.validation_items(config.model_copy(update={"data": data})):
            do = "Name a file with items."
            return message(", ".join(cell.test), "items to judge by", "none", do)
        return marks
    except RegardError as error:
        return str(error)


def remember_cells(folder: StudyFolder, cells: Sequence[StudyCell], marks: Mapping[str, Mapping[str, str]]) -> None:
    """Write down what each cell is made of.  RunFolderError where one that has begun was made of something else."""
    path = folder.root / CELLS
    before = read_json(path) if path.is_file() else {}
    for cell in cells:
        was, run = before.get(cell.path), folder.run(cell.path)
        if was is None or not (run / CONFIG).is_file():
            continue
        if was != cell.values:
            begun, now = read_config(was), cell.config
            differ = "; ".join(begun.difference(now)) or "keys that were said otherwise"
            do = "Go on with the study as it was, or choose another --out."
            raise RunFolderError(message(str(run), "the config that it began with", differ, do))
        known = read_run(run)
        if known and known["data"] != dict(marks[f"{cell.data}/{cell.name}"]):
            do = "Restore the files, or choose another --out."
            raise RunFolderError(message(str(run), "the data that it was trained on", "files that have changed", do))
    write_json(path, {**before, **{cell.path: cell.values for cell in cells}})


def in_order(cells: Sequence[StudyCell]) -> Iterator[tuple[str, list[str]]]:
    """Each data set with the names of its cells, as the study has them."""
    for data in dict.fromkeys(cell.data for cell in cells):
        yield data, list(dict.fromkeys(cell.name for cell in cells if cell.data == data))
