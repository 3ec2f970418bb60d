"""What a training refuses and no other check tells: each file is read once more, by the very readers of a training."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.finding import Finding, said_and_done
from regard.check.form import FileForm, StatedForm
from regard.check.raw_lines import RawLines
from regard.check.recognize import TABLES
from regard.check.rows import numbered
from regard.core.errors import DataError, RegardError, message
from regard.data.columns import Layout
from regard.data.examples import Item, split
from regard.data.pairs import each_labelled, each_pair
from regard.data.plain_text import read_plain, set_aside
from regard.data.prediction_layout import another
from regard.data.row_parser import RecordError
from regard.tasks.caption.tables import read_told
from regard.tasks.pair.data import PairColumns, number, rated, read_coupled
from regard.tasks.pretrain.documents import blocks, read_documents
from regard.tasks.read.data import PassageQuestion, read_asked
from regard.tasks.tag.data import read_tagged
from regard.tasks.tag.file_formats import AUTO, TagLayout

FEW = 1000  # items up to which it is tried whether some can be set aside for validation
LARGE = 1 << 24  # bytes of plain texts beyond which that is sure
DO = "Give more data, or a validation file (--valid)."


@dataclass
class _Seen:
    """What was read of a set of files.  first: some of the items; right: the labels of all, or numbers."""

    count: int = 0
    first: list[Any] = field(default_factory=list)
    right: Counter[str] = field(default_factory=Counter)
    letters: int = 0


def refusals(
    files: Sequence[str], valid: Sequence[str], form: FileForm, given: StatedForm, bad: RecordErrors, *, told: bool
) -> list[Finding]:
    """Lines that a training refuses go to `bad`, those that are there already aside; what it refuses as a whole is an error.

    told: whether other checks have found an error, which is then what a training refuses."""
    found: list[Finding] = []
    try:
        seen = _read(files, form, given, bad, held=False)
        if seen.count and not told and not bad.count:
            found += _learnt(seen, form, given, bool(valid))
        beside = _read(valid, form, given, bad, held=True, train=files) if valid else None
    except RegardError as error:
        return [] if told or bad.count else [_finding(str(error))]
    if beside is not None and not beside.count and not told and not bad.count:
        found.append(_finding(message(" + ".join(valid), "items to validate with", "none", "Give a file with data.")))
    return found


def _finding(error: str) -> Finding:
    what, do = said_and_done(error)
    return Finding("refused", "error", what, 1, (), do)


def _read(
    files: Sequence[str], form: FileForm, given: StatedForm, bad: RecordErrors, *, held: bool, train: Sequence[str] = ()
) -> _Seen:
    known = {file: frozenset(numbers) for file, numbers in bad.numbers.items()}
    seen, new = _Seen(), dict[str, dict[int, RecordError]]()
    for item in _items(files, form, given, held=held, train=train):
        if isinstance(item, RecordError):
            file, line = _place(str(item), files)
            if line not in known.get(file, ()) and not (line == 0 and known.get(file)):
                new.setdefault(file, {}).setdefault(line, item)
            continue
        seen.count += 1
        if len(seen.first) <= FEW:
            seen.first.append(item)
        seen.letters += len(getattr(item, "text", ""))
        if form.task in ("classify", "pair"):
            seen.right[str(item.target).strip()] += 1
        if seen.count > FEW and _enough(seen, form, given):
            break
    for file, faults in new.items():
        _add(file, faults, form, bad)
    return seen


def _enough(seen: _Seen, form: FileForm, given: StatedForm) -> bool:
    """Whether the rest of a table need not be read again: its rows were read by the same rules, and its labels differ."""
    numbers = form.task == "pair" and given.output == "number"
    return form.task in TABLES and not numbers and (form.task == "transduce" or len(seen.right) > 1)


def _add(file: str, faults: dict[int, RecordError], form: FileForm, bad: RecordErrors) -> None:
    for line, text in _texts(file, faults):
        kind = "sentence" if form.task == "tag" else faults[line].kind
        bad.add(kind, file, line, text, str(faults[line]).removeprefix(f"{file}:{line}: "))


def _texts(file: str, faults: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The lines at fault, with what stands there."""
    rest = dict.fromkeys(sorted(faults))
    if not file.lower().removesuffix(".gz").endswith(".json"):  # whose elements have no line of their own
        for number_, line in numbered(RawLines(file)):
            if number_ in rest:
                del rest[number_]
                yield number_, line
            if not rest:
                return
    yield from ((number_, "") for number_ in rest)


def _place(said: str, files: Sequence[str]) -> tuple[str, int]:
    file = next((file for file in files if said.startswith(file)), files[0])
    line = re.match(r"(?::|, element )(\d+)", said.removeprefix(file))
    return file, int(line[1]) if line else 0


