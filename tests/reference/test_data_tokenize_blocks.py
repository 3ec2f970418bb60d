"""Training files into a token store: by one process or several with the same bytes, on behind a kill, once; and what a bad file gives."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from regard.core.errors import DataError, RegardError
from regard.data import blocks, tokenize_blocks
from regard.data.columns import Layout
from regard.data.encode_pairs import encode_pairs
from regard.data.length_limit import LengthLimit
from regard.data.pairs import Pairs
from regard.data.text_files import fingerprint
from regard.data.token_store import Corpus
from regard.data.tokenize_blocks import Tokenization, tokenize
from regard.data.tokenizer import Tokenizer
from regard.data.validation_share import HeldOutSources, TrainingSources

ROWS = 57
silent: Callable[..., None] = lambda *_: None


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten lines each, so that a small file has several."""
    monkeypatch.setattr(blocks, "LINES", 10)


def table(path: Path, first: int = 0, header: str = "") -> str:
    rows = [f"{'ab' * (n % 7 + 1)}{n}\t{'c d ' * (n % 5 + 1)}{n}\n" for n in range(first, first + ROWS)]
    data = (header + "".join(rows)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def how_to(folder: Path, names: list[str], layout: Layout) -> Tokenization:
    items = list(Pairs(names, layout))
    words = [str(folder / f"{side}.json") for side in ("source", "target")]
    Tokenizer.train("char", (item.source for item in items)).save(Path(words[0]))
    Tokenizer.train("space", (str(item.target) for item in items)).save(Path(words[1]))
    return Tokenization(layout.resolved(names), False, (words[0], words[1]), (14, 14), "skip", False)


def make(how: Tokenization, names: list[str], folder: Path, workers: int = 1, say: Callable[[str], None] = silent):
    return tokenize(
        names, how, folder, key=how.key([list(fingerprint(names).values())]), workers=workers, say=say, progress=silent
    )


def bytes_of(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != tokenize_blocks.LOCK}


def plainly(how: Tokenization, names: list[str], folder: Path) -> Corpus:
    """The same without blocks, by the road that the store had before there were any."""
    tokenizers = (Tokenizer.load(Path(how.tokenizers[0])), Tokenizer.load(Path(how.tokenizers[1])))
    return Corpus.write(folder, encode_pairs(Pairs(names, how.layout), tokenizers, LengthLimit(*how.most, how.on_long)))


@pytest.mark.parametrize(
    ("layout", "header", "ending"),
    [
        (Layout(), "", "tsv"),
        (Layout(source="spelling", target="sound"), "# a comment\nspelling\tsound\n", "tsv"),
        (Layout(header=True), "spelling\tsound\n", "tsv"),  # the first line of a block further down is none
        (Layout("csv", separator="tab"), "", "csv"),
        (Layout(), "", "tsv.gz"),
    ],
)
def test_blocks_are_the_file(tmp_path: Path, layout: Layout, header: str, ending: str) -> None:
    names = [table(tmp_path / f"a.{ending}", 0, header), table(tmp_path / f"b.{ending}", 100, header)]
    layout = replace(layout, format=layout.format if layout.format != "auto" else "tsv")
    how = how_to(tmp_path, names, layout)
    corpus, facts = make(how, names, tmp_path / "one")
    plain = plainly(how, names, tmp_path / "plain")
    for name in ("tokens.bin", "lengths.npy", "offsets.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes(), name
    assert len(corpus) == len(plain) == sum(facts.sources) and len(facts.sources) == 2
    assert facts.blocks == (12 if ending == "tsv" else 2)
    told = str(facts.tell(how.limit()))
    assert told.startswith(f"{2 * ROWS - len(corpus)} of {2 * ROWS} pairs are longer") and "a." in told


def test_line_aligned_files_and_places(tmp_path: Path) -> None:
    for side, text in (("en", "dog {n}\n"), ("de", "der Hund {n}\n")):
        (tmp_path / side).write_text("".join(text.format(n=n) for n in range(25)))
    names = [str(tmp_path / "en"), str(tmp_path / "de")]
    layout = Layout("lines")
    found = [item for block in blocks.cut_blocks(names, layout) for item in blocks.read_block(block, layout, skips=False)]
    assert found == list(Pairs(names, layout)) and found[-1].place.line == 25


def test_the_same_bytes_by_two_processes_and_once(tmp_path: Path) -> None:
    names = [table(tmp_path / "a.tsv")]
    how, heard = how_to(tmp_path, names, Layout()), list[str]()
    make(how, names, tmp_path / "one")
    make(how, names, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    before = (tmp_path / "two" / "tokens.bin").stat().st_mtime_ns
    corpus, facts = make(how, names, tmp_path / "two", say=heard.append)
    assert (tmp_path / "two" / "tokens.bin").stat().st_mtime_ns == before and "lies in tokens" in heard[0]
    assert len(corpus) == sum(facts.sources)
    other = replace(how, most=(5, 5))  # another hash: made anew, in the same folder
    assert len(make(other, names, tmp_path / "two")[0]) < len(corpus)


@pytest.mark.parametrize("done", [1, 3])
def test_a_kill_costs_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int) -> None:
    names = [table(tmp_path / "a.tsv")]
    how, heard = how_to(tmp_path, names, Layout()), list[str]()
    make(how, names, tmp_path / "whole")
    write, asked = tokenize_blocks.BlockTokenizer.write, list[int]()

    def dying(self: tokenize_blocks.BlockTokenizer, block: blocks.FileBlock, number: int) -> object:
        if number == done:
            raise KeyboardInterrupt
        return write(self, block, number)

    with monkeypatch.context() as patched:
        patched.setattr(tokenize_blocks.BlockTokenizer, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            make(how, names, tmp_path / "again")
    with (tmp_path / "again" / "tokens.new").open("ab") as file:
        file.write(b"half of a block")  # what a kill leaves behind the last whole block

    def counted(self: tokenize_blocks.BlockTokenizer, block: blocks.FileBlock, number: int) -> object:
        asked.append(block.spans[0].first)
        return write(self, block, number)

    monkeypatch.setattr(tokenize_blocks.BlockTokenizer, "write", counted)
    make(how, names, tmp_path / "again", say=heard.append)
    assert asked == [10 * n + 1 for n in range(done, 6)] and f"goes on behind {done} of 6 blocks" in heard[0]
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "again")


def test_sources_that_are_set_apart_are_not_in_it(tmp_path: Path) -> None:
    names = [table(tmp_path / "a.tsv")]
    pairs, how = Pairs(names, Layout()), how_to(tmp_path, names, Layout())
    apart = HeldOutSources.draw((item.source for item in pairs), 0.2, seed=5)
    apart.save(tmp_path / "apart.npy")
    corpus, _ = make(replace(how, apart=str(tmp_path / "apart.npy"), most=(99, 99)), names, tmp_path / "store", workers=2)
    assert len(corpus) == len(list(TrainingSources(pairs, apart))) == ROWS - 11


def test_what_a_worker_refuses_is_said_as_alone(tmp_path: Path) -> None:
    names = [table(tmp_path / "a.tsv")]
    how = replace(how_to(tmp_path, names, Layout()), on_long="error")
    for workers in (1, 2):
        with pytest.raises(DataError, match=r"a\.tsv:7: expected at most 14 source and 14 target tokens; received"):
            make(how, names, tmp_path / f"{workers}", workers=workers)


def test_a_worker_that_is_killed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [table(tmp_path / "a.tsv")]
    how, tell = how_to(tmp_path, names, Layout()), tokenize_blocks._tell

    def killing(process, what) -> None:
        tell(process, what)
        if what.get("number") == 2:
            process.kill()

    monkeypatch.setattr(tokenize_blocks, "_tell", killing)
    with pytest.raises(RegardError, match=r"received SIGKILL\. Start again: what was done is kept"):
        make(how, names, tmp_path / "store", workers=2)


def test_a_store_that_was_spoilt_is_made_anew(tmp_path: Path) -> None:
    names = [table(tmp_path / "a.tsv")]
    how = how_to(tmp_path, names, Layout())
    make(how, names, tmp_path / "store")
    whole = bytes_of(tmp_path / "store")
    (tmp_path / "store" / "tokens.bin").write_bytes(b"")
    make(how, names, tmp_path / "store")
    about = json.loads((tmp_path / "store" / "store.json").read_text())
    (tmp_path / "store" / "store.json").write_text(json.dumps({**about, "sources": "none"}))
    corpus, _ = make(how, names, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == whole and isinstance(corpus.source_lengths, np.ndarray)
