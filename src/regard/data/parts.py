"""What a name of data stands for: a file, or the parts of a folder, a pattern or a saved dataset, in their order."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from regard.core.bounded_json import read_json
from regard.core.errors import DataError, did_you_mean, message
from regard.core.plural import many

ROWS = {name: name for name in ("tsv", "csv", "jsonl", "parquet")}  # formats with columns, by the ending of a name
ROWS |= {"tab": "tsv", "ndjson": "jsonl", "pq": "parquet", "arrow": "parquet"}
DIGITS = re.compile("([0-9]+)")
STATE, DICTIONARY = "state.json", "dataset_dict.json"  # what `datasets` writes into a folder: of one set of rows, of several
BESIDE = "manifest.json"  # stands beside the parts that `regard predict --workers` writes
SHOWN = 3  # names that a message lists


def find_parts(name: str) -> tuple[str, ...]:
    """The files that a name of data stands for, in the order in which they are read.

    A file, or `-`, is itself, and so is what is not there: whoever reads it says so.  A folder is its files, without its subfolders and
    without what begins with a dot or `_`; one that Hugging Face's `datasets` saved (`save_to_disk`) has the files that its `state.json`
    names, in that order.  A name with `*`, `?` or `[` that no file has is a pattern.  Parts are in natural order: part-2 before part-10.
    DataError: a folder without parts, a pattern that nothing matches, an empty part, parts of several formats.
    """
    if name == "-" or not (os.path.isdir(name) or (glob.has_magic(name) and not os.path.lexists(name))):
        return (name,)
    if os.path.isdir(name):
        return _saved(name) or _whole(name, _in_folder(name))
    found = [path for path in glob.glob(name, recursive=True) if os.path.isfile(path)]
    if not found:
        raise _unmatched(name)
    return _whole(name, found)


def all_parts(names: Iterable[str]) -> list[str]:
    """The files of all names, one name after another."""
    return [part for name in names for part in find_parts(name)]


def beside_each_other(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The parts of line-aligned names: the first of each, the second of each, and so on.  DataError where they are not equally many."""
    each = [find_parts(name) for name in names]
    if len(set(map(len, each))) > 1:
        received = " and ".join(many(len(parts), "part") for parts in each)
        do = "Cut both sides into the same parts, line for line."
        raise DataError(message(" and ".join(names), "as many parts on each side", received, do))
    return list(zip(*each, strict=True))


def by_name(file: str) -> str:
    """The format with columns that a file's name says, `.gz` aside; "" where it says none."""
    return ROWS.get(file.removesuffix(".gz").rpartition(".")[2].lower(), "")


def natural(path: str) -> tuple[list[Any], str]:
    """What paths are sorted by: numbers in them as numbers."""
    return [int(piece) if piece.isdecimal() else piece for piece in DIGITS.split(path)], path


def _in_folder(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        kept = sorted(
            (entry for entry in entries if entry.name[0] not in "._" and entry.name != BESIDE),
            key=lambda entry: natural(entry.name),
        )
    found = [os.path.join(folder, entry.name) for entry in kept if entry.is_file()]
    if found:
        return found
    if (Path(folder) / DICTIONARY).exists() or any(entry.is_dir() for entry in kept):
        within = [os.path.join(folder, entry.name) for entry in kept if entry.is_dir()]
        raise DataError(message(folder, "a folder of parts", f"folders: {_listed(within)}", "Name one of them."))
    raise DataError(message(folder, "a folder of parts", "no file in it", "Correct the path, or name a file."))


def _saved(folder: str) -> tuple[str, ...]:
    """The Arrow files of a saved dataset; () where the folder is none."""
    if os.path.exists(os.path.join(folder, DICTIONARY)):
        within = [os.path.join(folder, entry.name) for entry in os.scandir(folder) if entry.is_dir()]
        do = "Name one of them, for example --train for one and --valid for another."
        raise DataError(message(folder, "one set of rows", f"several: {_listed(sorted(within))}", do))
    state = Path(folder) / STATE
    if not state.exists():
        return ()
    try:
        content = read_json(state, most=100_000_000)
        if not isinstance(content, dict) or "_data_files" not in content:
            return ()  # somebody else's state.json
        names = [each["filename"] for each in content["_data_files"]]
        if content.get("_indices_data_files"):
            raise ValueError("rows that are chosen by an index: save it again after flatten_indices()")
        if not names or any(not isinstance(name, str) or os.path.basename(name) != name for name in names):
            raise ValueError("no names of Arrow files")
    except (OSError, ValueError, KeyError, TypeError) as error:
        do = "Save the dataset again with save_to_disk."
        raise DataError(message(str(state), "the Arrow files of a dataset", str(error) or repr(error), do)) from error
    return tuple(os.path.join(folder, name) for name in names)


def _whole(name: str, found: list[str]) -> tuple[str, ...]:
    """Parts in order, of one format and none of them empty."""
    kinds = {part: _kind(part) for part in found}
    if len(set(kinds.values())) > 1:
        ordered = sorted(found, key=lambda part: (kinds[part], natural(part)))
        told = [f"{kind or 'no ending'} ({_listed(list(parts))})" for kind, parts in groupby(ordered, kinds.__getitem__)]
        do = f"Name the parts by a pattern, such as '{os.path.join(os.path.dirname(found[0]), '*.tsv')}'."
        raise DataError(message(name, "parts of one format", " and ".join(told), do))
    for part in found:
        if not os.path.getsize(part):
            do = "Write it again, or remove it: an empty part is often one whose writer broke off."
            raise DataError(message(part, f"a part of {name} with data", "an empty file", do))
    return tuple(sorted(found, key=natural))


def _kind(part: str) -> str:
    """The format that a name says, or else its ending."""
    ending = os.path.splitext(part.removesuffix(".gz"))[1].lower()
    return by_name(part) or ("" if ending[1:].isdecimal() else ending)


def _listed(paths: Sequence[str]) -> str:
    more = f", ... ({len(paths):,})" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more


def _unmatched(pattern: str) -> DataError:
    """What is said of a pattern that nothing matches: what its folder has instead."""
    folder, last = os.path.split(pattern)
    parent = folder or "."
    if glob.has_magic(parent):
        return DataError(message(pattern, "files that match it", "none", "Correct the pattern."))
    if not os.path.isdir(parent):
        above = os.path.dirname(parent) or "."
        names = [entry.name for entry in islice(os.scandir(above), 1000)] if os.path.isdir(above) else []
        near = did_you_mean(os.path.basename(parent), names)
        return DataError(message(pattern, "files that match it", f"no folder {parent}", f"Correct the path.{near}"))
    names = sorted((entry.name for entry in islice(os.scandir(parent), 1000)), key=natural)
    endings = dict.fromkeys(f"*{os.path.splitext(name)[1]}" for name in names if "." in name)
    near = did_you_mean(last, [*endings, *names])
    received = f"none; in {parent!r}: {_listed(names) or 'nothing'}"
    return DataError(message(pattern, "files that match it", received, f"Correct the pattern.{near}"))
