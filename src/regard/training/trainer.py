"""Training, for any network and any task: update, report, validate, keep the best, and go on exactly after whatever happened."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from regard.attention.weighting import Annealed
from regard.config.schema import TrainSection
from regard.core.devices import CPU, describe_device, find_device
from regard.core.errors import ConfigError, RegardError, did_you_mean, message
from regard.data.batching import Batch, Batches
from regard.training.checkpoint import MODEL, Checkpoints, Progress, load_network, save_network
from regard.training.checksums import METRICS
from regard.training.judging import average_weights, judge
from regard.training.objective import Loss
from regard.training.optimizer import exactly, make_optimizer
from regard.training.ranks import Ranks
from regard.training.reporting import TIMED, Metrics, Reporter, Row, RunClock, training_row
from regard.training.signals import Broken, Signals
from regard.training.signals import Interrupted as Interrupted
from regard.training.starting import begin, place_of
from regard.training.stopping import Order, better, count_left, few, make_schedule, over, say_ending, timely, total_updates
from regard.training.update import Feed, Updater
from regard.training.validation import Validation as Validation

LOSS = frozenset({"loss"})
ALONE = Ranks()
STRIKES = 10  # updates in a row that are not finite, before training gives up


@dataclass(frozen=True)
class Outcome:
    """How a run ended.  `best`: the figures of the model that was kept, of step `best_step`; `stopped`: updates, epochs, minutes or
    patience."""

    best: dict[str, float | None]
    best_step: int
    step: int
    epoch: int
    stopped: str


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
    lower: Container[str] = LOSS,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Trains `network` in the run folder, and leaves it in use (`eval`), on the CPU, with the best weights, those of RUN/model.safetensors.

    `fingerprint`: what must be the same when the run goes on, by name, in what JSON holds.  `lower`: the figures of which less is better.
    `ranks`: the processes of the training, all of which call this; the first alone writes, and has the best weights in the end.
    Seeds PyTorch's random numbers.
    Errors: RunFolderError where the folder holds another run, or one that is damaged; RegardError where the numbers or the disk give out;
    Interrupted, after a checkpoint, on SIGINT and SIGTERM.
    """
    checkpoints = Checkpoints(folder, fingerprint=fingerprint)
    if ranks.first:
        checkpoints.start(resume=resume)
    device = place_of(find_device(settings.device, "train.device"), ranks)
    if settings.device != "cpu":
        say(f"trained on {describe_device(device)}")
    torch.manual_seed(settings.seed)
    optimizer = make_optimizer(network.to(device), settings)
    progress = begin(network, optimizer, settings, checkpoints, device, ranks, say, resume=resume)
    total = total_updates(batches, settings)
    if not resume and (note := few(total, settings, cut=isinstance(batches, Batches))):
        say(note)
    reporter = Reporter(Metrics(folder / METRICS, rows=progress.rows, log=settings.log if ranks.first else ()), say, total=total)
    try:
        with exactly(checkpoints.arithmetic.threads, device), Signals() as signals:
            trainer = Trainer(network, optimizer, settings, checkpoints, reporter, signals, progress, lower, device, ranks)
            outcome = trainer.run(loss, batch, batches, validate)
            reporter.say(say_ending(outcome.stopped, settings))
    finally:
        reporter.close()
    network.to(CPU)
    if ranks.first:
        load_network(network, folder / MODEL)
    network.eval()
    return outcome


def anneal(network: nn.Module, done: float) -> None:
    """Tells what changes while a net is trained how much of the training is done.  It depends on the step alone, and on the time where
    that is limited, so that a run that goes on is as warm as the one that never stopped."""
    for part in network.modules():
        if isinstance(part, Annealed):
            part.anneal(done)


