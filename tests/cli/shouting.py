"""A model without a net, and a server of it that is up at once: for tests of all that a server does beside answering.

    python tests/cli/shouting.py FOLDER PORT WORKERS [LIMIT=N ...]

FOLDER/model.safetensors holds the voice, FOLDER/config.yaml how many seconds a batch takes; no voice, no model.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from regard.core.errors import RunFolderError
from regard.serve.event_log import EventLog
from regard.serve.limits import read_limits
from regard.serve.settings import ServerSettings, bind


class Shouter:
    """Says its text in capitals, behind its voice."""

    def __init__(self, folder: Path) -> None:
        self.voice = (folder / "model.safetensors").read_text("utf-8")
        if not self.voice:
            raise RunFolderError(f"{folder}: expected a voice; received none. Write one.")
        pause = folder / "config.yaml"
        self.pause = float(pause.read_text("utf-8")) if pause.exists() else 0.0
        decode = SimpleNamespace(beam=1, n_best=1, sample=False, max_ratio=2.0, max_extra=10, min_length=0)
        self.config = SimpleNamespace(decode=decode, task="shout", model=None, spec=SimpleNamespace(uses=("decode.beam",)))

    def stream(self, items: Any, **options: Any) -> Any:
        time.sleep(self.pause)
        return [[_told(f"{self.voice}{item.upper()}", item)] for item in items]

    def score(self, pairs: Any, *, batch_size: int | None = None) -> Any:
        if any(target == "boom" for _, target in pairs):
            raise ZeroDivisionError("boom")
        return []


def _told(text: str, source: str) -> Any:
    empty = {"tokens": (), "source_tokens": (), "features": (), "unknown": (), "details": {}, "attention": {}}
    return SimpleNamespace(text=text, score=0.0, source=source, **empty)


def work(settings: ServerSettings, listener: Any) -> None:
    from regard.serve.server import serve

    serve(settings, listener)


def main(folder: str, port: str, workers: str, *limits: str) -> None:
    settings = ServerSettings({"shout": Path(folder)}, Shouter, read_limits(limits), EventLog(requests=False))
    listener = bind("127.0.0.1", int(port))
    if workers == "1":
        work(settings, listener)
        return
    from regard.serve.workers import WorkerPool

    sys.exit(WorkerPool(int(workers), partial(work, settings), settings.log).run(listener))


if __name__ == "__main__":
    main(*sys.argv[1:])
