"""Every task by its word: one line each, imported on demand.  A task of the user's is a word too, `package.module:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from regard.core.errors import ConfigError, message
from regard.core.user_module import import_module_of
from regard.tasks.spec import TaskSpec

TASKS: Mapping[str, str] = {
    name: f"regard.tasks.{name}:SPEC"
    for name in ("transduce", "read", "tag", "classify", "pair", "pretrain", "language", "forecast", "caption")
}
USUAL = "transduce"  # where a config names none
_SECTIONS = ("read", "language", "tag", "pretrain", "caption", "forecast", "classify", "pair")  # in docs/config.md; others follow
_OWN = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")  # package.module:NAME


def is_own(word: object) -> bool:
    """Whether a word names a task of the user's, whose code runs when it is looked at."""
    return isinstance(word, str) and word not in TASKS and _OWN.fullmatch(word) is not None


def is_task(word: object) -> bool:
    """Whether a word may be that of a task; one of the user's may still not be there."""
    return isinstance(word, str) and (word in TASKS or is_own(word))


@cache
def spec(word: str) -> TaskSpec:
    """What a task says of itself.  Imports the module of a task of the user's: ConfigError where it is not there or is something else."""
    if word in TASKS:
        made: TaskSpec = part(TASKS[word])
        return made
    module, name = import_module_of(word), word.rpartition(":")[2]
    found = getattr(module, name, None)
    if not isinstance(found, TaskSpec):
        received = "no such name" if found is None else f"a {type(found).__name__}"
        do = f"Write {name} = regard.tasks.spec.TaskSpec(...)."
        raise ConfigError(message(word, f"a TaskSpec {name} in {module.__file__}", received, do))
    if found.name in TASKS or not found.name.isidentifier():
        do = "Give it another name."
        raise ConfigError(message(f"{word}: name", "a word that no task of Regard has", repr(found.name), do))
    return found


def specs() -> list[TaskSpec]:
    """The tasks of Regard, in their order."""
    return [spec(name) for name in TASKS]


def figures(task: TaskSpec) -> list[str]:
    """The figures of all tasks, in one order, and those of a task of the user's."""
    return list(dict.fromkeys(name for each in (*specs(), task) for name in each.metrics))


def with_sections() -> list[TaskSpec]:
    """Those that have keys of their own, in the order in which they are documented."""
    return [found for name in dict.fromkeys((*_SECTIONS, *TASKS)) if (found := spec(name)).section]


def makes_readers() -> str:
    """The tasks whose runs others may begin with, in words."""
    return " or ".join(found.name for found in specs() if found.reads_for)


def part(word: str) -> Any:
    """What `module:Name` is, a part of a task: imported when it is asked for, since some need extras."""
    module, _, name = word.partition(":")
    return getattr(import_module(module), name)


def of(word: str) -> Any:
    """The `Task` of a task word of the config."""
    return part(spec(word).task)()
