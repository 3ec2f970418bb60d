"""What a config leaves out about its files, read off their first lines, so that a run says how it was read and is used likewise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from regard.config.schema import Config, DataSection
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.column_content import features_part_at, looks_like_features
from regard.data.columns import LAST, SEPARATORS, Layout
from regard.data.file_format import RecognizedFile, recognize
from regard.data.parts import find_parts
from regard.tasks import registry
from regard.tasks.spec import FEATURES, TABLE

OPEN = ("format", "header", "comment", "separator", "features_separator")  # keys whose `auto` becomes what is found
ROLES = ("source", "target", "second", "features")
SECOND = "second"  # the key of a task's section that names the column of a second text


def resolve_files(config: Config, say: Callable[[str], None]) -> Config:
    """The config with the format, separator, header, comments and columns of its training files in place of `auto` and of what nobody set;
    `say` hears in one line what was taken, and what else a person should know.

    A key that was set stays.  What is not found stays `auto`, which is judged for each file anew.  DataError for bytes that are not
    UTF-8, for a file that is not there, and for a format that another task reads.
    """
    data = config.data
    if not reads_tables(config) or not data.train or "-" in data.train:
        return config
    named = data.train[:1] if data.mixes else data.train  # sources that are mixed stand one after another
    format = data.format if data.format != "auto" else Layout().resolved(named).format
    if format == "lines":
        return _with(config, {"format": format})
    first, *others = find_parts(data.train[0])
    found = recognize(first)
    if data.format == "auto":
        format = _format(config, format, found)
    if found.format != format:
        found = RecognizedFile(found.file, format, notes=found.notes if format == "tsv" else ())
    found = _headed(data, found)
    values: dict[str, Any] = {"format": format}
    if format in ("tsv", "csv", "cmudict"):
        values |= _table(data, found)
    values |= _columns(config, found)
    resolved = _with(config, values)
    if found.second is not None and "target" in values:
        resolved = _with_second(resolved, found.second)
    if others:
        say(f"{data.train[0]}: {many(1 + len(others), 'part')}, {os.path.basename(first)} to {os.path.basename(others[-1])}.")
    for line in _told(resolved, found):
        say(line)
    return resolved


def as_read(config: Config, begun: Config) -> Config:
    """A config to go on with a run: what it leaves out about its files is as the run began."""
    keys = {key: getattr(begun.data, key) for key in OPEN if getattr(config.data, key) == "auto"}
    keys |= {key: getattr(begun.data, key) for key in ROLES if key != "second" and key not in config.data.model_fields_set}
    return _with(_with_second(config, getattr(begun.own, SECOND, None)), keys)


def reads_tables(config: Config) -> bool:
    """Whether its task reads tables, JSON lines or line-aligned files."""
    return set(TABLE) <= set(config.spec.uses)


def _with_second(config: Config, column: int | str | None) -> Config:
    """The config with the column of a second text, where its task has one and nobody set it."""
    own = config.own
    if own is None or SECOND not in type(own).model_fields or SECOND in own.model_fields_set or column is None:
        return config
    return config.model_copy(update={config.spec.name: own.model_copy(update={SECOND: column})})


def _with(config: Config, values: dict[str, Any]) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=values)})


def _format(config: Config, named: str, found: RecognizedFile) -> str:
    """The format that a file has, where its task reads it."""
    owner = next((spec.name for spec in registry.specs() if found.format in spec.formats), None)
    if owner is not None:
        do = f"Train with --task {owner}, or say data.format: tsv if the file is a table all the same."
        raise DataError(message(found.file, f"a file of pairs for task {config.task}", f"{found.format.upper()}", do))
    return found.format if found.format in ("csv", "cmudict", "jsonl", "parquet") else named


def _table(data: DataSection, found: RecognizedFile) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if data.header == "auto" and found.header:
        values["header"] = True
    if data.comment == "auto" and found.comment:
        values["comment"] = found.comment
    if data.separator == "auto" and found.format == "csv":
        words = {mark: word for word, mark in SEPARATORS.items()}
        values["separator"] = words.get(found.separator, found.separator or "comma")
    return values


def _headed(data: DataSection, found: RecognizedFile) -> RecognizedFile:
    """What was recognised, with the header that the config says or denies."""
    columns = (column for column in (data.source, data.target, data.features) if column != LAST)
    header = data.header if data.header != "auto" else bool(found.header) or any(isinstance(column, str) for column in columns)
    if not found.rows or header == bool(found.header):
        return found
    notes = tuple(note for note in found.notes if not note.startswith("line 1"))
    names = tuple(name.strip() for name in found.rows[0])
    if header:
        unique = len(set(names)) == len(names) and all(names)
        places = {key: place for key in ROLES if isinstance(place := getattr(found, key), int) and place <= len(names)}
        told: dict[str, Any] = {key: names[place - 1] for key, place in places.items()} if unique else {}
        return replace(found, header=names, notes=notes, **told)
    numbers: dict[str, Any] = {key: None if (name := getattr(found, key)) is None else names.index(name) + 1 for key in ROLES}
    return replace(found, header=(), notes=notes, **numbers)


def _columns(config: Config, found: RecognizedFile) -> dict[str, Any]:
    """Source, target and features where they were left out, and what parts features."""
    data, values = config.data, dict[str, Any]()
    both = _left_out(config, "source") and _left_out(config, "target") and found.target is not None
    lone = SECOND not in type(config.own).model_fields if config.own is not None else True
    if both and (_has_features(config) or isinstance(found.source, str)) and (lone or found.second is not None):
        values |= {"source": found.source, "target": found.target}
    elif found.header and data.header is True:  # a list to predict from has no header: only names can tell
        for key in ("source", "target"):
            if isinstance(column := getattr(data, key), int) and column <= len(found.header):
                values[key] = found.header[column - 1]
    if not _has_features(config):
        return values
    features = data.features
    taken = {_place(values.get(key, getattr(data, key)), found) for key in ("source", "target")}
    if _left_out(config, "features") and found.features is not None and _place(found.features, found) not in taken:
        features = values["features"] = found.features
    if features is not None and data.features_separator == "auto":
        values["features_separator"] = features_part_at(_cells(found, features))
    return values


def _left_out(config: Config, key: str) -> bool:
    """Whether nobody set a column: what a task has for its own default counts as not set."""
    default = config.spec.defaults.get(f"data.{key}", DataSection.model_fields[key].default)
    return key not in config.data.model_fields_set or (
        f"data.{key}" in config.spec.defaults and getattr(config.data, key) == default
    )


def _has_features(config: Config) -> bool:
    """Whether a row may hold features beside its source, so that columns are told apart by what is in them."""
    return set(FEATURES) <= set(config.spec.uses)


def _place(column: int | str | None, found: RecognizedFile) -> int | None:
    """A column, counted from 0; None where it is not there."""
    if isinstance(column, int):
        return column - 1
    if column == LAST:
        return found.width - 1
    return found.header.index(column) if column in found.header else None


def _cells(found: RecognizedFile, column: int | str) -> list[str]:
    """The cells of a column, among the lines that were looked at."""
    place = _place(column, found)
    return [row[place] for row in found.rows[bool(found.header) :] if place is not None and place < len(row)]


def _told(config: Config, found: RecognizedFile) -> Iterator[str]:
    data = config.data
    roles = [f"source {data.source}", f"target {data.target}"]
    if _has_features(config) and data.features is not None:
        parts = ";" if data.features_separator == "auto" else data.features_separator
        roles.append(f"features {data.features} (parted by {parts!r})")
    yield f"read as {found}; {', '.join(roles)}."
    yield from (f"note: {note}" for note in found.notes if data.header == "auto" or not note.startswith("line 1"))
    if not _has_features(config) or found.format not in ("tsv", "csv"):
        return
    for key in ("source", "target"):
        column = getattr(data, key)
        if looks_like_features(_cells(found, column)) and data.features is None:
            yield f"note: data.{key}, column {column}, looks like features."
    if data.features is None and found.features is not None and found.features not in (data.source, data.target):
        yield f"note: column {found.features} looks like features, and is not read: data.features: {found.features}."
