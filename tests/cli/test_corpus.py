"""A corpus in parts: the bytes of one process, whoever answers, whatever is killed, however often it is begun."""

from __future__ import annotations

import errno
import gzip
import json
import os
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from regard.core.errors import RunFolderError
from regard.corpus import answering
from regard.corpus.answering import CorpusJob
from regard.corpus.input_parts import CorpusPart
from regard.corpus.part_format import PartFormat
from regard.data.examples import Item, Place
from regard.runtime.ready import READY
from regard.tasks.options import AS_CONFIGURED

from . import small
from .corpora import BATCH, PARTS, Asker, make_corpus, make_run, parts, whole


@dataclass(frozen=True)
class Table:
    names: tuple[str, ...]
    columns: list[np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Named:
    name: str
    array: np.ndarray


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory)


@pytest.fixture(scope="module")
def corpus(run):
    return make_corpus(run)


@pytest.fixture
def said(capsys):
    return Asker(capsys)


@pytest.mark.parametrize("format", ["text", "tsv", "jsonl"])
def test_parts_are_the_bytes_of_one_process(run, corpus, said, tmp_path, format):
    asked = [run, corpus, "--format", format, *BATCH, *(["--n-best", 2] if format == "jsonl" else [])]
    alone, _ = said(*asked, "--threads", 1)
    out, told = said(*asked, "--out", tmp_path / "out", *PARTS)
    assert not out and len(parts(tmp_path / "out")) == 3 and "190 rows in 3 parts" in told
    assert whole(tmp_path / "out") == alone


def test_parquet_has_the_rows_of_the_table(run, corpus, said, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, which writes Parquet, is not installed")
    table, _ = said(run, corpus, "--format", "tsv", "--n-best", 2)
    said(run, corpus, "--format", "parquet", "--n-best", 2, "--out", tmp_path / "out", *PARTS, *BATCH)
    rows = [row for path in parts(tmp_path / "out") for row in parquet.read_table(path).to_pylist()]
    assert [f"{r['line']}\t{r['rank']}\t{r['score']:.6f}\t{r['text']}\n" for r in rows] == table.splitlines(keepends=True)


def test_a_folder_is_its_files_in_natural_order(run, said, tmp_path):
    words, folder = small.words(100, 5), tmp_path / "in"
    folder.mkdir()
    for name, some in (("p-10.tsv.gz", words[80:]), ("p-2.tsv.gz", words[40:80]), ("p-1.tsv.gz", words[:40])):
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.writelines(f"{word}\t{' '.join(word)}\n" for word in some)
    (folder / "_SUCCESS").touch()
    alone = [said(run, folder / f"p-{n}.tsv.gz", *BATCH)[0] for n in (1, 2, 10)]
    said(run, folder, "--out", tmp_path / "out", *PARTS, *BATCH)
    assert whole(tmp_path / "out") == "".join(alone)
    said(run, folder, "--out", tmp_path / "rows", "--format", "jsonl", *PARTS, *BATCH)
    assert [json.loads(line)["line"] for line in whole(tmp_path / "rows").splitlines()] == list(range(1, 101))


def test_json_lines_and_parquet_are_read(run, said, tmp_path):
    words = small.words(40, 5)
    (tmp_path / "in.txt").write_text("".join(f"{word}\n" for word in words), "utf-8")
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"source": word}) + "\n" for word in words), "utf-8")
    names = ["in.jsonl"]
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        pass  # the half of it that needs no package
    else:
        parquet.write_table(pyarrow.table({"source": words}), tmp_path / "in.parquet")
        names.append("in.parquet")
    alone, _ = said(run, tmp_path / "in.txt")
    for name in names:
        said(run, tmp_path / name, "--out", tmp_path / f"out.{name}")
        assert whole(tmp_path / f"out.{name}") == alone


