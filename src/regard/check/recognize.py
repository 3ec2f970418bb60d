"""Recognising how files are written and which of their columns is what, by their first lines, where it is not said."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from regard.check.column_profile import NUMBER, Profile, profile
from regard.check.form import COLUMNS, COMMENTS, ROLES, FileForm, StatedForm, dictionary, ending, joined, separated
from regard.check.json_keys import are_objects, keyed
from regard.core.errors import DataError, message
from regard.data.column_names import CAPTIONS, IMAGES, KNOWN, NAMES, plain
from regard.data.columns import LAST, Layout
from regard.data.file_format import MARKS, RecognizedFile, is_parquet, recognize
from regard.data.series_table import TIMES
from regard.tasks.caption.tables import image_columns
from regard.tasks.tag.data import read_tagged
from regard.tasks.tag.file_formats import TagLayout, fields, form_of

TABLES = ("transduce", "classify", "pair")  # tasks whose training looks at the first lines of its files


def recognized(files: Sequence[str], heads: Sequence[Sequence[str]], task: str | None, given: StatedForm) -> FileForm:
    """The form of files.  heads: the first lines of each."""
    ends = [ending(file) for file in files]
    first = heads[0] if heads else []
    if any(end == ".npz" for end in ends):
        return FileForm(task or "caption", "arrays")
    if given.format == "lines" or (
        len(files) > 1 and given.format is None and not set(ends) & {".tsv", ".csv", ".jsonl", ".json", ".parquet"}
    ):
        return _aligned(files, heads, task)
    if task == "caption" and ends[0] == ".json":  # a list, or COCO's object, be it on one line
        return FileForm(task, "json")
    if any(map(is_parquet, files)):
        _reads_parquet(files, task)
        return replace(keyed(first, task, given, _said(files[0])), parquet=True)
    if given.format == "jsonl" or ends[0] == ".jsonl" or (ends[0] not in (".tsv", ".csv") and are_objects(first)):
        return keyed(first, task, given, _said(files[0]))
    if ends[0] == ".json":
        return FileForm(task or ("caption" if first and first[0].lstrip().startswith("[") else "read"), "json")
    if task == "tag" or (task is None and (ends[0] in COLUMNS or _in_columns(first))):
        return _columns(first, files[0], given)
    if task in ("language", "pretrain") and given.source is None and ends[0] not in (".tsv", ".csv"):
        return FileForm(task, "text", roles={"source": 0}, profiles={0: profile(first)})
    return _table(files[0], first, task, given)


def _aligned(files: Sequence[str], heads: Sequence[Sequence[str]], task: str | None) -> FileForm:
    """Line-aligned files.  DataError where a training would not read so many side by side."""
    profiles: dict[int | str, Profile] = {i: profile(head) for i, head in enumerate(heads)}
    if task is None:
        same = [len(a.split()) == len(b.split()) for a, b in zip(heads[0], heads[1], strict=False)]
        alike = len(same) > 0 and sum(same) > 0.9 * len(same) and profiles[1].tags > 0.5
        task = "tag" if len(heads) == 3 or alike else "transduce"
    if task == "tag":
        read_tagged(files)
        roles = dict(zip(("tokens", "tags", "label"), range(len(heads)), strict=False))
        return FileForm("tag", "lines", roles=roles, profiles=profiles)
    if task not in ("transduce", "classify"):  # other tasks read several files one after another
        return FileForm(task, "text", roles={"source": 0}, profiles=profiles)
    Layout("lines").resolved(files)
    return FileForm(task, "lines", roles={"source": 0, "target": 1}, profiles=profiles)


def _in_columns(lines: Sequence[str]) -> bool:
    """Whether a token stands on each line, with its tag behind it, and empty lines between sentences."""
    full = [line.split("\t") if "\t" in line else line.split() for line in lines if line.strip() and not line.startswith("#")]
    if not full or not any(not line.strip() for line in lines[1:-1]):
        return False
    tagged = sum(len(cells) > 1 and all(len(cell.split()) == 1 for cell in cells if cell) for cells in full)
    ended = Counter(cells[-1] for cells in full)
    return tagged > 0.95 * len(full) and len(ended) < 0.3 * len(full) + 10 and len(full) > 3 and len(full[0]) < 20


def _columns(lines: Sequence[str], file: str, given: StatedForm) -> FileForm:
    """As a training takes them: the same lines are asked in the same way."""
    full = [fields(line) for line in lines if line.strip() and not line.startswith("#")]
    tabs = sum("\t" in line for line in lines)
    widths = Counter(map(len, full))
    width = widths.most_common(1)[0][0] if widths else 2
    said = given.format if given.format in ("columns", "conllu") else "auto"
    layout = TagLayout(said, *("auto" if column is None else column for column in (given.source, given.target)))
    found = form_of(lines, file, layout)
    conllu = found.kind == "conllu"
    comment = "#" if conllu or found.numbered or any(line.startswith("# ") and "=" in line for line in lines) else ""
    separator = "\t" if tabs > len(full) / 2 else " "
    return FileForm("tag", found.kind, separator, comment=comment, width=width, token=found.token, tag=found.tag)


def _table(file: str, lines: Sequence[str], task: str | None, given: StatedForm) -> FileForm:
    """One file with columns: its separator, its header, its comments, and what each column is; as a training would find it."""
    said, end = _said(file), ending(file)
    taken = given.comment if given.comment is not None else said.comment if said else ""
    mark = taken or ("" if given.comment is not None else _comment(lines))
    comment = (
        "" if mark in MARKS and not taken else mark
    )  # a training knows these by itself, where such lines have too few columns
    kept = [line for line in lines if line.strip() and not (mark and line.startswith(mark) and "\t" not in line)]
    separator, format = _separator(kept, end)
    if said and said.format in ("tsv", "csv", "cmudict"):
        separator, format = said.separator or separator, said.format
    separator, format = given.separator or separator, given.format or format
    rows = _split(kept, separator, format)
    if task == "caption" and format == "csv" and rows:
        rows = [joined(row, len(rows[0]), separator) for row in rows]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    whole = [row for row in rows if len(row) == width]
    profiles: dict[int | str, Profile] = {i: profile([row[i] for row in whole[1:] or whole]) for i in range(width)}
    names = said.header if said and format == said.format else ()
    header = (names if len(names) == width else ()) or (_header(rows[0], profiles, whole) if rows else None)
    if given.header is not None:
        header = tuple(cell.strip() for cell in rows[0]) if given.header and rows else None
    certain = (
        given.header is not None or bool(names) or any(isinstance(c, str) for c in (given.source, given.target) if c != LAST)
    )
    certain = certain or (task == "caption" and bool(kept) and image_columns(kept[0]) is not None)
    if task is None:
        task = "transduce" if format == "cmudict" else _task(profiles, width, header, end)
    if width == 1 and not header and task in ("language", "pretrain"):
        return FileForm(task, "text", roles={"source": 0}, profiles=profiles)
    form = FileForm(task, format, separator, header, comment, width, {}, profiles, format == "csv", certain=certain)
    form = replace(form, features_separator=said.features_separator if said else ";", last=given.target == LAST)
    form = replace(form, uncommented=given.comment == "", passed=bool(taken) or not comment)
    return replace(form, roles=_roles(form, _found(given, said, task) if not given.fixed else given))


def _said(file: str) -> RecognizedFile | None:
    """What a training would take the file for; None where it would refuse it."""
    try:
        return recognize(file)
    except DataError:
        return None


def _reads_parquet(files: Sequence[str], task: str | None) -> None:
    """DataError for a task that reads no Parquet."""
    if task not in (None, *TABLES, "tag"):
        file = next(file for file in files if is_parquet(file))
        do = "Save its texts as a file that the task reads."
        raise DataError(message(file, f"a file of text, which task {task} reads", "Parquet", do))


def _found(given: StatedForm, said: RecognizedFile | None, task: str) -> StatedForm:
    """Columns that nobody named, as a training would find them."""
    if said is None or said.target is None or any(c is not None for c in (given.source, given.target)):
        return given
    if task not in TABLES or said.format not in ("tsv", "csv", "cmudict"):
        return given
    if task != "transduce" and (not isinstance(said.source, str) or (task == "pair" and said.second is None)):
        return given
    features = given.features if given.features is not None else said.features
    second = given.second if given.second is not None else said.second
    found = replace(given, source=said.source, target=said.target)
    return replace(found, features=features) if task == "transduce" else replace(found, second=second)


def _split(lines: Sequence[str], separator: str, format: str) -> list[list[str]]:
    if format == "cmudict":
        return [dictionary(line) for line in lines]
    return [separated(x, separator) if format == "csv" else x.split(separator) for x in lines]


def _comment(lines: Sequence[str]) -> str:
    """What lines without a tab begin with that stand among lines with one."""
    tabs = sum("\t" in line for line in lines)
    for mark in COMMENTS:
        those = [line for line in lines if line.startswith(mark)]
        bare = sum("\t" not in line for line in those)
        if those and bare > 0.5 * len(those) and (tabs or mark != "#" or len(those) < len(lines)):
            return mark
    return ""


def _separator(lines: Sequence[str], end: str) -> tuple[str, str]:
    """The sign between cells, and the format, where a training would not say it."""
    if lines and (found := image_columns(lines[0])) and found[0] != "\t":
        return found[0], "csv"
    if end != ".csv":
        return "\t", "tsv"
    for sign in (";", ",", "\t"):
        try:
            widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=sign))
        except csv.Error:
            continue
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and times > 0.8 * sum(widths.values()):
            return sign, "csv"
    return ",", "csv"


def _header(first: Sequence[str], profiles: Mapping[int | str, Profile], rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """The first row, where it holds names: words that columns are called, or what no other row of the column is like."""
    names = [cell.strip() for cell in first]
    if len(names) != len(profiles) or not all(names) or len(set(names)) < len(names) or len(names) < 2:
        return None
    again = {i for row in rows[1:] for i, cell in enumerate(row) if cell.strip() == names[i]}  # no name of its column
    odd = 0
    for i, name in enumerate(names):
        held = profiles[i]
        number = bool(NUMBER.fullmatch(name))
        odd += held.manner == "numbers" and not number
        odd += held.manner in ("phones", "symbols") and len(name.split()) == 1 and len(name) > 3 and held.blanks > 0.9
        odd += held.manner == "features" and name.isalpha() and name.islower()
        odd += held.labels and held.cells >= 60 and plain(name) in KNOWN and i not in again
        if held.manner == "numbers" and number:
            return None
    elsewhere = {cell.strip() for row in rows[1:] for cell in row}
    known = sum(plain(name) in KNOWN and name not in elsewhere for name in names)
    return tuple(names) if odd or known >= max(2, len(names) // 2) else None


def _task(profiles: Mapping[int | str, Profile], width: int, header: tuple[str, ...] | None, end: str) -> str:
    held = [profiles[i] for i in range(width)]
    numeric = sum(p.manner == "numbers" for p in held)
    timed = bool(header) and header is not None and header[0].lower() in TIMES
    if (numeric == width > 1) or (end == ".csv" and numeric >= max(1, width - 1)) or (timed and numeric >= width - 1):
        return "forecast"
    if width == 1:
        return "transduce" if end == ".tsv" else "language"
    if any(p.manner == "features" for p in held):
        return "transduce"
    long = [p for p in held if p.manner in ("text", "unspaced text") and p.length > 60]
    if (
        width > 2
        and len(long) == 1
        and all(p.length < 20 for p in held if p is not long[0])
        and not all(p.labels for p in held if p is not long[0])
    ):
        return "language"
    texts = [i for i, p in enumerate(held) if p.manner in ("text", "unspaced text", "words", "transcription") and not p.labels]
    labels = [i for i, p in enumerate(held) if p.labels]
    if len(texts) >= 2 and held[texts[0]].manner == held[texts[1]].manner == "text" and width > 2 and (labels or numeric):
        return "pair"
    if len(texts) == 1 and labels and not any(p.segmented for p in held):
        return "classify"
    return "transduce"


def _roles(form: FileForm, given: StatedForm) -> dict[str, int | str]:
    """Which column is what: as said, else by its name, else by what it holds, else by its place."""
    roles: dict[str, int | str] = {}
    names = {"source": IMAGES, "target": CAPTIONS} if form.task == "caption" else NAMES
    wanted = ROLES[form.task]
    for role in (*wanted, "features"):
        said = getattr(given, role, None)
        if role == "target" and form.last:
            roles[role] = form.width - 1
        elif isinstance(said, int):
            roles[role] = said - 1
        elif isinstance(said, str) and form.header and said in form.header:
            roles[role] = form.header.index(said)
    if given.fixed or not wanted:
        return roles
    free = [i for i in range(form.width) if i not in roles.values()]
    for role in (*wanted, "features"):
        told = {plain(form.header[i]): i for i in reversed(free)} if form.header else {}
        called = [told[name] for name in (role, *names.get(role, ())) if name in told]
        if role not in roles and called:
            roles[role] = called[0]
            free.remove(called[0])
    _by_content(form, roles, free)
    for role in wanted:
        if role not in roles and free:
            roles[role] = free.pop(0)
    return roles


def _by_content(form: FileForm, roles: dict[str, int | str], free: list[int]) -> None:
    held = form.profiles
    if form.task == "transduce" and "features" not in roles:
        bundles = [i for i in free if held[i].manner == "features"]
        if bundles and form.width > 2:
            roles["features"] = bundles[-1]
            free.remove(bundles[-1])
    if form.task in ("classify", "pair") and "target" not in roles:
        labels = [i for i in free if held[i].labels] if form.task == "classify" else [i for i in free if held[i].labels][-1:]
        numbers = [i for i in free if held[i].manner == "numbers" and held[i].distinct < 0.9 * held[i].cells]
        for i in (labels or numbers)[:1]:
            roles["target"] = i
            free.remove(i)
    if form.task in ("classify", "pair", "language", "pretrain"):  # of what is left, texts before numbers and labels
        longest = sorted(free, key=lambda i: -held[i].length) if form.task in ("classify", "language", "pretrain") else free
        free[:] = sorted(longest, key=lambda i: held[i].manner in ("numbers", "nothing") or held[i].labels)
