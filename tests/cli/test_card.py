"""What the README of a run says: the task's own figures with what they mean, and commands that work with it."""

from __future__ import annotations

import pytest

from regard.config import read_config
from regard.tasks import registry
from regard.training.model_card import uses, write_card
from regard.training.trainer import Outcome


def card(tmp_path, task: str) -> str:
    config = read_config({"task": task, "data": {"train": ["some.tsv"]}})
    figures = {name: 0.25 for name in registry.spec(task).metrics}
    write_card(tmp_path, config, Outcome(figures, best_step=7, step=7, epoch=1, stopped="epochs"), sizes="3 parameters")
    return (tmp_path / "README.md").read_text("utf-8")


@pytest.mark.parametrize("task", registry.TASKS)
def test_each_figure_is_told_with_its_meaning(tmp_path, task):
    text = card(tmp_path, task)
    metrics = registry.spec(task).metrics
    for name, metric in metrics.items():
        assert f"| {name} | 0.2500 | {metric.meaning} |" in text
    assert ("target token" in text) == any("target token" in metric.meaning for metric in metrics.values())


@pytest.mark.parametrize(
    ("task", "second"),
    [
        ("transduce", 'regard view RUN --text "..."'),
        ("tag", 'regard view RUN --text "..."'),
        ("forecast", "regard view RUN FILE"),
        ("caption", "regard view RUN FILE"),
        ("read", "regard view RUN FILE"),
        ("pretrain", "regard train --from RUN --task classify --train FILE"),
    ],
)
def test_only_commands_that_the_task_has_are_told(tmp_path, task, second):
    assert uses("RUN", read_config({"task": task})) == ["regard predict RUN FILE", second]
    assert second.replace("RUN", tmp_path.name) in card(tmp_path, task)
