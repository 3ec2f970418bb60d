"""How a trained model reads another file than it was trained on: by that file's own format, with the columns of training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from regard.core.errors import DataError
from regard.data.columns import Layout
from regard.data.file_format import recognize
from regard.data.parts import all_parts, by_name

KNOWN = ("csv", "cmudict", "jsonl", "parquet")  # formats that a file's first lines tell, where its name does not


def another(files: Sequence[str], layout: Layout, *, trained_on: str, train: Sequence[str], inputs: bool) -> Layout:
    """The layout for these files.  layout: that of training; trained_on: the format that the training files, `train`, had.

    A name that tells a format is believed; otherwise the first lines are looked at.  inputs: files to predict from: without a name that
    tells, sentences with commas are no CSV, and what is no JSON object is read as training was.  Standard input can be read only once:
    it is JSON lines or plain lines where training read such, else columns parted by tabs.
    """
    names = set(map(by_name, all_parts(files)))
    if len(files) != 1:
        if names == {by_name(file) for file in train} and len(files) == len(train):
            return replace(layout, format=trained_on)
        return replace(layout, format="auto" if len(names) > 1 or names == {""} else names.pop(), separator="auto")
    (name,), file = names, all_parts(files)[0]
    keeps = layout.separator if name == trained_on == "tsv" or not name else "auto"
    if name in ("csv", "jsonl", "parquet"):
        return replace(layout, format=name, separator=keeps)
    try:
        found = recognize(file).format if os.path.isfile(file) else ""
    except DataError:  # it is said where the line is read: what stands before it is answered
        found = ""
    if found in KNOWN and not (inputs and found in ("csv", "jsonl") and found != trained_on):
        return replace(layout, format=found, separator="auto")
    plain = trained_on if inputs and not name and trained_on in ("lines", "jsonl") else "tsv"
    separator = keeps if trained_on == "tsv" else "auto"
    return replace(layout, format=plain, separator=separator)