def broke_down(at: int) -> str:
    """What to tell of a training whose losses are no numbers.  at: the update."""
    do = "Train again with a lower train.learning_rate, a longer train.warmup, train.clip: 1.0 or train.precision: float32."
    return message(f"training broke down at step {at}", "finite losses and gradients", f"{STRIKES} updates in a row without", do)


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
        lower: Container[str],
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        self.network, self.optimizer, self.settings, self.lower = network, optimizer, settings, lower
        self.device, self.ranks, self.heard = device, ranks, 0  # and the signal that all ranks know of
        self.checkpoints, self.reporter, self.signals, self.progress = checkpoints, reporter, signals, progress
        self.planned = reporter.total  # what schedules go by; `reporter.total` is corrected as epochs turn out longer or shorter
        self.schedule, self.rate = make_schedule(settings, self.planned), 0.0  # and the rate of the last update
        precision = getattr(torch, checkpoints.arithmetic.precision or "float32")
        self.updater = Updater(network, optimizer, settings, ranks, device, precision)
        self.clock = RunClock(progress.seconds, most=settings.minutes and 60 * settings.minutes)
        self.now = self.clock.seconds()  # what is decided by the time goes by this, which all ranks have alike

    def run(
        self,
        loss: Callable[[Batch], Loss],
        batch: Callable[[list[int]], Batch],
        batches: Order,
        validate: Callable[[], Validation],
    ) -> Outcome:
        """Trains to the end.  Errors: as `fit`."""
        p, every, accumulate = self.progress, self.settings.checkpoint_every, self.settings.accumulate
        epoch, order, feed = -1, cast(Sequence[list[int]], ()), Feed(batch, self.device)
        self.network.train()
        self._look_at_clock()
        due = self._due()
        while True:
            if self.heard or (self.signals.heard and self.ranks.count == 1):
                self._stop(pending=due)
            if due:
                self._validate(validate)
            if p.stopped:
                return Outcome(p.best, p.best_step, p.step, p.epoch, p.stopped)
            if epoch != p.epoch:
                epoch, order = p.epoch, batches.epoch(p.epoch)
            parts = order[p.consumed : p.consumed + accumulate]
            self._update(loss, feed, parts, order[p.consumed + accumulate : p.consumed + accumulate + 1])
            p.consumed += len(parts)
            if p.consumed == len(order):
                p.epoch, p.consumed = p.epoch + 1, 0
            self.reporter.total = p.step + count_left(p, self.settings, len(order), self.planned)
            self._look_at_clock()
            self._report()
            if self.clock.updates == TIMED:
                self.reporter.lasts(self.clock.lasts(self.reporter.total - p.step))
            due = self._due()
            if every and p.step % every == 0 and not due:
                self._save()

    def _update(self, loss: Callable[[Batch], Loss], feed: Feed, parts: Sequence[list[int]], ahead: Sequence[list[int]]) -> None:
        p, begun = self.progress, time.perf_counter()
        gone = self.clock.gone(self.now)
        anneal(self.network, max(p.step / max(1, self.planned), gone))
        self.rate = self.schedule.rate(p.step + 1, p.standing, gone)
        made = self.updater.make(loss, feed, parts, step_number=p.step, rate=self.rate, heard=self.signals.heard, ahead=ahead)
        self.heard = made.heard
        p.step, p.tokens = p.step + 1, p.tokens + made.tokens
        self.clock.worked(time.perf_counter() - begun, made.tokens)
        if made.finite:
            p.strikes, p.nats, p.nats_tokens = 0, p.nats + made.nats, p.nats_tokens + made.tokens
            return
        p.strikes, p.skipped = p.strikes + 1, p.skipped + 1
        if p.strikes == STRIKES:
            raise RegardError(broke_down(p.step))

    def _look_at_clock(self) -> None:
        seconds = self.clock.seconds()
        self.now = seconds if self.clock.most is None else self.ranks.agree(seconds)

    def _over(self) -> str:
        return over(self.progress, self.settings, self.now)

    def _due(self) -> bool:
        timed = timely(self.now, self.clock.validated, self.clock.cost, self.clock.most)
        return self.progress.validated != self.progress.step and (timed or self._scheduled())

    def _scheduled(self) -> bool:
        """Whether a validation is due that patience counts."""
        p, every = self.progress, self.settings.validate_every
        return bool(self._over()) or (p.step % every == 0 if every else p.consumed == 0)

    def _validate(self, validate: Callable[[], Validation]) -> None:
        p, average, metric = self.progress, self.settings.average, self.settings.metric
        begun, scheduled = self.now, self._scheduled()
        snapshots = [*p.snapshots, p.step][-average:] if average > 1 else []
        if snapshots and self.ranks.first:
            save_network(self.network, self.checkpoints.snapshot(p.step))
        try:
            with average_weights(self.network, self.checkpoints, snapshots, self.ranks):
                found = judge(self.network, validate, self.ranks, self.signals)
                if metric not in found.metrics:
                    do = f"Set train.metric to one of them.{did_you_mean(metric, found.metrics)}"
                    raise ConfigError(message("train.metric", f"one of {', '.join(found.metrics)}", metric, do))
                gained = not p.best_step or better(found.metrics[metric], p.best[metric], lower=metric in self.lower)
                # Equal figures, such as 0 % right in the first validations, are told apart by the loss.
                tied = not gained and found.metrics[metric] == p.best[metric]
                kept = gained or (tied and better(found.metrics.get("loss"), p.best.get("loss"), lower=True))
                if kept and self.ranks.first:
                    save_network(self.network, self.checkpoints.best(p.step))
        except Broken:
            self._stop(pending=True)
        figures = {k: v if math.isfinite(v) else None for k, v in found.metrics.items()}
        if kept:
            p.best, p.best_step = figures, p.step
        self._look_at_clock()
        p.validated, p.snapshots, p.waited = p.step, snapshots, 0 if kept else p.waited + scheduled
        p.standing = self.schedule.judged(p.standing, kept) if kept or scheduled else p.standing
        patience = self.settings.patience
        p.stopped = self._over() or ("patience" if patience and p.waited >= patience else "")
        row: Row = {"kind": "valid", "step": p.step, "epoch": p.current_epoch, **figures, "best": kept}
        self.clock.judged(begun, self.now)
        self.reporter.validation(row | self.clock.measured(self.reporter.total - p.step), found.metrics, metric, found.samples)
        self._save()

    def _save(self, *, pending: bool = False) -> None:
        if not self.ranks.first:
            return
        self.reporter.metrics.sync()
        self.progress.rows, self.progress.seconds = self.reporter.metrics.rows, self.clock.seconds()
        self.checkpoints.save(self.network, self.optimizer, self.progress, pending=pending)

    def _stop(self, *, pending: bool) -> None:
        self._save(pending=pending)
        raise Interrupted(
            self.heard or self.signals.heard, f"stopped at step {self.progress.step}, with a checkpoint. Go on with --resume."
        )

    def _report(self) -> None:
        p = self.progress
        if p.step % self.settings.report_every == 0 or self._over():
            self.reporter.report(self._row())
            p.nats, p.nats_tokens = 0.0, 0
            self.clock.reported()
        else:
            self.reporter.progress(self._row, p.step)

    def _row(self) -> Row:
        return training_row(self.progress, self.rate) | self.clock.measured(self.reporter.total - self.progress.step)
