"""Training files into a token store: by this process, or by several, with the same bytes; once for all runs that share the folder.

`python -m regard.data.tokenize_blocks` is such a process: it is told on stdin, a line of JSON at a time, how and then which block, and
answers on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from queue import Queue, SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from regard.core.atomic_files import PART, explain_error
from regard.core.checksum import checksum
from regard.core.errors import DataError, RegardError, message
from regard.data.blocks import FileBlock, cut_blocks, read_block
from regard.data.columns import Layout
from regard.data.encode_pairs import Tokenizers, encode_pairs
from regard.data.growing_store import GrowingStore, StoreFacts, TokenBlock, open_store
from regard.data.length_limit import LengthLimit
from regard.data.text_files import LineSpan
from regard.data.token_store import Corpus
from regard.data.tokenizer import Tokenizer
from regard.data.validation_share import HeldOutSources

try:
    import fcntl
except ImportError:  # Windows: who makes the same store at the same time is not waited for
    fcntl = None  # type: ignore[assignment]

VERSION = 1  # of what is in a store's hash: one more whenever the same data would give other bytes, or be cut into other blocks
LOCK = "making.lock"
Progress = Callable[[int, int], None]  # is told how many blocks are done, of how many


@dataclass(frozen=True)
class Tokenization:
    """How pairs become tokens.  layout: resolved; skips: lines at fault are passed by; tokenizers: files; most: tokens of a source and a
    target; apart: a file of the sources that are set apart for validation (`HeldOutSources.save`), "" where none is."""

    layout: Layout
    skips: bool
    tokenizers: tuple[str, str]
    most: tuple[int, int]
    on_long: str
    copies: bool
    apart: str = ""

    def limit(self) -> LengthLimit:
        return LengthLimit(*self.most, self.on_long)

    def key(self, marks: Sequence[Sequence[str]]) -> str:
        """A hash of all that the bytes of a store depend on.  marks: the sha256 of each file of each source."""
        told = {**asdict(self), "tokenizers": [checksum(Path(path)) for path in self.tokenizers]}
        told |= {"apart": checksum(Path(self.apart)) if self.apart else "", "marks": [list(each) for each in marks]}
        told |= {"version": VERSION, "library": version("tokenizers"), "unicode": unicodedata.unidata_version}
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def tokenize(
    names: Sequence[str],
    how: Tokenization,
    folder: Path,
    *,
    key: str,
    workers: int,
    say: Callable[[str], None],
    progress: Progress,
) -> tuple[Corpus, StoreFacts]:
    """The store of these files, made unless it lies in the folder.

    A process that was killed leaves its blocks, and the next one goes on behind them.  Who asks while another makes the store waits for it.
    DataError for a line at fault, or a long pair where that is to stop; RegardError where the disk is full or a worker is killed.
    """
    if (found := open_store(folder, key)) is not None:
        say(f"the training data lies in tokens in {folder} already.")
        return found
    if folder.is_symlink():  # another process's, of other data
        folder.unlink()
    with explain_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / LOCK):
        if (found := open_store(folder, key)) is not None:  # made meanwhile
            return found
        store = GrowingStore(folder, key, len(names) if how.layout.format != "lines" else 1)
        blocks = list(cut_blocks(names, how.layout))
        if done := store.facts.blocks:
            say(f"tokenising goes on behind {done:,} of {len(blocks):,} blocks in {folder}.")
        for number, made in enumerate(_made(blocks[done:], how, folder, workers), done + 1):
            store.add(made)
            progress(number, len(blocks))
        return store.finish(), store.facts


class BlockTokenizer:
    """What turns a block into files of tokens in a folder."""

    def __init__(self, how: Tokenization, folder: Path) -> None:
        self.how, self.folder = how, folder
        self.tokenizers: Tokenizers = (Tokenizer.load(Path(how.tokenizers[0])), Tokenizer.load(Path(how.tokenizers[1])))
        self.apart = HeldOutSources.load(Path(how.apart)) if how.apart else None

    def write(self, block: FileBlock, number: int) -> TokenBlock:
        """The block in two files, whose names tell the number and this process, so that they are thrown away when it is killed."""
        tokens, lengths = (self.folder / f".{number:06}-{kind}.{os.getpid()}{PART}" for kind in ("tokens", "lengths"))
        limit, each = self.how.limit(), array("i")
        items = read_block(block, self.how.layout, skips=self.how.skips)
        kept = items if self.apart is None else (item for item in items if item.source not in self.apart)
        with explain_error(tokens):
            with tokens.open("wb") as file:
                for pair in encode_pairs(kept, self.tokenizers, limit, copies=self.how.copies):
                    for ids in pair:
                        file.write(np.asarray(ids, dtype="<i4").tobytes())
                        each.append(len(ids))
            lengths.write_bytes(np.frombuffer(each, dtype=np.int32).astype("<i4").tobytes())
        long = [[place.file, place.line, what] for place, what in limit.long]
        return TokenBlock(str(tokens), str(lengths), block.source, len(each) // 2, limit.pairs, limit.over, long)


def _made(blocks: Sequence[FileBlock], how: Tokenization, folder: Path, workers: int) -> Iterator[TokenBlock]:
    """The blocks in tokens, in order; few at a time, so that neither memory nor disk fill with what waits its turn."""
    if workers == 1 or len(blocks) < 2:
        tokenizer = BlockTokenizer(how, folder)
        yield from (tokenizer.write(block, number) for number, block in enumerate(blocks))
        return
    with _pool(how, folder, min(workers, len(blocks))) as ask, ThreadPoolExecutor(workers) as threads:
        waiting = deque[Future[TokenBlock]]()
        try:
            for number, block in enumerate(blocks):
                waiting.append(threads.submit(ask, block, number))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


@contextmanager
def _pool(how: Tokenization, folder: Path, workers: int) -> Iterator[Callable[[FileBlock, int], TokenBlock]]:
    """Processes, and what has a free one do a block."""
    root = str(Path(__file__).parents[2])
    # Each has a core: the library's own threads would fight for it.
    env = {
        **os.environ,
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join((root, os.environ.get("PYTHONPATH", ""))),
    }
    call = [sys.executable, "-m", "regard.data.tokenize_blocks"]
    processes = [
        subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True, encoding="utf-8")
        for _ in range(workers)
    ]
    free = Queue[subprocess.Popen[str]]()
    for process in processes:
        free.put(process)
        _tell(process, {"how": asdict(how), "folder": str(folder)})

    def ask(block: FileBlock, number: int) -> TokenBlock:
        process = free.get()
        try:
            _tell(process, {"block": asdict(block), "number": number})
            return _answer(process)
        finally:
            free.put(process)

    try:
        yield ask
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _tell(process: subprocess.Popen[str], what: dict[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has gone, which the answer tells
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()


def _answer(process: subprocess.Popen[str]) -> TokenBlock:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        code = process.wait()
        received = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        do = "Start again: what was done is kept. If memory gave out, lower data.workers."
        raise RegardError(message("tokenising", "all of its processes to come to the end", received, do))
    told = json.loads(line)
    if "error" in told:
        raise (DataError if told["data"] else RegardError)(told["error"])
    return TokenBlock(**told)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the processes that make the store of a folder; another is waited for."""
    if fcntl is None:
        yield
        return
    with explain_error(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _serve() -> None:
    """The life of a worker: it ends at once, whatever it does, when its stdin does, for then who started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; who started this one ends it
    told = SimpleQueue[dict[str, Any]]()

    def listen() -> None:
        for line in sys.stdin:
            told.put(json.loads(line))
        os._exit(0)

    Thread(target=listen, daemon=True, name="lifeline").start()
    first = told.get()
    how = first["how"]
    how |= {"layout": Layout(**how["layout"]), "tokenizers": tuple(how["tokenizers"]), "most": tuple(how["most"])}
    tokenizer = BlockTokenizer(Tokenization(**how), Path(first["folder"]))
    while True:
        asked = told.get()
        given = asked["block"]
        block = FileBlock(given["source"], tuple(given["files"]), tuple(LineSpan(**span) for span in given["spans"]))
        try:
            answer = asdict(tokenizer.write(block, asked["number"]))
        except RegardError as error:
            answer = {"error": str(error), "data": isinstance(error, DataError)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
