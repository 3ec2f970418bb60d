"""What a training run says: a bar on a terminal, plain lines elsewhere, and a row of `metrics.jsonl` for each report and validation."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TextIO

from regard.core.atomic_files import explain_error, write_bytes
from regard.core.plural import many
from regard.training.event_files import FOLDER, EventFiles
from regard.training.number_text import clock, number
from regard.training.progress import Progress

# The fields of a row that tell of the machine and its clock: two runs of one config agree in all others.
MEASURED = ("seconds", "tokens_per_second", "eta_seconds", "memory_mb", "peak_memory_mb")

Row = dict[str, str | int | float | bool | None]


def memory() -> tuple[float | None, float | None]:
    """The memory that this process holds, and the most that it held, in MB (10^6 bytes); None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None, None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # no Linux
        return None, peak
    held = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return held, max(held, peak)  # the kernel brings the peak up to date only now and then


FIRST = 3  # updates of a session that tell nothing of the others: loops are compiled in them, and memory is taken
TIMED = 20  # updates after which is said how long the whole takes


class RunClock:
    """The time of a run.  `before`: the seconds of the sessions before this one.  `most`: the seconds it may take in all; None: as many as
    it needs."""

    def __init__(self, before: float, most: float | None = None) -> None:
        self.before, self.begun, self.most = before, time.monotonic(), most
        self.updates, self.work, self.tokens = 0, 0.0, 0  # of this session; of updates since the last report, less validations
        self.settled = self.begun  # when the first updates were over
        self.took = deque[float](maxlen=TIMED - FIRST)  # seconds of the others
        self.validated = before  # when the last validation was over
        self.cost: float | None = None  # how long it took; None before the first

    def seconds(self) -> float:
        """All sessions together."""
        return self.before + time.monotonic() - self.begun

    def gone(self, now: float | None = None) -> float:
        """The share of the time limit that is over; 0 without one.  now: seconds of the run, where it was said what they are."""
        return 0.0 if self.most is None else min(1.0, (self.seconds() if now is None else now) / self.most)

    def eta(self, left: int) -> float | None:
        """Seconds that `left` updates will take, with validations, if they go on as those of this session went but for the first ones;
        None where there are only those."""
        after = self.updates - FIRST
        return self._within(left, (time.monotonic() - self.settled) / after) if after > 0 else None if left > 0 else 0.0

    def lasts(self, left: int) -> float | None:
        """As `eta`, without validations, and by the middle one of the last updates: one that had to wait for others changes nothing."""
        return self._within(left, median(self.took)) if self.took else None

    def _within(self, left: int, each: float) -> float:
        found = max(0, left) * each
        return found if self.most is None else max(0.0, min(found, self.most - self.seconds()))

    def worked(self, seconds: float, tokens: int) -> None:
        """An update was made, of so many target tokens."""
        self.updates, self.work, self.tokens = self.updates + 1, self.work + seconds, self.tokens + tokens
        if self.updates <= FIRST:
            self.settled = time.monotonic()
        else:
            self.took.append(seconds)

    def judged(self, begun: float, now: float) -> None:
        """A validation was made, which began and ended at so many seconds of the run."""
        self.validated, self.cost = now, now - begun

    def reported(self) -> None:
        """The speed is measured anew from here."""
        self.work, self.tokens = 0.0, 0

    def measured(self, left: int) -> Row:
        """The fields of a row that are `MEASURED`, with `left` updates to come."""
        (held, peak), eta = memory(), self.eta(left)
        return {
            "seconds": round(self.seconds(), 3),
            "tokens_per_second": round(self.tokens / self.work, 1) if self.work else None,
            "eta_seconds": None if eta is None else round(eta, 1),
            "memory_mb": held and round(held, 1),
            "peak_memory_mb": peak and round(peak, 1),
        }


