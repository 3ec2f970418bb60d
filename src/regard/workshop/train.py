"""Training, for any network and any task: update, report, validate, keep the best, and go on exactly after whatever happened."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import nn

from regard.attention.weighting import Annealed
from regard.data.batches import Batches
from regard.ground.errors import ConfigError, RegardError, did_you_mean, message
from regard.workshop.checkpoint import MODEL, Checkpoints, Progress, borrowed, load_network, mean, save_network
from regard.workshop.optimize import exactly, make_optimizer, resolve_precision, step
from regard.workshop.report import Clock, Metrics, Reporter, Row, training_row
from regard.workshop.schedule import Constant, InverseSqrt, Linear, Plateau, Schedule
from regard.workshop.signals import Broken, Signals
from regard.workshop.signals import Interrupted as Interrupted
from regard.workshop.task_kinds import LOWER

if TYPE_CHECKING:
    from regard.data.batches import Batch
    from regard.tasks.task import Loss
    from regard.workshop.config_schema import TrainSection

STRIKES = 10  # updates in a row that are not finite, before training gives up
FEW, SMALLEST = 300, 50  # updates in all that teach a net little; the smallest batch that is recommended, in tokens


@dataclass(frozen=True)
class Validation:
    """What a validation found: figures by name, and lines to show."""

    metrics: dict[str, float]
    samples: list[str]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.  `best`: the figures of the model that was kept, of step `best_step`; `stopped`: updates | epochs | patience."""

    best: dict[str, float | None]
    best_step: int
    step: int
    epoch: int
    stopped: str


class Order(Protocol):
    """Which rows go together, epoch by epoch: a pure function of the epoch."""

    def epoch(self, epoch: int) -> Sequence[list[int]]: ...


def fit(
    network: nn.Module,
    *,
    loss: Callable[[Batch], Loss],
    batch: Callable[[list[int]], Batch],
    batches: Order,
    validate: Callable[[], Validation],
    settings: TrainSection,
    folder: Path,
    fingerprint: dict[str, Any],
    resume: bool,
    say: Callable[[str], None],
) -> Outcome:
    """Trains `network` in the run folder, and leaves it in use (`eval`) with the best weights, those of RUN/model.safetensors.

    `fingerprint`: what must be the same when the run goes on, by name, in what JSON holds.  Seeds PyTorch's random numbers.
    Errors: RunFolderError where the folder holds another run, or one that is damaged; RegardError where the numbers or the disk give out;
    Interrupted, after a checkpoint, on SIGINT and SIGTERM.
    """
    checkpoints = Checkpoints(folder, fingerprint=fingerprint)
    checkpoints.start(resume=resume)
    torch.manual_seed(settings.seed)
    optimizer = make_optimizer(network, settings)
    progress = checkpoints.load(network, optimizer)
    if resume:
        say(f"going on from step {progress.step}" if progress else f"no checkpoint in {folder} yet: from the beginning")
    progress = progress or Progress()
    total = total_updates(batches, settings)
    if not resume and (note := few(total, settings, cut=isinstance(batches, Batches))):
        say(note)
    reporter = Reporter(Metrics(folder / "metrics.jsonl", rows=progress.rows), say, total=total)
    try:
        with exactly(settings.threads), Signals() as signals:
            trainer = Trainer(network, optimizer, settings, checkpoints, reporter, signals, progress)
            outcome = trainer.run(loss, batch, batches, validate)
    finally:
        reporter.close()
    load_network(network, folder / MODEL)
    network.eval()
    return outcome


def make_schedule(settings: TrainSection, updates: int) -> Schedule:
    """The schedule that the settings name.  updates: of the whole training, if nothing stops it before."""
    if settings.schedule == "linear":
        return Linear(settings.learning_rate, settings.warmup, updates)
    if settings.schedule == "plateau":
        return Plateau(settings.learning_rate, settings.warmup, settings.plateau_factor, settings.plateau_patience)
    return {"constant": Constant, "inverse-sqrt": InverseSqrt}[settings.schedule](settings.learning_rate, settings.warmup)