def test_a_second_start_goes_on_with_what_is_missing(run, corpus, said, tmp_path):
    out = tmp_path / "out"
    ask = [run, corpus, *BATCH, *PARTS, "--out", out]
    said(*ask)
    made, manifest = whole(out), (out / "manifest.json").read_bytes()
    inode = (out / "manifest.json").stat().st_ino
    assert "3 of them there before" in said(*ask)[1] and (out / "manifest.json").stat().st_ino == inode
    parts(out)[1].write_text("spoilt\n", "utf-8")
    parts(out)[2].unlink()
    kept = parts(out)[0].stat().st_mtime_ns
    assert "1 of them there before; 126 rows answered" in said(*ask)[1]
    assert whole(out) == made and parts(out)[0].stat().st_mtime_ns == kept and (out / "manifest.json").read_bytes() == manifest
    for more in (["--beam", 1], ["--format", "tsv"]):
        _, told = said(*ask, *more, code=2)
        assert told.startswith(f"{out}: ") and "as its parts were made" in told
    assert whole(out) == made


def test_a_corpus_that_grows_costs_what_is_new(run, corpus, said, tmp_path):
    out, changing = tmp_path / "out", tmp_path / "in.txt"
    lines = corpus.read_text("utf-8").splitlines(keepends=True)
    for count, kept in ((130, 0), (190, 2), (70, 1)):
        changing.write_text("".join(lines[:count]), "utf-8")
        _, told = said(run, changing, *BATCH, *PARTS, "--out", out)
        assert (f"{kept} of them there before" in told) == bool(kept)
        assert whole(out) == said(run, changing, *BATCH)[0]


