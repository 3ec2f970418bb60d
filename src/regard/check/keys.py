"""JSON lines: which of their keys is what, and which task they are for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from regard.check.form import NAMES, ROLES, Form, Given
from regard.check.profile import profile
from regard.data.layout import LAST


def are_objects(lines: Sequence[str]) -> bool:
    """Whether each of the first lines is a JSON object."""
    some = [line for line in lines[:20] if line.strip()]
    return bool(some) and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in some)


def keyed(lines: Sequence[str], task: str | None, given: Given) -> Form:
    """JSON lines: roles by the names of keys."""
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        records += [record] if isinstance(record, dict) else []
    keys = Counter(key for record in records for key in record)
    there = {key.lower(): key for key in keys}
    if task is None:
        task = _task_of_keys(there)
    if task == "read" or (task == "tag" and "tokens" in there):
        return Form(task, "jsonl", cloze="doc" in there)
    roles: dict[str, int | str] = {}
    for role in (*ROLES[task], "features"):
        said = getattr(given, role, None)
        if isinstance(said, str) and said != LAST:
            roles[role] = said
            continue
        free = [there[name] for name in NAMES.get(role, ()) if name in there and there[name] not in roles.values()]
        if free and not (role == "features" and given.fixed):
            roles[role] = free[0]
        elif role != "features":
            roles[role] = role
    cells = {key: [_plain(record.get(key)) for record in records] for key in keys}
    return Form(task, "jsonl", roles=roles, profiles={key: profile(value) for key, value in cells.items()})


def _task_of_keys(keys: Mapping[str, str]) -> str:
    have = set(keys)
    if {"context", "question"} <= have or {"doc", "query"} <= have:
        return "read"
    if "tokens" in have:
        return "tag"
    if have & {"caption", "captions"}:
        return "caption"
    if have & set(NAMES["second"]):
        return "pair"
    if "label" in have and have & {"text", "sentence"}:
        return "classify"
    return "language" if have == {"text"} else "transduce"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)
