"""From a config to a run folder: read, learn vocabularies, build, train, keep.  Of any task: its `Task` knows the particulars."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from regard.build.size_limit import within_memory
from regard.check.from_config import say_notes
from regard.config import Config, load_config
from regard.config.auto import as_begun
from regard.config.data_files import as_read, resolve_files
from regard.config.trust import find_user_classes, modules, refuse_strangers
from regard.core.atomic_files import write_text
from regard.core.devices import find_device
from regard.core.errors import RunFolderError, message
from regard.core.freed_memory import give_back_freed_memory
from regard.core.printable import printable
from regard.core.say import Say
from regard.data.text_files import refuse_streams
from regard.data.token_store import share_store
from regard.pretrained.start_from_run import as_before, warm_from
from regard.tasks import registry
from regard.tasks.base import Splits, Task
from regard.training.checkpoint import Checkpoints
from regard.training.checksums import BERT, CONFIG, EXPORTED, LEARNT, METRICS, USED, find_changed, forget, note, refuse_changed
from regard.training.closed_form import keep
from regard.training.event_files import refuse_without_tensorboard
from regard.training.leading import follow, lead, list_known, name_data
from regard.training.longer_runs import mark_longer, of_length, refuse_annealed, refuse_other_rates
from regard.training.model_card import write_card
from regard.training.provenance import write_run
from regard.training.ranks import Ranks, join, refuse_disagreement
from regard.training.reporting import silent
from regard.training.run_lock import claim, has_begun
from regard.training.setup import TrainingSetup
from regard.training.trainer import Outcome, fit

LOG = logging.getLogger("regard")


@dataclass(frozen=True)
class FinishedRun:
    """A finished training.  metrics: the validation figures of the model that was kept."""

    folder: Path
    metrics: dict[str, float | None]
    outcome: Outcome


def train(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    say: Say | None = None,
    trust: Iterable[str] = (),
    prepare: Callable[[Say], None] | None = None,
) -> FinishedRun:
    """Train what the config says into the run folder `out`; classes that it names are imported, for whoever trains trusts his config.

    resume: go on with the run that lies there, or begin where none does.  say: hears of data and progress; None: the logger `regard`, at
    level INFO; `training.reporting.silent`: nobody.
    trust: modules whose code may run where the run that is gone on with, or begun with, names a class of them: it may be a stranger's.
    prepare: what makes the files of the config, called when it is sure that the folder is this run's, before anything is read.
    Raises ConfigError, DataError, RunFolderError (also where the run to go on with had another config or other data), RegardError
    where the disk is full or memory gives out, and Interrupted on SIGINT, SIGTERM and SIGHUP, with a checkpoint made.
    """
    folder, say = Path(out), say or (_logged if LOG.isEnabledFor(logging.INFO) else silent)
    if resume and (folder / CONFIG).is_file():
        refuse_strangers(load_config(folder / CONFIG, [], trust=trust), folder / CONFIG, trust)
        refuse_strangers(config, folder / CONFIG, trust)
    with join(config.train.device) as ranks:
        refuse_disagreement(ranks, list_known(config))
        if not ranks.first:
            return _follow(folder, ranks)
        with claim(folder, resume=resume):
            if prepare is not None:
                prepare(say)
            return _whole(config, folder, ranks, resume=resume, say=say, trust=trust)


def _whole(config: Config, folder: Path, ranks: Ranks, *, resume: bool, say: Say, trust: Iterable[str]) -> FinishedRun:
    task, goes_on = registry.of(config.task), resume and has_begun(folder) and (folder / CONFIG).is_file()
    config = _as_it_began(folder, config) if goes_on else _begun(config, trust, say)
    if goes_on and find_changed(folder, [METRICS]):
        say(f"note: {folder / METRICS} is not as the run left it; what stands there stays.")
    for found in find_user_classes(config):
        say(f"note: {found.key} names {found.word}, code that is not Regard's; it is imported.")
    find_device(config.train.device, "train.device")
    refuse_without_tensorboard(config.train.log)
    with within_memory():
        task.probe(config)  # what cannot be built is refused before anything is read
    refuse_streams([*config.data.train, *config.data.valid])
    if not goes_on and config.train.begin is None:  # a run that goes on reads its files as it began
        config = resolve_files(config, say)
    if not resume:
        say_notes(config, say)
    config, data = _fitted(task, config, say)
    write_text(folder / CONFIG, config.to_yaml())
    write_run(folder, data.fingerprint, plain := config.model_dump(mode="json"), ended=False)
    forget(folder, (*USED, EXPORTED, METRICS) if (fresh := Checkpoints(folder, fingerprint={}).newest() is None) else [METRICS])
    torch.manual_seed(config.train.seed)
    with within_memory():
        ready = task.ready(config, data, folder, say, fresh=fresh)
    note(folder, (*LEARNT, *BERT))
    say(ready.sizes)
    if config.train.begin and fresh:
        warm_from(ready.task, Path(config.train.begin), ready.moved, say)
    lead(ranks, config, data.fingerprint, folder, alone=ready.alone)
    if ready.untrained:
        outcome = keep(ready.task, validate=ready.validate, settings=config.train, folder=folder, say=say)
    else:
        outcome = _trained(config, ready, data, folder, ranks, resume=resume, say=say)
    forget(folder, (*BERT, EXPORTED))  # what is left to do may be to write them anew
    ready.finish()
    note(folder, (*USED, EXPORTED, METRICS))
    write_run(folder, data.fingerprint, plain, ended=True)
    write_card(folder, config, outcome, sizes=ready.sizes)
    return FinishedRun(folder, outcome.best, outcome)


def _fitted(task: Task, config: Config, say: Say) -> tuple[Config, Splits]:
    """The config with every key settled by what the files hold, and that."""
    data, given = task.read(config, say), config
    config, fits = task.fit(config, data)
    data = replace(data, sample=None)  # its memory is the training's now
    if config.data.unicode != given.data.unicode:  # the same files, read as they are now to be read
        data = task.read(config, silent)
    if fits:
        say(fits)
    return config, data


def _follow(folder: Path, ranks: Ranks) -> FinishedRun:
    """The part of a rank that writes nothing: its files lie in a folder that is gone in the end.  folder: that of rank 0."""
    with TemporaryDirectory(prefix="regard-") as name, within_memory():
        own = Path(name)
        config, marks = follow(ranks, own)
        task = registry.of(config.task)
        data = task.read(config, silent)
        refuse_disagreement(ranks, name_data(data.fingerprint))
        share_store(folder, own)
        torch.manual_seed(config.train.seed)
        ready = task.ready(config, data, own, silent, fresh=False)
        if ready.untrained:
            return FinishedRun(folder, {}, Outcome({}, 0, 0, 0, "closed form"))
        give_back_freed_memory()
        outcome = _fit(config, ready, own, ranks, fingerprint=marks, resume=False, say=silent)
    return FinishedRun(folder, outcome.best, outcome)


def _trained(
    config: Config, ready: TrainingSetup, data: Splits, folder: Path, ranks: Ranks, *, resume: bool, say: Say
) -> Outcome:
    give_back_freed_memory()
    marks = mark_longer(config, Checkpoints(folder, fingerprint={}).newest())
    if any(marks["train"][key] != getattr(config.train, key) for key in ("epochs", "updates")):
        refuse_annealed(ready.task, folder)
    return _fit(config, ready, folder, ranks, fingerprint={**data.fingerprint, "config": marks}, resume=resume, say=say)


def _fit(
    config: Config, ready: TrainingSetup, folder: Path, ranks: Ranks, *, fingerprint: dict[str, Any], resume: bool, say: Say
) -> Outcome:
    return fit(
        ready.task,
        loss=ready.task.loss,
        batch=ready.batch,
        batches=ready.batches,
        validate=ready.validate,
        settings=config.train,
        folder=folder,
        fingerprint=fingerprint,
        resume=resume,
        say=say,
        lower=config.spec.lower,
        ranks=ranks,
    )


def _as_it_began(folder: Path, config: Config) -> Config:
    """The config of a run that goes on; what it leaves out is as the run began.  RunFolderError where it says something else."""
    begun = load_config(folder / CONFIG, [])
    refuse_changed(folder, begun, (*LEARNT, *BERT))  # the weights have their hashes in the checkpoint
    if config.train.begin is not None and config.train.begin == begun.train.begin:
        config = as_before(config, folder, modules(begun))
    config = as_begun(as_read(config, begun), begun)
    differences = [line for line in begun.difference(config) if not of_length(line.partition(":")[0])]
    if differences:
        listed = "".join(f"\n  {line}" for line in differences) + "\n"
        do = "Resume with the config of the run (leave the config out), or train into another folder."
        raise RunFolderError(message(f"{folder}", "the config that the run began with", listed, do))
    refuse_other_rates(folder, begun, config)
    return config


def _begun(config: Config, trust: Iterable[str], say: Say) -> Config:
    """A config that begins with another run, as that is; RunFolderError where that names code which nobody vouched for."""
    if config.train.begin is None:
        return config
    refuse_streams([*config.data.train, *config.data.valid])
    run = Path(config.train.begin)
    made = as_before(resolve_files(config, say), run, trust)  # its files are its own
    refuse_changed(run, load_config(run / CONFIG, []))
    return made


def _logged(line: str) -> None:
    LOG.info("%s", printable(line))