def test_a_line_at_fault_is_named_and_what_stands_before_is_kept(run, corpus, said, tmp_path):
    out, changing = tmp_path / "out", tmp_path / "in.txt"
    lines = corpus.read_bytes().splitlines(keepends=True)
    changing.write_bytes(b"".join([*lines[:150], b"\xff\n", *lines[151:]]))
    _, told = said(run, changing, *BATCH, *PARTS, "--out", out, code=2)
    assert told.splitlines()[-1].startswith(f"{changing}:151: expected UTF-8")
    assert [path.name for path in parts(out)] == ["part-00000.txt", "part-00001.txt"] and not (out / "manifest.json").exists()
    changing.write_bytes(b"".join(lines))
    assert "2 of them there before" in said(run, changing, *BATCH, *PARTS, "--out", out)[1]
    assert whole(out) == said(run, changing, *BATCH)[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["IN", "--workers", "2"], "--workers: expected --out FOLDER"),
        (["IN", "--scheduler", "tcp://127.0.0.1:1"], "--scheduler: expected --out FOLDER"),
        (["IN", "--format", "parquet"], "--format parquet: expected --out FOLDER"),
        (["--text", "bada", "--out", "OUT"], "--text: expected one prediction, without --out"),
        (["IN", "--attention", "a.npz", "--out", "OUT"], "--attention: expected one prediction, without --out"),
        (["IN", "--erase", "decoder.0.cross:source=1", "--out", "OUT"], "--erase: expected one prediction, without --out"),
        (["--out", "OUT"], "-: expected a file: a prediction with --out reads its data again"),
        (["gone.txt", "--out", "OUT"], "gone.txt: expected a file; received no such name"),
        (["IN", "--out", "TAKEN"], "TAKEN: expected a new or empty folder, or one to go on with"),
        (["IN", "--out", "OUT", "--n-best", "2"], "--n-best: expected 1"),
        (["MIXED", "--out", "OUT"], "MIXED: expected parts of one format"),
        (["EMPTY", "--out", "OUT"], "EMPTY: expected a folder of parts; received no file in it"),
    ],
)
def test_what_makes_no_sense_is_told_and_leaves_nothing(run, corpus, said, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    for folder, names in (("TAKEN", ["thesis.tex"]), ("MIXED", ["a.txt", "b.jsonl"]), ("EMPTY", [])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text("x\n", "utf-8")
    _, heard = said(run, *[str(corpus) if word == "IN" else word for word in words], code=2)
    assert heard.splitlines()[-1].removeprefix(f"{tmp_path}/").startswith(told), heard
    assert not (tmp_path / "OUT").exists()


def test_another_type_of_column_is_named_with_its_row(run, said, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads Parquet, is not installed")
    from pyarrow import parquet

    whole_file = tmp_path / "whole.parquet"
    for name, columns, told in (("other", {"text": ["a"]}, "source"), ("number", {"source": [1]}, "source")):
        parquet.write_table(pyarrow.table(columns), tmp_path / f"{name}.parquet")
        _, heard = said(run, tmp_path / f"{name}.parquet", "--out", tmp_path / "out", code=2)
        assert f"{name}.parquet" in heard and told in heard and not (tmp_path / "out").exists()
    parquet.write_table(pyarrow.table({"source": small.words(50)}), whole_file)
    (tmp_path / "half.parquet").write_bytes(whole_file.read_bytes()[:200])
    _, heard = said(run, tmp_path / "half.parquet", "--out", tmp_path / "out", code=2)
    assert heard.startswith(f"{tmp_path / 'half.parquet'}: expected") and not (tmp_path / "out").exists()


def test_a_full_disk_leaves_no_half_part(run, corpus, said, tmp_path, monkeypatch):
    out, real, seen = tmp_path / "out", os.replace, list[str]()

    def full(source, target):
        seen.append(str(target))
        if str(target).endswith("part-00001.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        _, told = said(run, corpus, *BATCH, *PARTS, "--out", out, code=1)
    assert "part-00001.txt, the disk is full" in told
    assert [path.name for path in sorted(out.iterdir())] == [".progress.jsonl", "part-00000.txt"]
    said(run, corpus, *BATCH, *PARTS, "--out", out)
    assert whole(out) == said(run, corpus, *BATCH)[0]


def test_what_a_row_is_known_by_is_what_stands_in_it():
    rows = [Item("a", None, ("x",), Place("f", n)) for n in (1, 7)]
    first, elsewhere = (CorpusPart(0, "f", 1, [row]).digest() for row in rows)
    assert first == elsewhere
    others = [[Item("a", "", ("x",), Place("f", 1))], [Item("a", None, (), Place("f", 1))], rows, []]
    assert len({first, *(CorpusPart(0, "f", 1, other).digest() for other in others)}) == 5


ROWS = {
    "items": [Item(f"s{i}", None, (), Place("f", i)) for i in range(5)],
    "targets that differ": [Item("s", t, (), Place("f", 1)) for t in ("a", None, "b")],
    "features that differ": [Item("s", "t", f, Place("f", 1)) for f in ((), ("V",), ("V", "PST"))],
    "other places": [Item("s", "t", (), Place(f, 1)) for f in ("f", "g")],
    "texts": ["a", "b", "a"],
    "of several kinds": [Item("s", None, (), Place("f", 1)), "a", None],
    "arrays": [np.arange(6).reshape(2, 3), np.zeros((1, 3))],
    "tables": [Table(("a", "b"), [np.arange(3), np.ones(3)]), Table(("a", "b"), [np.arange(2), np.ones(2)])],
    "keywords": [Named(name="x", array=np.arange(2)), Named(name="x", array=np.arange(3))],
    "none": [],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rows_arrive_as_they_were_sent(rows):
    """To another process they go as columns."""
    sent = CorpusPart(3, "f.tsv", 7, rows)
    came = pickle.loads(pickle.dumps(sent))
    assert (came.number, came.file, came.first, came.digest()) == (3, "f.tsv", 7, sent.digest())
    assert [type(row) for row in came.rows] == [type(row) for row in rows] and repr(came.rows) == repr(rows)


def test_a_worker_with_another_model_is_refused(run, tmp_path):
    from regard.tasks.load_exported import load_exported

    folder = run / READY
    made_of = answering.describe([folder])
    given = {"open_model": lambda: load_exported(folder), "options": AS_CONFIGURED, "format": PartFormat("txt", None)}
    for wrong in ({"export.json": "0" * 64}, {"regard": "0.0.1"}):
        job = CorpusJob("one", tmp_path, (folder,), {**made_of, **wrong}, **given)
        with pytest.raises(RunFolderError, match="as at the start; received"):
            answering.answer_elsewhere(job, CorpusPart(0, "f", 1, []))
    job = CorpusJob("two", tmp_path / "unseen", (folder,), made_of, **given)
    with pytest.raises(RunFolderError, match="the folder of the parts; received none that this worker sees"):
        answering.answer_elsewhere(job, CorpusPart(0, "f", 1, []))
