"""What is predicted from: a file, or standard input, read with the columns that the model was trained with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.data.formats import Item
    from regard.workshop.config import Config

NAMED = (".tsv", ".jsonl")


def inputs(file: str, config: Config) -> Iterator[Item]:
    """One item for each line, lazily; `-` is standard input.

    A name that ends in .tsv or .jsonl says how the file is read; any other is read as the training data was: after two
    line-aligned files, a line is a source.  Errors: DataError, which names the file and the line.
    """
    from regard.data.formats import read_inputs
    from regard.workshop.model import layout_of

    found = layout_of(config)
    if config.data.train and not file.removesuffix(".gz").lower().endswith(NAMED):
        found = found.resolved(config.data.train)
    return read_inputs(file, found)
