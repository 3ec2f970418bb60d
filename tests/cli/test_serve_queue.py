"""Requests that share batches: how items are counted, who waits for whom, and whom a fault concerns."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

NEEDED = "needs the extra `serve`: pip install '.[serve]' in the checkout"
pytest.importorskip("prometheus_client", reason=NEEDED)

from regard.core.errors import DataError  # noqa: E402
from regard.serve.batch_queue import BatchQueue  # noqa: E402
from regard.serve.limits import ServerLimits  # noqa: E402
from regard.serve.metrics import ServerMetrics  # noqa: E402
from regard.serve.problems import HTTPProblem  # noqa: E402

LATER = 60.0


@dataclass(frozen=True)
class Echo:
    """Answers with what it was asked, notes each batch, and works as long as its gate is closed.  wide: hypotheses of an item."""

    name: str
    batches: list[tuple[str, list[Any]]]
    gate: threading.Event
    wide: int = 1

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Echo) and self.name == other.name

    def width(self) -> int:
        return self.wide

    def answer(self, items: Sequence[Any]) -> list[bytes]:
        if bad := [item for item in items if item < 0]:
            raise DataError(f"{bad[0]} is none")
        self.batches.append((self.name, list(items)))
        assert self.gate.wait(LATER)
        return [str(item).encode() for item in items]


class Room:
    """A queue in use, and keys that tell what was asked of them."""

    def __init__(self, **limits: int) -> None:
        self.queue = BatchQueue(ServerLimits(**{"texts": 4, "queue": 64, "batch": 8, "wait": 0} | limits), ServerMetrics())
        self.batches: list[tuple[str, list[Any]]] = []
        self.gate = threading.Event()
        self.gate.set()

    def key(self, name: str = "a", wide: int = 1) -> Echo:
        return Echo(name, self.batches, self.gate, wide)

    def ask(self, *items: int, key: Echo | None = None, seconds: float = LATER) -> asyncio.Task[list[bytes]]:
        return asyncio.create_task(self.queue.ask(key or self.key(), items, time.monotonic() + seconds))

    async def begun(self, count: int) -> None:
        while len(self.batches) < count:
            await asyncio.sleep(0.001)

    def run(self, scene: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
        async def play() -> None:
            runner = asyncio.create_task(self.queue.run())
            try:
                await asyncio.wait_for(scene(self), LATER)
            finally:
                self.gate.set()
                runner.cancel()
                self.queue.close()

        asyncio.run(play())


def test_items_of_many_requests_make_a_batch_and_each_has_its_own():
    async def scene(room: Room) -> None:
        room.gate.clear()
        first = room.ask(0)
        await room.begun(1)
        others = [room.ask(10 * n, 10 * n + 1) for n in range(1, 6)]
        await asyncio.sleep(0)
        room.gate.set()
        assert await first == [b"0"]
        assert [await other for other in others] == [[b"%d" % (10 * n), b"%d" % (10 * n + 1)] for n in range(1, 6)]
        assert [len(items) for _, items in room.batches] == [1, 8, 2]  # items are counted, not requests

    Room().run(scene)


def test_hypotheses_are_counted_and_options_kept_apart():
    async def scene(room: Room) -> None:
        room.gate.clear()
        first = room.ask(0)
        await room.begun(1)
        wide = [room.ask(n, key=room.key("wide", 3)) for n in (1, 2, 3)]
        plain = [room.ask(n, key=room.key("plain")) for n in (4, 5)]
        await asyncio.sleep(0)
        room.gate.set()
        await asyncio.gather(first, *wide, *plain)
        assert room.batches[1:] == [("wide", [1, 2]), ("wide", [3]), ("plain", [4, 5])]

    Room().run(scene)


def test_an_item_at_fault_fails_its_own_request_only():
    async def scene(room: Room) -> None:
        room.gate.clear()
        first = room.ask(0)
        await room.begun(1)
        asked = [room.ask(1), room.ask(2, -3), room.ask(4), room.ask(5, 6), room.ask(-7)]
        await asyncio.sleep(0)
        room.gate.set()
        found = await asyncio.gather(first, *asked, return_exceptions=True)
        assert found[:2] + found[3:5] == [[b"0"], [b"1"], [b"4"], [b"5", b"6"]]
        assert [str(found[2]), str(found[5])] == ["-3 is none", "-7 is none"]

    Room().run(scene)


def test_a_full_queue_is_told_at_once():
    async def scene(room: Room) -> None:
        room.gate.clear()
        tasks = [room.ask(0)]
        await room.begun(1)
        tasks += [room.ask(n) for n in range(1, 5)]
        await asyncio.sleep(0)
        with pytest.raises(HTTPProblem, match=r"the queue: expected at most 4 texts \(limit `queue`\); received 1 more") as told:
            await room.ask(5)
        assert told.value.status == 503 and told.value.retry >= 1 and told.value.limit == ("queue", 4)
        room.gate.set()
        assert await asyncio.gather(*tasks) == [[b"%d" % n] for n in range(5)]

    Room(queue=4).run(scene)


def test_what_is_due_or_was_left_is_not_begun():
    async def scene(room: Room) -> None:
        room.gate.clear()
        first = room.ask(0)
        await room.begun(1)
        late, gone, there = room.ask(1, seconds=0.05), room.ask(2), room.ask(3)
        with pytest.raises(HTTPProblem, match="limit `seconds`") as told:
            await late
        assert told.value.status == 503
        gone.cancel()
        await asyncio.sleep(0)
        assert room.queue.waiting == 1  # who left no longer takes room
        room.gate.set()
        assert [await first, await there] == [[b"0"], [b"3"]]
        assert room.batches == [("a", [0]), ("a", [3])]

    Room().run(scene)


def test_the_work_of_a_late_request_does_not_hold_its_answer():
    async def scene(room: Room) -> None:
        room.gate.clear()
        begun = time.monotonic()
        with pytest.raises(HTTPProblem, match="limit `seconds`"):
            await room.ask(1, seconds=0.1)
        assert time.monotonic() - begun < LATER / 2
        room.gate.set()
        assert await room.ask(2) == [b"2"]

    Room().run(scene)


def test_nobody_waits_alone_and_company_is_waited_for():
    async def scene(room: Room) -> None:
        begun = time.monotonic()
        for n in range(3):
            assert await room.ask(n) == [b"%d" % n]
        assert time.monotonic() - begun < 4.0  # `wait` is five seconds
        room.gate.clear()
        first = room.ask(0)
        await room.begun(4)
        others = [room.ask(1), room.ask(2)]
        await asyncio.sleep(0)
        room.gate.set()
        await asyncio.gather(first, *others)
        again = room.ask(3)
        await asyncio.sleep(0.1)
        assert len(room.batches) == 5  # it waits for the other, who was there a moment ago
        await asyncio.gather(again, room.ask(4))
        assert room.batches[-1] == ("a", [3, 4])

    Room(wait=5000).run(scene)