class Metrics:
    """`metrics.jsonl`, one JSON object a line; what is not finite is null.  Opening cuts it back to its first `rows` lines.

    log: where else the rows go, as `train.log` says.
    """

    def __init__(self, path: Path, *, rows: int, log: Sequence[str] = ()) -> None:
        kept = []
        if rows and path.exists():
            with path.open("rb") as file:
                kept = list(islice(file, rows))
            write_bytes(path, b"".join(kept))
        self.path, self.rows = path, len(kept)
        with explain_error(path):
            # Without a buffer: what a full disk refuses must not be tried again at the end.
            self.file = path.open("ab" if kept else "wb", buffering=0)
        self.events = EventFiles(path.parent / FOLDER, [json.loads(line) for line in kept]) if FOLDER in log else None

    def add(self, row: Mapping[str, str | int | float | bool | None]) -> None:
        """Writes a row, for everyone to see at once.  Errors: RegardError where the disk is full."""
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        with explain_error(self.path):
            rest = json.dumps(finite, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            while rest:
                rest = rest[self.file.write(rest) :]
        self.rows += 1
        if self.events is not None:
            self.events.add(finite)

    def sync(self) -> None:
        """Brings what was written to the disk."""
        with explain_error(self.path):
            os.fsync(self.file.fileno())
        if self.events is not None:
            self.events.sync()

    def close(self) -> None:
        self.file.close()
        if self.events is not None:
            self.events.close()


def silent(line: str) -> None:
    """What hears of a run that is to say nothing: it draws no bar either."""


class Bar:
    """The last line of a terminal, drawn again and again; nothing at all where it is not wanted, or `stream` is no terminal."""

    WIDTH = 24

    def __init__(self, stream: TextIO, *, wanted: bool) -> None:
        self.stream, self.shown, self.drawn = stream, wanted and stream.isatty(), -math.inf

    def draw(self, share: float, text: Callable[[], str]) -> None:
        """A bar filled to `share`, with a text behind; at most ten times a second."""
        if not self.shown or time.monotonic() - self.drawn < 0.1:
            return
        self.drawn = time.monotonic()
        full = round(self.WIDTH * share)
        line = f"{'#' * full}{'.' * (self.WIDTH - full)} {text()}"
        self.stream.write("\r" + line[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Takes the bar away, so that a line can be written where it was."""
        if self.shown and self.drawn > -math.inf:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.drawn = -math.inf


def training_row(progress: Progress, rate: float) -> Row:
    """The row of a report of training, less what is measured: the loss since the last report, in nats a token."""
    loss = progress.nats / progress.nats_tokens if progress.nats_tokens else math.nan
    return {
        "kind": "train",
        "step": progress.step,
        "epoch": progress.current_epoch,
        "loss": loss,
        "perplexity": math.exp(min(loss, 700)),
        "learning_rate": rate,
        "tokens": progress.tokens,
        "skipped": progress.skipped,
    }


def sentence(row: Mapping[str, str | int | float | bool | None], *, total: int) -> str:
    """The row of a report as a line for people."""
    parts = [f"step {row['step']}/{total}", f"epoch {row['epoch']}"]
    parts += [f"loss {number(row['loss'])}", f"ppl {number(row['perplexity'])}", f"lr {number(row['learning_rate'])}"]
    parts += [f"{number(row['tokens_per_second'], 0)} tokens/s", f"ETA {clock(row['eta_seconds'])}"]
    parts += [f"memory {number(row['memory_mb'], 0)} MB (peak {number(row['peak_memory_mb'], 0)})"]
    if row["skipped"]:
        parts.append(f"{many(int(row['skipped']), 'update')} skipped, not finite")
    return "  ".join(parts)


def judgement(row: Mapping[str, str | int | float | bool | None], metrics: Mapping[str, float], metric: str) -> str:
    """The row of a validation as a line for people."""
    figures = "  ".join(f"{name} {number(value)}" for name, value in metrics.items())
    mark = f"  (best {metric} so far)" if row["best"] else ""
    return f"step {row['step']}  epoch {row['epoch']}  validation: {figures}{mark}"


def say_duration(seconds: float) -> str:
    """A time as one says it: "40 seconds", "2 minutes", "1.5 hours"."""
    for unit, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.2g} {name}"
    return many(round(seconds), "second")


class Reporter:
    """Everything that a run says, by whatever way it can be said.  `total`: the updates of the whole run, as far as they are known."""

    LONG = 20  # seconds: what is over sooner need not be announced

    def __init__(self, metrics: Metrics, say: Callable[[str], None], *, total: int, stream: TextIO | None = None) -> None:
        self.metrics, self.total, self._say = metrics, total, say
        self.bar = Bar(stream or sys.stderr, wanted=say is not silent)

    def report(self, row: Row) -> None:
        """A row of training: written down, and said where there is no bar to show it."""
        self.metrics.add(row)
        if not self.bar.shown:
            self._say(sentence(row, total=self.total))

    def validation(self, row: Row, metrics: Mapping[str, float], metric: str, samples: Sequence[str]) -> None:
        """A row of validation, with sample predictions."""
        self.metrics.add(row)
        self.say(judgement(row, metrics, metric))
        for line in samples:
            self.say("  " + line)

    def progress(self, row: Callable[[], Row], step: int) -> None:
        """Draws the bar, if it is time."""
        self.bar.draw(step / self.total, lambda: sentence(row(), total=self.total))

    def lasts(self, seconds: float | None) -> None:
        """How long the run will be, once it can be known."""
        if seconds is not None and seconds >= self.LONG:
            self.say(f"about {say_duration(seconds)} on this machine, as its first updates went; validations come on top")

    def say(self, line: str) -> None:
        """A line by itself."""
        self.bar.clear()
        self._say(line)

    def close(self) -> None:
        self.bar.clear()
        self.metrics.close()
