"""A server under load: how long answers take, how many there are, and whether each is that of its text asked for alone.

    python benchmarks/serving.py RUN TEXTS [--seconds 5] [--overload 60] [--soak 0] [--precision float32]

TEXTS has a text a line.  Clients and server share the machine.  Each client asks for one text at a time, on a connection that stays open,
and compares every answer with what `regard.load(RUN, batch_invariant=True)` says of the text alone.  batch=1 is the same server without
batches; overload: ten times as many clients as texts may wait.  CPU: of the server's process, a request.
Writes results/serving.csv and serving.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import tables

import regard
from regard.tasks.answer_json import of_hypothesis, of_source

SIDES = ((1, ""), (8, ""), (64, ""), (64, "batch=1"))  # clients, limits


@dataclass
class Outcome:
    """seconds: of each right answer, one list for each status; wrong: answers that are not those of the text alone."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    wrong: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def quantile(self, share: float, status: int = 200) -> float:
        """Milliseconds."""
        found = sorted(self.seconds.get(status, [0.0]))
        return 1000 * found[min(len(found) - 1, int(share * len(found)))]

    def count(self, status: int = 200) -> int:
        return len(self.seconds.get(status, []))


class Server:
    """`regard serve` in a process of its own."""

    def __init__(self, run: str, precision: str, limits: str) -> None:
        words = ["--limits", limits] if limits else []
        command = [sys.executable, "-m", "regard", "serve", f"run={run}", "--port", "0", "-q", "--precision", precision, *words]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        self.port = next(row["port"] for row in map(json.loads, self.process.stderr) if row["event"] == "ready")

    def cpu(self) -> float:
        """Seconds of its process."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident megabytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="utf-8") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


async def ask(port: int, texts: dict[str, object], turn: int, until: float, outcome: Outcome) -> None:
    """One client."""
    each, place = list(texts), turn
    reader: asyncio.StreamReader | None = None
    while time.monotonic() < until:
        text = each[place % len(each)]
        place += 7919
        body = json.dumps({"texts": [text]}).encode()
        try:
            if reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            begun = time.monotonic()
            head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            told = json.loads(await reader.readexactly(int(headers["content-length"])))
        except (OSError, asyncio.IncompleteReadError) as error:
            outcome.lost[type(error).__name__] += 1
            reader = None
            continue
        status = int(lines[0].split()[1])
        outcome.seconds.setdefault(status, []).append(time.monotonic() - begun)
        if status == 200:
            outcome.wrong += told["predictions"] != [texts[text]]
        elif "retry-after" in headers:
            await asyncio.sleep(0.1)  # a tenth of what it was told: an impatient client
    if reader is not None:
        writer.close()


def load(server: Server, texts: dict[str, object], clients: int, seconds: float) -> Outcome:
    """Clients that ask without a pause for so many seconds."""
    outcome, until = Outcome(), time.monotonic() + seconds

    async def all_of_them() -> None:
        await asyncio.gather(*(ask(server.port, texts, 31 * n, until, outcome) for n in range(clients)))

    asyncio.run(all_of_them())
    return outcome


def measure(server: Server, texts: dict[str, object], clients: int, seconds: float, what: str) -> list[object]:
    """A row of the table."""
    before, cpu, begun = server.memory(), server.cpu(), time.monotonic()
    found = load(server, texts, clients, seconds)
    taken, spent = time.monotonic() - begun, server.cpu() - cpu
    row = [
        what,
        clients,
        found.count(),
        f"{found.count() / taken:.0f}",
        f"{found.quantile(0.5):.1f}",
        f"{found.quantile(0.99):.1f}",
    ]
    row += [f"{1000 * spent / max(1, found.count()):.2f}", found.count(503), f"{found.quantile(0.99, 503):.0f}", found.wrong]
    row += [sum(found.lost.values()) + sum(map(len, found.seconds.values())) - found.count() - found.count(503)]
    row += [f"{before:.0f} to {server.memory():.0f}"]
    print(row, dict(found.lost), flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("texts")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--overload", type=float, default=60)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--precision", default="float32")
    asked = parser.parse_args()
    model = regard.load(asked.run, precision=asked.precision, batch_invariant=True)
    with open(asked.texts, encoding="utf-8") as file:
        lines = list(dict.fromkeys(file.read().splitlines()))[:300]
    alone = {text: next(iter(model.stream([text], attention=False))) for text in lines}
    texts = {text: json.loads(json.dumps([{**of_hypothesis(p), **of_source(p)} for p in best])) for text, best in alone.items()}
    rows = []
    for clients, limits in SIDES:
        server = Server(asked.run, asked.precision, limits)
        load(server, texts, 8, 1)
        rows.append(measure(server, texts, clients, asked.seconds, limits or "as it comes"))
        server.end()
    for what, seconds, clients, limits in (("overload", asked.overload, 640, "queue=64"), ("soak", asked.soak, 16, "")):
        if seconds:
            server = Server(asked.run, asked.precision, limits)
            load(server, texts, clients, 3)
            rows.append(measure(server, texts, clients, seconds, f"{what} {limits}".strip()))
            assert server.end() == 0
    head = [
        "server",
        "clients",
        "answers",
        "a second",
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "503",
        "p99 of 503 ms",
        "wrong",
        "lost",
        "MB",
    ]
    command = f"python benchmarks/serving.py RUN TEXTS --precision {asked.precision}"
    tables.write("serving", "A server under load", command, head, rows)


if __name__ == "__main__":
    main()
