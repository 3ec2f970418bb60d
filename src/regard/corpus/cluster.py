"""Parts answered by other processes, by Dask: of this machine, started here, or of a cluster that is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

from regard.core.errors import RegardError, UsageError, message
from regard.core.say import Say
from regard.corpus.answering import CorpusJob, DonePart, answer_elsewhere
from regard.corpus.input_parts import CorpusPart

ALONE = "127.0.0.1"  # where processes of this machine meet; nobody else can come there
LOOK = 1.0  # seconds between two looks at the workers
REACH = 5  # seconds that a scheduler has to answer
ABSENT = 120  # seconds that there may be no worker
COME = 60  # seconds that workers of a cluster have to be there
DEATHS = 30  # workers that a part may cost before it is held to be at fault
AHEAD = 2  # parts for each worker that are read and sent before they are needed


@dataclass(frozen=True)
class DaskWorkers:
    """count: how many processes, or with a scheduler how many of its workers are waited for.  threads: of each of those started here."""

    count: int
    scheduler: str | None
    threads: int


@dataclass(frozen=True)
class Refused:
    """What a worker could not do, in words: an exception of another process has lost its kind."""

    exit_code: int
    told: str


def answer_by_workers(job: CorpusJob, parts: Iterable[CorpusPart], workers: DaskWorkers, say: Say) -> Iterator[DonePart]:
    """The parts as they are done, in whatever order; `AHEAD` of them for each worker lie in memory.

    A part whose worker ends before it is done is given to another.  RegardError for what a worker could not do, with the exit code that it
    would have had; where no worker comes; where a part ends worker after worker.
    """
    with _connected(workers) as (client, refill):
        waiting, pending, watch = _Readable(parts), dict[Any, CorpusPart](), _Watch(client, refill, say)
        while True:
            room = max(0, AHEAD * max(workers.count, watch.count) - len(pending))
            for part in islice(waiting, room):
                pending[client.submit(_answer, job, part, key=f"{job.name}-{part.number}", pure=False)] = part
            if not pending:
                break
            for future in _finished(list(pending), watch):
                yield _result(future, pending.pop(future))
                future.release()
        if waiting.fault:
            raise waiting.fault


class _Readable:
    """Parts up to where the corpus cannot be read any more: those before are answered first.  fault: what was found there."""

    def __init__(self, parts: Iterable[CorpusPart]) -> None:
        self._each = iter(parts)
        self.fault: RegardError | None = None

    def __iter__(self) -> Iterator[CorpusPart]:
        return self

    def __next__(self) -> CorpusPart:
        try:
            return next(self._each)
        except RegardError as error:
            self.fault = error
            raise StopIteration from error


def _answer(job: CorpusJob, part: CorpusPart) -> DonePart | Refused:
    """Done by a worker."""
    from distributed import get_worker

    try:
        return answer_elsewhere(job, part)
    except RegardError as error:
        return Refused(error.exit_code, f"worker {get_worker().address}, {job.format.name(part.number)}: {error}")


def _result(future: Any, part: CorpusPart) -> DonePart:
    from distributed import KilledWorker

    rows = f"rows {part.first:,} to {part.last:,} of the corpus, of {part.file}"
    try:
        found: DonePart | Refused = future.result()
    except KilledWorker as error:
        do = "Look for a row that takes too much memory, or take fewer --workers; then start again to go on."
        raise RegardError(message(rows, "workers that live", f"{error.allowed_failures + 1} that ended over them", do)) from error
    except ImportError as error:
        do = "Install this version of Regard there, with what the run needs."
        raise RegardError(message("a worker", "to have Regard", str(error), do)) from error
    if isinstance(found, Refused):
        refused = RegardError(found.told)
        refused.exit_code = found.exit_code
        raise refused
    return found


def _finished(pending: list[Any], watch: _Watch) -> list[Any]:
    """Those that are, one at least."""
    from distributed import CancelledError, wait

    while True:
        try:
            watch.look()
            return list(wait(pending, timeout=LOOK, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            continue
        except (CancelledError, OSError) as error:
            do = "Start the same command again: it goes on with what is missing."
            raise RegardError(message("the scheduler", "to be there to the end", "no answer any more", do)) from error


class _Watch:
    """Tells of workers that go, and lets others come in their place.  RegardError where none is there for long."""

    def __init__(self, client: Any, refill: Callable[[], None], say: Say) -> None:
        self._client, self._refill, self._say = client, refill, say
        self._known, self._seen, self._looked = set(client.nthreads()), time.monotonic(), 0.0

    @property
    def count(self) -> int:
        return len(self._known)

    def look(self) -> None:
        if (now := time.monotonic()) < self._looked + LOOK:
            return
        self._refill()
        there, self._looked = set(self._client.nthreads()), now
        for gone in sorted(self._known - there):
            self._say(f"worker {gone} has ended; its part is answered again.")
        self._known, self._seen = there, now if there else self._seen
        if now > self._seen + ABSENT:
            do = "Start the same command again, with fewer --workers where memory is short: it goes on with what is missing."
            raise RegardError(message("the workers", "one at least", f"none for {ABSENT} seconds", do))


@contextmanager
def _connected(workers: DaskWorkers) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A client, and what starts workers in the place of those that have gone for good."""
    if workers.scheduler is None:
        with _started(workers) as found:
            yield found
        return
    distributed = _dask()
    try:
        client = distributed.Client(workers.scheduler, timeout=REACH)
    except (OSError, ValueError, TimeoutError) as error:
        received = (str(error).splitlines() or ["no answer"])[0][:200]
        do = "Start one with `dask scheduler`, and name the address that it tells."
        raise UsageError(message(f"--scheduler {workers.scheduler}", "the address of a Dask scheduler", received, do)) from error
    with client:
        try:
            client.wait_for_workers(workers.count, timeout=COME)
        except TimeoutError as error:
            do = "Start them with `dask worker ADDRESS --nthreads 1`, or ask for fewer --workers."
            received = f"{len(client.nthreads())} after {COME} seconds"
            raise RegardError(message(workers.scheduler, f"{workers.count} workers", received, do)) from error
        yield client, lambda: None


@contextmanager
def _started(workers: DaskWorkers) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Processes of this machine, which end with this one.  No other machine reaches them, and there is no page of them."""
    distributed = _dask()
    import dask

    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    settings = {
        "distributed.nanny.pre-spawn-environ": {name: workers.threads for name in names},
        "distributed.scheduler.allowed-failures": DEATHS,
        # Else the last 1,000 messages to each worker are kept for debugging, with all the rows that were in them.
        "distributed.admin.low-level-log-length": 0,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with (
        TemporaryDirectory(prefix="regard-") as scratch,
        dask.config.set(settings),
        _silence("tornado.application"),  # where a worker is told of that was killed before it was there
        distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            host=ALONE,
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{ALONE}:0"},
            memory_limit=None,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client, lambda: _refill(cluster, workers.count)


def _refill(cluster: Any, count: int) -> None:
    """Dask starts a worker again that is killed, but not one that is killed while it is being started."""

    def bury() -> None:
        for name, worker in list(cluster.workers.items()):
            if worker.status.name in ("failed", "closed"):
                del cluster.workers[name]

    cluster.loop.add_callback(bury)
    cluster.scale(count)


@contextmanager
def _silence(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        do = "pip install -e '.[scale]', or leave --workers out: one process then does all of it."
        raise UsageError(message("--workers", "Dask (distributed)", "no such package", do)) from error
    return distributed
