"""The model card: what a run is, for whoever finds the folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from regard.config import Config
from regard.config.trust import find_user_classes, flags, modules
from regard.core.atomic_files import write_text
from regard.tasks.spec import WRITING
from regard.training.provenance import join_versions, read_run
from regard.training.trainer import Outcome

CARD = "README.md"


def _made(folder: Path) -> str:
    found = read_run(folder)
    if found is None:
        return "an unknown version"
    versions = join_versions(found)
    return f"{versions}; {found['ended'] or found['begun']}; {found['machine'].get('processor', 'a CPU')}"


def uses(run: str, config: Config, trusted: str = "") -> list[str]:
    """Commands that work with a run.  run: its folder as a shell is told it; trusted: options that its code needs."""
    told = [f"regard predict {run} FILE{trusted}"]
    if config.spec.reads_for:
        return [*told, f"regard train --from {run} --task {config.spec.reads_for} --train FILE"]
    if not config.spec.reads_line or config.data.features is not None:
        return [*told, f"regard view {run} FILE{trusted}"]  # an item is more than a text
    if not set(WRITING) <= set(config.spec.uses) or _looks(config):
        return [*told, f'regard view {run}{trusted} --text "..."']
    return [*told, f"regard evaluate {run} FILE{trusted}"]


def _looks(config: Config) -> bool:
    """Whether a net that writes looks anywhere, so that there is something to see."""
    model = config.model
    look = model.attention if "model.attention" in config.spec.uses else model.past
    return model.family != "recurrent" or look is not None


def _row(name: str, value: float | None, meaning: str) -> str:
    return f"| {name} | {'-' if value is None else f'{value:.4f}'} | {meaning} |"


def write_card(folder: Path, config: Config, outcome: Outcome, *, sizes: str) -> None:
    """Writes RUN/README.md: what was trained, on what, with which figures, and how to use it."""
    meanings = {name: metric.meaning for name, metric in config.spec.metrics.items()}
    figures = "\n".join(_row(name, value, meanings.get(name, "")) for name, value in outcome.best.items())
    aside = f"a share of {config.data.valid_share} of the training data, set aside {config.spec.set_aside}"
    data = " and ".join(config.data.valid) or aside
    code, trust = ", ".join(n.word for n in find_user_classes(config)), flags(modules(config))
    commands = "\n".join(uses(shlex.quote(folder.name), config, trust))
    whose = f"* code that is not Regard's, and runs where the model does: {code}\n" if code else ""
    lines = f"""# A {config.model.family} model, trained with Regard

* task: {config.task}
* size: {sizes}
* trained on: {" and ".join(config.data.train)}
* judged on: {data}
* updates: {outcome.step}, stopped by {outcome.stopped}; kept: the model of update {outcome.best_step}, the best by `{config.train.metric}`
* seed: {config.train.seed}
* made with: {_made(folder)} (`run.json` has the rest, with a hash of each file of the data)
{whose}
The validation data also chose the model that was kept, so these figures flatter it a little.

| figure | validation | |
|---|---|---|
{figures}

```
{commands}
```

`config.yaml` holds all settings.
"""
    write_text(folder / CARD, lines)
