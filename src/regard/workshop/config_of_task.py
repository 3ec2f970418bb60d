"""What a task demands of the keys of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from regard.ground.errors import did_you_mean
from regard.workshop.config_problem import Problem
from regard.workshop.config_tasks import SECTIONS
from regard.workshop.task_kinds import TASKS

if TYPE_CHECKING:
    from regard.workshop.config_schema import Config


def of_task(config: Config) -> Iterator[Problem]:
    """Keys that the task does not use, at other than their default; sections of other tasks; figures that it has not."""
    kind = TASKS[config.task]
    for key in kind.unused:
        section, word = key.split(".")
        value = getattr(getattr(config, section), word)
        if value not in _defaults(config, section, word):
            do = "Remove it, or choose another task."
            yield Problem(
                (key, "task"),
                f"no such key with task {config.task}, which does not use it",
                str(getattr(value, "score", value)),
                do,
            )
    for name in SECTIONS:
        if name != config.task and getattr(config, name) is not None:
            do = f"Remove it, or write task: {name}."
            yield Problem((name, "task"), f"only with task: {name}", f"task {config.task}", do)
    if config.train.metric not in kind.metrics:
        do = f"Choose one of them.{did_you_mean(config.train.metric, kind.metrics)}"
        yield Problem(("train.metric", "task"), " | ".join(kind.metrics), config.train.metric, do)


def _defaults(config: Config, section: str, word: str) -> list[Any]:
    """What a key holds that nobody set."""
    default = TASKS[config.task].defaults.get(f"{section}.{word}", type(getattr(config, section)).model_fields[word].default)
    if (section, word) == ("model", "attention"):  # a look that does not name its score has that of its family
        return [default, default.model_copy(update={"score": "scaled"})]
    return [default]
