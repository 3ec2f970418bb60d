"""From a config to a run folder: read, learn vocabularies, build, train, keep.  Of any task: its job knows the particulars."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from regard.ground.errors import DataError, RunFolderError, message
from regard.workshop import files, jobs
from regard.workshop.begun import as_before, warm_from
from regard.workshop.card import write_card
from regard.workshop.checked import say_notes
from regard.workshop.checkpoint import Checkpoints
from regard.workshop.config import Config, load_config
from regard.workshop.config_auto import as_begun
from regard.workshop.jobs.job import Prepared, Ready, Say
from regard.workshop.model import CONFIG
from regard.workshop.prolonged import marked, of_length, refuse_annealed, refuse_other_rates
from regard.workshop.resolve_files import as_read, resolve_files
from regard.workshop.train import Outcome, fit
from regard.workshop.trust import modules, named
from regard.workshop.untrained import keep


@dataclass(frozen=True)
class Run:
    """A finished training.  metrics: the validation figures of the model that was kept."""

    folder: Path
    metrics: dict[str, float | None]
    outcome: Outcome


def train(config: Config, out: str | Path, *, resume: bool = False, say: Say | None = None, trust: Iterable[str] = ()) -> Run:
    """Train what the config says into the run folder `out`; classes that it names are imported, for whoever trains trusts his config.

    resume: go on with the run that lies there, or begin where none does.  say: hears of data and progress; None: stderr.
    trust: modules whose code may run where a run that is begun with names a class of them: it may be a stranger's.
    Raises ConfigError, DataError, RunFolderError (also where the run to go on with had another config or other data), RegardError
    where the disk is full, and Interrupted on SIGINT and SIGTERM, with a checkpoint made.
    """
    folder, say, job = Path(out), say or _to_stderr, jobs.of(config.task)
    config = _claimed(folder, config, resume)
    config = _begun(config, folder, resume, trust)
    for word, key in ((n.word, n.key) for n in named(config)):
        say(f"note: {key} names {word}, code that is not Regard's; it is imported.")
    job.probe(config)  # what cannot be built is refused before anything is read
    if "-" in (*config.data.train, *config.data.valid):
        do = "Save the data as a file."
        raise DataError(message("-", "a file: training reads its data again", "standard input", do))
    if not (resume and (folder / CONFIG).is_file()):  # a run that goes on reads its files as it began
        config = resolve_files(config, say)
    if not resume:
        say_notes(config, say)
    data, given = job.read(config, say), config
    config, fits = job.fit(config, data)
    if config.data.unicode != given.data.unicode:  # the same files, read as they are now to be read
        data = job.read(config, lambda line: None)
    if fits:
        say(fits)
    with files.explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / CONFIG, config.to_yaml())
    torch.manual_seed(config.train.seed)
    ready = job.ready(config, data, folder, say)
    say(ready.sizes)
    if config.train.begin and Checkpoints(folder, fingerprint={}).newest() is None:
        warm_from(ready.task, Path(config.train.begin), ready.moved, say)
    if ready.untrained:
        outcome = keep(ready.task, validate=ready.validate, settings=config.train, folder=folder, say=say)
    else:
        outcome = _trained(config, ready, data, folder, resume=resume, say=say)
    ready.finish()
    write_card(folder, config, outcome, sizes=ready.sizes)
    return Run(folder, outcome.best, outcome)


def _trained(config: Config, ready: Ready, data: Prepared, folder: Path, *, resume: bool, say: Say) -> Outcome:
    marks = marked(config, Checkpoints(folder, fingerprint={}).newest())
    if any(marks["train"][key] != getattr(config.train, key) for key in ("epochs", "updates")):
        refuse_annealed(ready.task, folder)
    return fit(
        ready.task,
        loss=ready.task.loss,
        batch=ready.batch,
        batches=ready.batches,
        validate=ready.validate,
        settings=config.train,
        folder=folder,
        fingerprint={**data.fingerprint, "config": marks},
        resume=resume,
        say=say,
    )


def _claimed(folder: Path, config: Config, resume: bool) -> Config:
    """Refuse a folder that holds something else, before anything is read or written.  The config; where a run goes on, what it leaves out
    is as the run began."""
    if not folder.exists():
        return config
    if not folder.is_dir() or (not resume and any(folder.iterdir())):
        do = "Choose another --out, or go on with the run that lies there: --resume."
        raise RunFolderError(message(f"{folder}", "a new or empty folder", "something that exists", do))
    if resume and (folder / CONFIG).is_file():
        begun = load_config(folder / CONFIG, [])
        if config.train.begin is not None and config.train.begin == begun.train.begin:
            config = as_before(config, folder, modules(begun))
        config = as_begun(as_read(config, begun), begun)
        changed = [line for line in begun.difference(config) if not of_length(line.partition(":")[0])]
        if changed:
            listed = "".join(f"\n  {line}" for line in changed) + "\n"
            do = "Resume with the config of the run (leave the config out), or train into another folder."
            raise RunFolderError(message(f"{folder}", "the config that the run began with", listed, do))
        refuse_other_rates(folder, begun, config)
    return config


def _begun(config: Config, folder: Path, resume: bool, trust: Iterable[str]) -> Config:
    """A config that begins with another run, as that is; a run that goes on has all it needs."""
    if config.train.begin is None or (resume and (folder / CONFIG).is_file()):
        return config
    return as_before(config, Path(config.train.begin), trust)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
