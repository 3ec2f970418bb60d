"""JSON lines: which of their keys is what, and which task they are for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from regard.check.column_profile import profile
from regard.check.form import ROLES, FileForm, StatedForm
from regard.data.column_names import CAPTIONS, IMAGES, NAMES, TWO_TEXTS, plain
from regard.data.columns import LAST
from regard.data.file_format import RecognizedFile
from regard.data.row_parser import value_of


def are_objects(lines: Sequence[str]) -> bool:
    """Whether each of the first lines is a JSON object."""
    some = [line for line in lines[:20] if line.strip()]
    return bool(some) and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in some)


def keyed(lines: Sequence[str], task: str | None, given: StatedForm, said: RecognizedFile | None) -> FileForm:
    """JSON lines: roles by the names of keys.  said: what a training takes the file for."""
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        records += [record] if isinstance(record, dict) else []
    keys = Counter(key for record in records for key in record)
    there = {plain(key): key for key in keys}
    if task is None:
        task = _task_of_keys(set(there))
    if task in ("read", "tag"):
        named = {"tokens": given.source, "tags": given.target} if task == "tag" else {}
        said_so: dict[str, int | str] = {role: key for role, key in named.items() if isinstance(key, str)}
        return FileForm(task, "jsonl", roles=said_so, cloze=task == "read" and "doc" in there)
    roles, guessed = _roles(task, there, given, said)
    cells = {key: [_plain(value_of(record, key)[1]) for record in records] for key in {*keys, *map(str, roles.values())}}
    return FileForm(task, "jsonl", roles=roles, profiles={key: profile(value) for key, value in cells.items()}, guessed=guessed)


def _roles(
    task: str, there: Mapping[str, str], given: StatedForm, said: RecognizedFile | None
) -> tuple[dict[str, int | str], tuple[str, ...]]:
    """Which key is what: as it is said, else as a training finds it, else by its name; and the roles of the last kind.  there: the
    keys, by their plain names."""
    roles: dict[str, int | str] = {}
    guessed = list[str]()
    names = {"source": IMAGES, "target": CAPTIONS} if task == "caption" else NAMES
    for role in (*ROLES[task], "features"):
        key = getattr(given, role, None)
        key = getattr(said, role, None) if key is None and not given.fixed else key
        known = [there[name] for name in (role, *names.get(role, ())) if name in there and there[name] not in roles.values()]
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


def _task_of_keys(have: set[str]) -> str:
    if {"context", "question"} <= have or {"doc", "query"} <= have:
        return "read"
    if "tokens" in have:
        return "tag"
    if have & {"caption", "captions"}:
        return "caption"
    if any({first, second} <= have for first, second in TWO_TEXTS):
        return "pair"
    if "label" in have and have & {"text", "sentence"}:
        return "classify"
    return "language" if have == {"text"} else "transduce"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)