def total_updates(batches: Order, settings: TrainSection) -> int:
    """How many updates a run has, if nothing stops it before."""
    every = math.ceil(len(batches.epoch(0)) / settings.accumulate) * settings.epochs
    return min(every, settings.updates or every)


def few(total: int, settings: TrainSection, *, cut: bool) -> str:
    """What to do where little data makes few updates: batches so small that they are twice as many.  "" where they suffice, or were
    asked for.  cut: `batch_tokens` says how large batches are."""
    if total >= FEW or settings.updates:
        return ""
    tokens = settings.batch_tokens * total / (2 * FEW)
    asked = max(SMALLEST, round(tokens, -1 if tokens < 1000 else -2))
    more = f"train.batch_tokens={asked:.0f}, or more epochs" if cut and asked < settings.batch_tokens else "more train.epochs"
    return f"note: {total:,} updates in all are few to learn from; little data wants small batches. Try {more}."


def better(value: float | None, best: float | None, metric: str) -> bool:
    """Whether a figure is a gain; one that is not finite never is, unless there is no other."""
    if value is None or not math.isfinite(value):
        return False
    return best is None or (value < best if metric in LOWER else value > best)


def anneal(network: nn.Module, done: float) -> None:
    """Tells what changes while a net is trained how much of the training is done.  It hangs on the step alone, so that a run that
    goes on is as warm as the one that never stopped."""
    for part in network.modules():
        if isinstance(part, Annealed):
            part.anneal(done)


