"""What a task says of its data that checks of cells and rows go by: plain facts, whose defaults are those of columns of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from regard.check.form import FileForm, StatedForm
from regard.data.column_names import NAMES
from regard.data.file_format import RecognizedFile


class TaskTraits:
    """roles: the columns that must be there, the one that must be text first.  nouns: what messages call them, where it is another word.
    labelled: those that hold labels.  names: what headers and keys call them.  keys: of the config, that say where they are; usual: the
    columns, from 1, where no key is set.  any_script: roles whose cells may be of any script."""

    roles: tuple[str, ...] = ("source", "target")
    nouns: Mapping[str, str] = {}
    labelled: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = NAMES
    keys: Mapping[str, str] = {"source": "data.source", "target": "data.target", "features": "data.features"}
    usual: Mapping[str, int] = {"source": 1, "target": 2}
    any_script: tuple[str, ...] = ()
    unit = ("text", "texts")  # what is labelled
    tabular = True  # whether each row is an item by itself, and a training looks at the first lines of its files
    aligned = True  # whether two files of text are read side by side
    parquet = True  # whether a training reads Parquet
    by_lines = False  # whether a row of CSV is a line, whatever its quotes
    translates = False  # whether a target is a text that is written for a source
    annotated = False  # whether the texts have places that are pointed at, so that they stand as they are
    rewrites = True  # whether --fix writes its files again
    majority: tuple[str, ...] = ()  # lines for a config where nearly all labels are one
    noted: tuple[str, ...] = ()  # kinds of findings that a training tells by itself
    told: Mapping[str, str] = {}  # names of `StatedForm`: the keys of the task's own section that say them
    fault = ""  # the kind of a line that cannot be read; "": as the reader says

    def __init__(self, task: str) -> None:
        self.task = task

    def named(self, given: StatedForm, said: RecognizedFile) -> StatedForm:
        """Columns that nobody said, as a training finds them by their names.  said: what it takes the file for."""
        if not isinstance(said.source, str):
            return given
        second = said.second if given.second is None else given.second
        return replace(given, source=said.source, target=said.target, second=second)

    def arrange(self, form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
        """Gives roles to columns by what they hold, or puts those that are free into the order in which roles take them."""
