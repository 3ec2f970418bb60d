"""Requests that wait for the model share its batches: items are counted, not requests, and each answer is that of the item alone."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from regard.core.errors import message
from regard.serve.limits import ServerLimits
from regard.serve.metrics import ServerMetrics
from regard.serve.problems import HTTPProblem

LATELY = 10  # times the wait: others who were answered so lately are likely to ask again at once


class SharedKey(Hashable, Protocol):
    """What items of a batch have in common, and what answers them."""

    def width(self) -> int: ...

    def answer(self, items: Sequence[object]) -> list[bytes]: ...


class BatchJob:
    """The items of one request.  due: when its answer is of no use any more, on the clock of `time.monotonic`."""

    def __init__(self, key: SharedKey, items: Sequence[object], due: float) -> None:
        self.key, self.items, self.due = key, items, due
        self.taken, self.answers = 0, dict[int, bytes]()
        self.answered: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()

    @property
    def waiting(self) -> int:
        """Items that no batch has taken."""
        return len(self.items) - self.taken

    def put(self, place: int, answer: bytes | Exception) -> None:
        """The answer to an item; an error is that of the whole request."""
        if self.answered.done():
            return
        if isinstance(answer, Exception):
            self.answered.set_exception(answer)
            return
        self.answers[place] = answer
        if len(self.answers) == len(self.items):
            self.answered.set_result([self.answers[i] for i in range(len(self.items))])


class BatchQueue:
    """Jobs in their order; one thread answers them, so that asyncio stays free for everything else."""

    def __init__(self, limits: ServerLimits, metrics: ServerMetrics) -> None:
        self.limits, self.metrics = limits, metrics
        self._jobs = deque[BatchJob]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._filled = asyncio.Event()
        self._company, self._rows, self._ended, self._pace = 0, 0, -math.inf, 0.0  # of the last batch; seconds an item

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return sum(job.waiting for job in self._jobs)

    async def ask(self, key: SharedKey, items: Sequence[object], due: float) -> list[bytes]:
        """The answer to each item, in order.  HTTPProblem where the queue is full or the time is up; else what the model raises.
        Cancelled, its items leave the queue."""
        waiting = self.waiting
        self.refuse_full(len(items))
        job = BatchJob(key, items, due)
        self._jobs.append(job)
        self._filled.set()
        self.metrics.waiting.set(waiting + len(items))
        try:
            async with asyncio.timeout(due - time.monotonic()):
                return await job.answered
        except TimeoutError:
            raise self._late(waiting) from None
        finally:
            job.answered.cancel()
            if job in self._jobs:
                self._jobs.remove(job)

    def refuse_full(self, more: int = 1) -> None:
        """HTTPProblem where there is no room for more items."""
        waiting = self.waiting
        if waiting + more > self.limits.queue:
            do = "Send it again after the seconds of Retry-After."
            expected, received = f"at most {self.limits.queue:,} texts (limit `queue`)", f"{more:,} more where {waiting:,} wait"
            sentence = message("the queue", expected, received, do)
            raise HTTPProblem(503, sentence, limit=("queue", self.limits.queue), retry=self._retry(waiting))

    async def run(self) -> None:
        """Answers batch after batch, until it is cancelled."""
        while True:
            self._filled.clear()
            if not self._jobs:
                await self._filled.wait()
            await self._gather()
            if rows := self._take():
                await self._answer(rows)

    def close(self) -> None:
        """Ends the thread, after what it has begun."""
        self._thread.shutdown(cancel_futures=True)

    async def _gather(self) -> None:
        """Waits for others where others are there: until as many items wait as the last batch had, or the time is up."""
        lately = time.monotonic() - self._ended < LATELY * self.limits.wait / 1000
        if not lately or self._company < 2:
            return
        until = time.monotonic() + self.limits.wait / 1000
        while self._jobs and self.waiting < self._rows and (left := until - time.monotonic()) > 0:
            self._filled.clear()
            try:
                async with asyncio.timeout(left):
                    await self._filled.wait()
            except TimeoutError:
                return

    def _take(self) -> list[tuple[BatchJob, int]]:
        """The items of the next batch, as (job, place): of the oldest job, and of others that have its key."""
        now, key, most, rows = time.monotonic(), None, 0, list[tuple[BatchJob, int]]()
        left = deque[BatchJob]()
        for job in self._jobs:
            if job.answered.done() or job.due <= now:  # whoever asked has gone, or is told that it took too long
                continue
            if key is None:
                key, most = job.key, max(1, self.limits.batch // max(1, job.key.width()))
            if job.key == key and (count := min(most - len(rows), job.waiting)) > 0:
                rows += [(job, place) for place in range(job.taken, job.taken + count)]
                job.taken += count
            if job.waiting:
                left.append(job)
        self._jobs = left
        return rows

    async def _answer(self, rows: list[tuple[BatchJob, int]]) -> None:
        items, key, begun = [job.items[place] for job, place in rows], rows[0][0].key, time.monotonic()
        told = await asyncio.get_running_loop().run_in_executor(self._thread, answer_each, key, items)
        self._company, self._rows = len({id(job) for job, _ in rows}), len(rows)
        self._ended = time.monotonic()
        self._pace = (self._ended - begun) / len(rows)
        self.metrics.note_batch(len(rows), self._ended - begun, self.waiting)
        for (job, place), answer in zip(rows, told, strict=True):
            job.put(place, answer)

    def _retry(self, waiting: int) -> int:
        """Seconds after which there may be room."""
        return min(self.limits.seconds, max(1, math.ceil(waiting * self._pace)))

    def _late(self, ahead: int) -> HTTPProblem:
        most = self.limits.seconds
        expected, received = (
            f"an answer within {most} seconds (limit `seconds`)",
            f"none by then; {ahead:,} texts waited before it",
        )
        sentence = message("the request", expected, received, "Send fewer texts, ask for less, or send it again later.")
        return HTTPProblem(503, sentence, limit=("seconds", most), retry=self._retry(self.waiting))


def answer_each(key: SharedKey, items: Sequence[object]) -> list[bytes | Exception]:
    """The answer to each item, or what is wrong with it: items at fault are looked for by halves, so that they fail alone."""
    try:
        return list(key.answer(items))
    except Exception as error:
        if len(items) == 1:
            return [error]
    half = len(items) // 2
    return [*answer_each(key, items[:half]), *answer_each(key, items[half:])]
