"""The token store: what goes in comes out, RAM stays flat, and a crash leaves a whole corpus or none."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from regard.core.errors import ConfigError, DataError, RegardError, RunFolderError
from regard.data.examples import Place
from regard.data.length_limit import LengthLimit
from regard.data.token_store import Corpus

PAIRS = [([5, 6, 2], [7, 2]), ([2], [8, 9, 10, 2]), ([70_000, 2], [2])]


def test_pairs_come_back(tmp_path: Path) -> None:
    written = Corpus.write(tmp_path / "new" / "folder", iter(PAIRS))
    for corpus in (written, Corpus.open(tmp_path / "new" / "folder")):
        assert [(source.tolist(), target.tolist()) for source, target in corpus] == PAIRS
        assert len(corpus) == 3 and corpus[-1][0].tolist() == [70_000, 2]
        assert corpus.source_lengths.tolist() == [3, 1, 2] and corpus.target_lengths.tolist() == [2, 4, 1]
        assert corpus.source_lengths.dtype == corpus[0][0].dtype == np.int32
        for row in (3, -4):
            with pytest.raises(IndexError, match="of a corpus of 3"):
                corpus[row]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["lengths.npy", "offsets.npy", "tokens.bin"]


def test_the_files_are_what_the_docs_say(tmp_path: Path) -> None:
    Corpus.write(tmp_path, PAIRS)
    assert np.fromfile(tmp_path / "tokens.bin", dtype="<i4").tolist() == [5, 6, 2, 7, 2, 2, 8, 9, 10, 2, 70_000, 2, 2]
    assert np.load(tmp_path / "offsets.npy").tolist() == [0, 3, 5, 6, 10, 12, 13]
    assert np.load(tmp_path / "lengths.npy").tolist() == [3, 2, 1, 4, 2, 1]


def test_an_empty_corpus_is_a_corpus(tmp_path: Path) -> None:
    assert len(Corpus.write(tmp_path, [])) == 0


def test_memory_stays_flat(tmp_path: Path) -> None:
    """A million tokens pass through (4 MB on the disk, over 8 MB as lists); less than a tenth of that is held."""
    rows = 2_500

    def pairs() -> Iterator[tuple[list[int], list[int]]]:
        for row in range(rows):
            yield [row + 300] * 200, [row + 300] * 200

    tracemalloc.start()
    try:
        corpus = Corpus.write(tmp_path, pairs())
        assert sum(int(corpus[row][1][-1]) for row in range(0, rows, 7)) > 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 600_000, f"{peak:,} bytes"


def test_writing_again_replaces_the_old(tmp_path: Path) -> None:
    Corpus.write(tmp_path, PAIRS)
    assert len(Corpus.write(tmp_path, PAIRS[:1])) == 1


@pytest.mark.parametrize("after", [0, 2])
def test_a_writer_that_dies_leaves_no_half_corpus(tmp_path: Path, after: int) -> None:
    Corpus.write(tmp_path, PAIRS)

    def dying() -> Iterator[tuple[list[int], list[int]]]:
        yield from PAIRS[:after]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Corpus.write(tmp_path, dying())
    with pytest.raises(RunFolderError, match="made again from the data"):
        Corpus.open(tmp_path)
    assert len(Corpus.write(tmp_path, PAIRS)) == 3


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from regard.core.atomic_files import atomic

    path = tmp_path / "x.json"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    expected = r"cannot write .*x\.json, the disk is full: expected .*free disk; received .* free\. Free some space"
    with pytest.raises(RegardError, match=expected), atomic(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"old" and [found.name for found in tmp_path.iterdir()] == ["x.json"]


def test_what_a_killed_writer_left_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / ".tokens.bin.123.part").write_bytes(b"half of something")
    assert len(Corpus.write(tmp_path, PAIRS)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lengths.npy", "offsets.npy", "tokens.bin"]


def test_damage_is_seen(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"expected tokens\.bin, lengths\.npy and offsets\.npy, all whole"):
        Corpus.open(tmp_path)
    Corpus.write(tmp_path, PAIRS)
    tokens, offsets = (tmp_path / "tokens.bin").read_bytes(), (tmp_path / "offsets.npy").read_bytes()
    for name, content in (
        ("tokens.bin", tokens[:-4]),
        ("tokens.bin", tokens + b"\0"),
        ("offsets.npy", offsets[:-3]),
        ("offsets.npy", b""),
        ("lengths.npy", b""),
        ("lengths.npy", offsets),
    ):
        Corpus.write(tmp_path, PAIRS)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RunFolderError, match="Delete the folder"):
            Corpus.open(tmp_path)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    Corpus.write(tmp_path, PAIRS)
    np.save(tmp_path / "offsets.npy", np.array([Trap(tmp_path / "trace")], dtype=object), allow_pickle=True)
    with pytest.raises(RunFolderError, match="Delete the folder"):
        Corpus.open(tmp_path)
    assert not (tmp_path / "trace").exists()


LONG = [([5, 6, 7, 2], [8, 2]), ([5, 2], [6, 7, 8, 2]), ([5, 6, 2], [6, 7, 2]), ([5, 6, 7, 8, 2], [5, 6, 7, 8, 2])]


@pytest.mark.parametrize(
    ("on_long", "kept"),
    [("skip", [None, None, LONG[2], None]), ("cut", [([5, 6, 2], [8, 2]), ([5, 2], [6, 7, 2]), LONG[2], ([5, 6, 2], [5, 6, 2])])],
)
def test_long_pairs_are_skipped_or_cut_and_counted(on_long: str, kept: list) -> None:
    limit = LengthLimit(3, 3, on_long)
    assert [limit.keep(pair, Place("x.tsv", line)) for line, pair in enumerate(LONG, start=1)] == kept
    assert limit.pairs == 4 and [place.line for place, _ in limit.long] == [1, 2, 4]
    done = {"skip": "skipped", "cut": "cut"}[on_long]
    assert str(limit).splitlines()[0] == f"3 of 4 pairs are longer than 3 source or 3 target tokens and were {done}:"
    assert "  x.tsv:4: 5 source tokens and 5 target tokens" in str(limit)


def test_a_long_pair_stops_where_that_is_asked() -> None:
    limit = LengthLimit(3, 9, "error")
    assert limit.keep(LONG[1], Place("x.tsv", 7)) == LONG[1]
    with pytest.raises(
        DataError, match=r"x\.tsv:8: expected at most 3 source and 9 target tokens; received 4 source tokens\. Raise"
    ):
        limit.keep(LONG[0], Place("x.tsv", 8))
    assert str(LengthLimit(3, 9)) == "0 of 0 pairs are longer than 3 source or 9 target tokens."


@pytest.mark.parametrize(("options", "said"), [((3, 3, "crop"), "skip | error | cut"), ((1, 3, "cut"), "data.max_source_length")])
def test_a_limit_that_means_nothing_is_refused(options: tuple, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LengthLimit(*options)
    assert said in str(caught.value)


def test_only_batches_load_torch() -> None:
    code = "import sys; from regard.data import length_limit, pairs, token_store, tokenizer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
