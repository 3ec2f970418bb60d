"""A job is what a task is to the trainer and the doors: from files to a network, and from a run folder to answers.  One module each."""

from __future__ import annotations

from importlib import import_module

from regard.config.task_spec import TASKS
from regard.tasks.base import Task


def of(task: str) -> Task:
    """The job of a task word of the config."""
    module, name = TASKS[task].job.split(":")  # imported when asked for: some need extras
    made: Task = getattr(import_module(module), name)()
    return made