class Trainer:
    """One session of a run: from where `progress` stands to the end, or to a signal."""

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.AdamW,
        settings: TrainSection,
        checkpoints: Checkpoints,
        reporter: Reporter,
        signals: Signals,
        progress: Progress,
    ) -> None:
        self.network, self.optimizer, self.settings = network, optimizer, settings
        self.checkpoints, self.reporter, self.signals, self.progress = checkpoints, reporter, signals, progress
        self.schedule = make_schedule(settings, reporter.total)
        self.precision = resolve_precision(settings.precision, network)
        self.clock = Clock(progress.seconds)

    def run(
        self,
        loss: Callable[[Batch], Loss],
        batch: Callable[[list[int]], Batch],
        batches: Order,
        validate: Callable[[], Validation],
    ) -> Outcome:
        """Trains to the end.  Errors: as `fit`."""
        p, every = self.progress, self.settings.checkpoint_every
        epoch, order = -1, cast(Sequence[list[int]], ())
        self.network.train()
        while True:
            if self.signals.heard:
                self._stop(pending=self._due())
            if self._due():
                self._validate(validate)
            if p.stopped:
                return Outcome(p.best, p.best_step, p.step, p.epoch, p.stopped)
            if epoch != p.epoch:
                epoch, order = p.epoch, batches.epoch(p.epoch)
            parts = order[p.consumed : p.consumed + self.settings.accumulate]
            self._update(loss, batch, parts)
            p.consumed += len(parts)
            if p.consumed == len(order):
                p.epoch, p.consumed = p.epoch + 1, 0
            self._report()
            if every and p.step % every == 0 and not self._due():
                self._save()

    def _update(self, loss: Callable[[Batch], Loss], batch: Callable[[list[int]], Batch], parts: Sequence[list[int]]) -> None:
        p, settings = self.progress, self.settings
        begun = time.perf_counter()
        anneal(self.network, p.step / max(1, self.reporter.total))
        rate = self.schedule.rate(p.step + 1, p.standing)
        total, nats, tokens = 0.0, 0.0, 0
        for rows in parts:
            with torch.autocast("cpu", self.precision) if self.precision != torch.float32 else nullcontext():
                found = loss(batch(rows))
            found.total.backward()
            total, nats, tokens = total + found.total.item(), nats + found.nats.item(), tokens + found.tokens
        finite = math.isfinite(total + nats) and step(self.optimizer, rate=rate, tokens=tokens, clip=settings.clip)
        self.optimizer.zero_grad()
        p.step, p.tokens = p.step + 1, p.tokens + tokens
        self.clock.worked(time.perf_counter() - begun, tokens)
        if finite:
            p.strikes, p.nats, p.nats_tokens = 0, p.nats + nats, p.nats_tokens + tokens
            return
        p.strikes, p.skipped = p.strikes + 1, p.skipped + 1
        if p.strikes == STRIKES:
            do = "Train again with a lower train.learning_rate, a longer train.warmup, train.clip: 1.0 or train.precision: float32."
            what = f"training broke down at step {p.step}"
            raise RegardError(message(what, "finite losses and gradients", f"{STRIKES} updates in a row without", do))

    def _over(self) -> str:
        p, settings = self.progress, self.settings
        if settings.updates and p.step >= settings.updates:
            return "updates"
        return "epochs" if p.epoch >= settings.epochs else ""

    def _due(self) -> bool:
        p, every = self.progress, self.settings.validate_every
        if p.validated == p.step:
            return False
        return bool(self._over()) or (p.step % every == 0 if every else p.consumed == 0)

    def _validate(self, validate: Callable[[], Validation]) -> None:
        p, average, metric = self.progress, self.settings.average, self.settings.metric
        snapshots = [*p.snapshots, p.step][-average:] if average > 1 else []
        if snapshots:
            save_network(self.network, self.checkpoints.snapshot(p.step))
        means = mean([self.checkpoints.snapshot(s) for s in snapshots]) if len(snapshots) > 1 else None
        try:
            with borrowed(self.network, means) if means else nullcontext():
                found = self._looked_at(validate)
                if metric not in found.metrics:
                    do = f"Set train.metric to one of them.{did_you_mean(metric, found.metrics)}"
                    raise ConfigError(message("train.metric", f"one of {', '.join(found.metrics)}", metric, do))
                gained = not p.best_step or better(found.metrics[metric], p.best[metric], metric)
                # Equal figures, such as 0 % right in the first validations, are told apart by the loss; patience counts them as no gain.
                tied = not gained and found.metrics[metric] == p.best[metric]
                kept = gained or (tied and better(found.metrics.get("loss"), p.best.get("loss"), "loss"))
                if kept:
                    save_network(self.network, self.checkpoints.best(p.step))
        except Broken:
            self._stop(pending=True)
        figures = {k: v if math.isfinite(v) else None for k, v in found.metrics.items()}
        if kept:
            p.best, p.best_step = figures, p.step
        p.validated, p.snapshots, p.waited = p.step, snapshots, 0 if gained else p.waited + 1
        p.standing = self.schedule.judged(p.standing, gained)
        patience = self.settings.patience
        p.stopped = self._over() or ("patience" if patience and p.waited >= patience else "")
        row: Row = {"kind": "valid", "step": p.step, "epoch": p.current_epoch, **figures, "best": kept}
        self.reporter.validation(row | self.clock.measured(self.reporter.total - p.step), found.metrics, metric, found.samples)
        self._save()

    def _looked_at(self, validate: Callable[[], Validation]) -> Validation:
        """In float32, without dropout, and without a trace in the random numbers."""
        self.network.eval()
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]), self.signals.breakable():
                return validate()
        finally:
            self.network.train()

    def _save(self, *, pending: bool = False) -> None:
        self.reporter.metrics.sync()
        self.progress.rows, self.progress.seconds = self.reporter.metrics.rows, self.clock.seconds()
        self.checkpoints.save(self.network, self.optimizer, self.progress, pending=pending)

    def _stop(self, *, pending: bool) -> None:
        self._save(pending=pending)
        raise Interrupted(self.signals.heard, f"stopped at step {self.progress.step}, with a checkpoint. Go on with --resume.")

    def _report(self) -> None:
        p = self.progress
        if p.step % self.settings.report_every == 0 or self._over():
            self.reporter.report(self._row())
            p.nats, p.nats_tokens = 0.0, 0
            self.clock.reported()
        else:
            self.reporter.progress(self._row, p.step)

    def _row(self) -> Row:
        rate = self.schedule.rate(self.progress.step, self.progress.standing)
        return training_row(self.progress, rate) | self.clock.measured(self.reporter.total - self.progress.step)
