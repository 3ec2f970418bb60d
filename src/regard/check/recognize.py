"""Recognising how files are written and which of their columns is what, by their first lines, where it is not said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from regard.check.column_profile import Profile, profile
from regard.check.form import FileForm, StatedForm
from regard.check.look import PARQUET, Look
from regard.check.traits import TaskTraits
from regard.core.errors import DataError, message
from regard.data.column_names import image_columns, plain
from regard.data.columns import LAST, Layout
from regard.data.file_format import is_parquet
from regard.data.row_parser import value_of


def aligned_form(own: TaskTraits, look: Look) -> FileForm:
    """Line-aligned files.  DataError where a training would not read so many side by side."""
    if not own.aligned:  # it reads several files one after another
        return FileForm(own.task, "text", roles={"source": 0}, profiles=look.profiles)
    Layout("lines").resolved(look.files)
    return FileForm(own.task, "lines", roles={"source": 0, "target": 1}, profiles=look.profiles)


def keyed_form(own: TaskTraits, look: Look) -> FileForm:
    """JSON lines: roles by the names of keys."""
    roles, guessed = _keys(own, look)
    every = {*(key for record in look.records for key in record), *map(str, roles.values())}
    profiles: dict[int | str, Profile] = {
        key: profile([_plain(value_of(record, key)[1]) for record in look.records]) for key in every
    }
    return FileForm(own.task, "jsonl", roles=roles, profiles=profiles, guessed=guessed)


def _keys(own: TaskTraits, look: Look) -> tuple[dict[str, int | str], tuple[str, ...]]:
    """Which key is what: as it is said, else as a training finds it, else by its name; and the roles of the last kind."""
    there, given = look.keys, look.given
    roles: dict[str, int | str] = {}
    guessed = list[str]()
    for role in (*own.roles, "features"):
        key = getattr(given, role, None)
        key = getattr(look.said, role, None) if key is None and not given.fixed else key
        known = [there[n] for n in (role, *own.names.get(role, ())) if n in there and there[n] not in roles.values()]
        if isinstance(key, str) and key != LAST:
            roles[role] = key
        elif role in there and (role != "features" or key is not None or not given.fixed):
            roles[role] = there[role]  # for which a number stands
        elif known and not given.fixed:
            roles[role] = known[0]
            guessed += [role] * (role != "features")
        elif role != "features":
            roles[role] = role
    return roles, tuple(guessed)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)


def parquet_form(form: FileForm, own: TaskTraits, look: Look) -> FileForm:
    """JSON lines that are the rows of a Parquet file.  DataError for a task that reads none."""
    if look.kind == PARQUET and look.asked and not own.parquet:
        file = next(file for file in look.files if is_parquet(file))
        do = "Save its texts as a file that the task reads."
        raise DataError(message(file, f"a file of text, which task {own.task} reads", "Parquet", do))
    return replace(form, parquet=look.kind == PARQUET)


def table_form(own: TaskTraits, look: Look) -> FileForm:
    """One file with columns; as a training would find it."""
    given, said = look.given, look.said
    table = look.columns(by_lines=True) if own.by_lines else look.table
    named = any(isinstance(column, str) and column != LAST for column in (given.source, given.target))
    certain = given.header is not None or table.named or named
    form = FileForm(
        own.task,
        table.format,
        table.separator,
        table.header,
        table.comment,
        table.width,
        profiles=table.profiles,
        quoted=table.format == "csv",
        certain=certain or (own.by_lines and image_columns(table.first) is not None),
        features_separator=said.features_separator if said else ";",
        last=given.target == LAST,
        uncommented=given.comment == "",
        passed=table.passed,
        by_lines=own.by_lines,
    )
    read = own.tabular and said is not None and said.target is not None and said.format in ("tsv", "csv", "cmudict")
    if said and read and not given.fixed and given.source is None and given.target is None:
        given = own.named(given, said)
    return replace(form, roles=_roles(own, form, given))


def _roles(own: TaskTraits, form: FileForm, given: StatedForm) -> dict[str, int | str]:
    """Which column is what: as said, else by its name, else by what it holds, else by its place."""
    roles: dict[str, int | str] = {}
    for role in (*own.roles, "features"):
        said = getattr(given, role, None)
        if role == "target" and form.last:
            roles[role] = form.width - 1
        elif isinstance(said, int):
            roles[role] = said - 1
        elif isinstance(said, str) and form.header and said in form.header:
            roles[role] = form.header.index(said)
    if given.fixed or not own.roles:
        return roles
    free = [i for i in range(form.width) if i not in roles.values()]
    for role in (*own.roles, "features"):
        told = {plain(form.header[i]): i for i in reversed(free)} if form.header else {}
        called = [told[name] for name in (role, *own.names.get(role, ())) if name in told]
        if role not in roles and called:
            roles[role] = called[0]
            free.remove(called[0])
    own.arrange(form, roles, free)
    for role in own.roles:
        if role not in roles and free:
            roles[role] = free.pop(0)
    return roles


def give_label(form: FileForm, roles: dict[str, int | str], free: list[int], labels: Sequence[int]) -> None:
    """The target: of columns of labels the first, else one of numbers."""
    held = form.profiles
    numbers = [i for i in free if held[i].manner == "numbers" and held[i].distinct < 0.9 * held[i].cells]
    for i in ([*labels] or numbers)[:1] if "target" not in roles else ():
        roles["target"] = i
        free.remove(i)


def texts_first(form: FileForm, free: list[int], *, longest: bool) -> None:
    """Of columns that are left, texts before numbers and labels.  longest: and of texts the longest first."""
    held = form.profiles
    ordered = sorted(free, key=lambda i: -held[i].length) if longest else free
    free[:] = sorted(ordered, key=lambda i: held[i].manner in ("numbers", "nothing") or held[i].labels)
