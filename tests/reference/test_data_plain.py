"""Plain texts from files, and a share of them set aside."""

from __future__ import annotations

import gzip

import pytest

from regard.core.errors import DataError
from regard.data.examples import Place
from regard.data.plain_text import PlainText, read_plain, set_aside
from regard.data.row_parser import RecordError


def test_a_file_is_a_text(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    with gzip.open(tmp_path / "b.txt.gz", "wt", encoding="utf-8") as file:
        file.write("three")
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf-8")
    files = [str(tmp_path / name) for name in ("a.txt", "b.txt.gz", "empty.txt")]
    found = list(read_plain(files, kind="auto"))
    assert [text.text for text in found] == ["one\n\ntwo", "three"] and all(text.whole for text in found)


def test_lines_and_rows(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    one, bad, two = read_plain([str(tmp_path / "a.txt")], kind="lines")
    assert (one.text, two.text, one.whole, str(two.place)) == ("one", "two", False, f"{tmp_path / 'a.txt'}:3")
    assert isinstance(bad, RecordError) and str(bad).startswith(f"{tmp_path / 'a.txt'}:2: expected a text; received an empty one")
    (tmp_path / "a.tsv").write_text("x\ty\tone\nz\n", encoding="utf-8")
    one, bad = read_plain([str(tmp_path / "a.tsv")], kind="auto", column=3)
    assert one.text == "one" and "expected at least 3 columns, separated by tabs; received 1" in str(bad)
    (tmp_path / "b.tsv").write_text("tune\tpoem\nx\tone\n", encoding="utf-8")
    assert [t.text for t in read_plain([str(tmp_path / "b.tsv")], kind="auto", column="poem")] == ["one"]
    (tmp_path / "a.jsonl").write_text('{"poem": "one", "target": 3}\n{}\n', encoding="utf-8")
    one, bad = read_plain([str(tmp_path / "a.jsonl")], kind="auto", column="poem")
    assert one.text == "one" and isinstance(bad, RecordError)


def test_the_end_of_each_file_is_set_aside():
    text = PlainText("aaaa\nbbbb\ncccc\ndddd", Place("f", 1), whole=True)
    (train,), (held,) = set_aside([text], 0.3, 1)
    assert (train.text, held.text, str(held.place)) == ("aaaa\nbbbb\ncccc\n", "dddd", "f:4")
    (train,), (held,) = set_aside([PlainText("a b c d e f", Place("f", 1), whole=True)], 0.4, 1)
    assert (train.text, held.text) == ("a b c d ", "e f")
    (train,), (held,) = set_aside([PlainText("abcdefgh", Place("f", 1), whole=True)], 0.25, 1)
    assert train.text + held.text == "abcdefgh" and held.text


def test_a_text_too_short_to_part():
    with pytest.raises(DataError, match=r"f: expected text to part.*received 1 character. Give more text"):
        set_aside([PlainText("a", Place("f", 1), whole=True)], 0.1, 1)


def test_lines_are_set_aside_by_a_hash():
    texts = [PlainText(f"line {i}", Place("f", i)) for i in range(20)]
    train, held = set_aside(texts, 0.2, 1)
    assert len(held) == 4 and sorted(t.text for t in train + held) == sorted(t.text for t in texts)
