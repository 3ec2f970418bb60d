"""The course of a training: how long it may be, when it is over, and what is said of its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from regard.config.schema import TrainSection
from regard.core.plural import many
from regard.training.progress import Progress
from regard.training.schedule import Constant, InverseSqrt, LinearDecay, Plateau, Schedule

TENTH = 0.1  # of a time limit, after which it asks for a validation
SPARED = 4  # times as long as a validation takes is trained before it asks again
UNKNOWN = 60.0  # seconds that a first validation may take
LATEST = 2 / 3  # of a time limit: from here on the first is made, however long it may take
FEW, SMALLEST = 300, 50  # updates in all that teach a net little; the smallest batch that is recommended, in tokens


class Order(Protocol):
    """Which rows go together, epoch by epoch: a pure function of the epoch."""

    def epoch(self, epoch: int) -> Sequence[list[int]]: ...


def make_schedule(settings: TrainSection, updates: int) -> Schedule:
    """The schedule that the settings name.  updates: of the whole training, if nothing stops it before."""
    if settings.schedule == "linear":
        return LinearDecay(settings.learning_rate, settings.warmup, updates)
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
    count = many(total, "update in all is", "updates in all are")
    return f"note: {count} few to learn from; little data wants small batches. Try {more}."


def better(value: float | None, best: float | None, *, lower: bool) -> bool:
    """Whether a figure is a gain; one that is not finite never is, unless there is no other.  lower: less of it is better."""
    if value is None or not math.isfinite(value):
        return False
    return best is None or (value < best if lower else value > best)


def count_left(progress: Progress, settings: TrainSection, batches: int, planned: int) -> int:
    """How many updates are to come, if nothing stops the run before.  batches: of the epoch that the last update was of; planned: the
    updates that were foreseen of the whole run.  Epochs differ by a batch or two, so it is exact in the last one and nearly so before."""
    rest, here = settings.epochs - progress.epoch, 0
    if progress.consumed:
        here, rest = math.ceil((batches - progress.consumed) / settings.accumulate), rest - 1
    found = here if rest <= 0 else max(planned - progress.step, here + rest)
    return found if settings.updates is None else max(0, min(found, settings.updates - progress.step))


def over(progress: Progress, settings: TrainSection, seconds: float) -> str:
    """Why there is no further update: updates | epochs | minutes; "" while there is one.  seconds: of training, all sessions together."""
    if settings.updates and progress.step >= settings.updates:
        return "updates"
    if progress.epoch >= settings.epochs:
        return "epochs"
    return "minutes" if settings.minutes and seconds >= 60 * settings.minutes else ""


def timely(now: float, since: float, cost: float | None, most: float | None) -> bool:
    """Whether a time limit asks for a validation that no count of updates does, so that more is kept than the weights of the end, and
    none of those that are averaged are of the beginning.

    now, since, most: seconds of the run at present, at the end of the validation before (or at the start) and at the limit; cost: what
    the validation before took, None where this session made none.
    """
    if most is None or now + (cost or 0.0) >= most:
        return False
    if cost is None:
        cost = UNKNOWN if now < LATEST * most else 0.0
    return now - since >= max(TENTH * most, SPARED * cost)


def say_ending(stopped: str, settings: TrainSection) -> str:
    """A line on why a run ended, with the key that said so."""
    reasons = {
        "updates": many(settings.updates or 0, "update"),
        "epochs": many(settings.epochs, "epoch"),
        "minutes": "1 minute" if settings.minutes == 1 else f"{settings.minutes or 0:g} minutes",
        "patience": f"{many(settings.patience or 0, 'validation')} without a gain",
    }
    return f"stopped: {reasons.get(stopped, stopped)} (train.{stopped})"