def _items(files: Sequence[str], form: FileForm, given: StatedForm, *, held: bool, train: Sequence[str]) -> Iterable[Any]:
    """The items of files as a training reads them, those at fault as BadLine.  held: to validate with."""
    layout = form.layout(given)
    if form.task in TABLES and not held:
        Layout(given.format or "auto").resolved(files)  # whether so many files, of such names, go together
    if form.task in TABLES and held:
        layout = another(files, layout, trained_on=layout.format, train=train, inputs=False)
        layout = layout if layout.named else replace(layout, header="auto")
    if form.task == "transduce":
        return each_pair(files, layout)
    if form.task == "classify":
        return each_labelled(files, replace(layout, features=None))
    if form.task == "pair":
        columns: dict[str, int | str] = {role: form.named(role) for role in ("second",) if role in form.roles}
        columns |= {"source": layout.source, "target": layout.target} | ({"second": given.second} if given.second else {})
        found = read_coupled(files, PairColumns(**columns, table=layout))
        return rated(found) if given.output == "number" else found
    if form.task == "tag":
        said = given.format if given.format in ("columns", "conllu", "jsonl", "lines") else AUTO
        return read_tagged(files, TagLayout(said, given.source or AUTO, given.target or AUTO))
    if form.task == "caption":
        arrays = [file for file in files if file.lower().endswith(".npz")]
        tables = [file for file in files if file not in arrays]
        if len(tables) != 1 or len(arrays) > 1:
            do, expected = "Name them apart.", "one file of captions, and maybe one .npz of features or images"
            raise DataError(message("the files", expected, ", ".join(files), do))
        each = read_told(tables[0], Layout(source=given.source or 1, target=given.target or 2), whole=bool(arrays))
        return (one if isinstance(one, RecordError) else Item(one.name or str(one.place), None, (), one.place) for one in each)
    if form.task == "read":  # what is wrong with single questions is known
        return islice((x for x in read_asked(files, blank=form.cloze or given.cloze) if isinstance(x, PassageQuestion)), FEW + 1)
    if sum(os.path.getsize(file) for file in files) > LARGE:
        return ()  # whose texts would lie whole in memory
    if form.task == "language":
        return read_plain(files, kind=given.documents, column=given.source or 1)
    return read_documents(files) if form.task == "pretrain" else ()


def _learnt(seen: _Seen, form: FileForm, given: StatedForm, valid: bool) -> Iterator[Finding]:
    """Of items that can be read: whether they teach anything, and whether some can be set aside."""
    if form.task in ("classify", "pair") and len(seen.right) < 2 and given.output != "number":
        do = "Give data with more labels, or name the column that holds them (data.target)."
        what = f"{next(iter(seen.right))!r} alone"
        yield _finding(message("labels of the training data", "at least 2 different ones", what, do))
    if form.task == "pair" and given.output == "number" and len(set(map(number, seen.right))) < 2:
        do = "Give data with more of them, or name the column that holds them (data.target)."
        what = f"{next(iter(seen.right))} alone"
        yield _finding(message("numbers of the training data", "at least 2 different ones", what, do))
    if seen.count > FEW or (valid and form.task not in ("language", "pretrain")):
        return
    if not valid:
        try:
            _set_aside(seen, form, given)
        except DataError as error:
            yield _finding(str(error))
            return
    if form.task == "language" and (given.window > seen.letters or not any(item.text.strip() for item in seen.first)):
        do = "Give more text, or lower language.window."
        expected = f"at least a window of {given.window} tokens (language.window)"
        yield _finding(message(seen.first[0].place.file, expected, f"{seen.letters} letters", do))
    if form.task == "pretrain" and given.follows:
        yield from _followed(seen)


def _set_aside(seen: _Seen, form: FileForm, given: StatedForm) -> None:
    """DataError where nothing can be set aside for validation."""
    kinds: dict[str, Callable[[Any], Iterable[str]]] = {
        "classify": lambda item: [str(item.target).strip()],
        "pair": lambda item: [] if given.output == "number" else [item.target],
        "tag": lambda item: [*(f"tag {tag}" for tag in item.tags), *([] if item.label is None else [f"label {item.label}"])],
    }
    if form.task == "language":
        set_aside(seen.first, given.valid_share, 1)
    elif form.task == "pretrain":
        every: list[Any] = list(islice((block for document in seen.first for block in blocks(document)), FEW))
        if len({block.source for block in every}) < 2:
            expected = "more lines, or two documents, to set a part aside (data.valid_share)"
            raise DataError(message(seen.first[0].place.file, expected, f"{len(every[0].lines)} lines", DO))
    elif form.task in ("transduce", "classify", "pair", "tag", "read", "caption"):
        split(seen.first, given.valid_share, 1, kinds=kinds.get(form.task))


def _followed(seen: _Seen) -> Iterator[Finding]:
    """Pre-training that learns which text follows which needs documents, some of them of several lines."""
    if len({document.number for document in seen.first}) < 2 or all(len(document.lines) < 2 for document in seen.first):
        do = "Put blank lines between documents, give more text, or set pretrain.next: false."
        expected = "two documents, one of them of at least two lines"
        yield _finding(message("text for next-sentence pairs (pretrain.next)", expected, f"{seen.count:,} documents", do))
