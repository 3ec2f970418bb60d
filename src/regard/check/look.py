"""The first lines of files, as every task is asked whether they are its own: names, keys of JSON, columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from regard.check.column_profile import Profile, profile
from regard.check.form import StatedForm, ending
from regard.check.table import TableHead, table_of
from regard.core.errors import DataError
from regard.data.column_names import plain
from regard.data.file_format import RecognizedFile, is_parquet, recognize

LISTED = (".tsv", ".csv", ".jsonl", ".json", ".parquet")  # endings of files that are never read side by side
ARRAYS, ALIGNED, PARQUET, OBJECTS, LIST, TABLE = "arrays", "lines", "parquet", "jsonl", "json", "table"


@dataclass(frozen=True)
class Look:
    """heads: the first lines of each file.  asked: whether somebody said which task they are for."""

    files: Sequence[str]
    heads: Sequence[Sequence[str]]
    given: StatedForm
    asked: bool

    @cached_property
    def ends(self) -> list[str]:
        return [ending(file) for file in self.files]

    @property
    def first(self) -> Sequence[str]:
        return self.heads[0] if self.heads else []

    @cached_property
    def kind(self) -> str:
        """One word for how the files are written, so far as no task has to be known."""
        format, ends = self.given.format, self.ends
        if ".npz" in ends:
            return ARRAYS
        if format == "lines" or (len(ends) > 1 and format is None and not set(ends) & set(LISTED)):
            return ALIGNED
        if any(map(is_parquet, self.files)):
            return PARQUET
        if format == "jsonl" or ends[0] == ".jsonl" or (ends[0] not in (".tsv", ".csv") and _are_objects(self.first)):
            return OBJECTS
        return LIST if ends[0] == ".json" else TABLE

    @cached_property
    def said(self) -> RecognizedFile | None:
        """What a training would take the first file for; None where it would refuse it."""
        try:
            return recognize(self.files[0])
        except DataError:
            return None

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The JSON objects."""
        records = []
        for line in self.first:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            records += [record] if isinstance(record, dict) else []
        return records

    @cached_property
    def keys(self) -> dict[str, str]:
        """The keys of the objects, by their plain names."""
        return {plain(key): key for record in self.records for key in record}

    @cached_property
    def profiles(self) -> dict[int | str, Profile]:
        """Of the lines of each file."""
        return {i: profile(head) for i, head in enumerate(self.heads)}

    @cached_property
    def table(self) -> TableHead:
        """The columns of the first file."""
        return self.columns(by_lines=False)

    def columns(self, *, by_lines: bool) -> TableHead:
        """Likewise.  by_lines: each row of CSV is a line, whose last cell takes marks that stand in it without quotes."""
        return table_of(self.first, self.ends[0], self.said, self.given, by_lines=by_lines)


def _are_objects(lines: Sequence[str]) -> bool:
    """Whether each of the first lines is a JSON object."""
    some = [line for line in lines[:20] if line.strip()]
    return bool(some) and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in some)
