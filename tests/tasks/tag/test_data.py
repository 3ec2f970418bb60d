"""Sentences with tags: columns and line-aligned files, and what is said of lines at fault."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from regard.core.errors import DataError
from regard.data.examples import Place
from regard.data.row_parser import RecordError
from regard.tasks.tag.data import TaggedSentence, read_tagged, read_tokens

COLUMNS = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\n郑 B-to\n州 I-to\n-DOCSTART-\nNew York\tB-to\n"


def written(folder: Path, **files: str) -> list[str]:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [str(folder / name) for name in files]


def test_columns(tmp_path):
    (file,) = written(tmp_path, x=COLUMNS)
    assert list(read_tagged([file])) == [
        TaggedSentence(("EU", "rejects"), ("B-ORG", "O"), None, Place(file, 3)),
        TaggedSentence(("郑", "州"), ("B-to", "I-to"), None, Place(file, 7)),
        TaggedSentence(
            ("New York",), ("B-to",), None, Place(file, 10)
        ),  # a tab parts, so the blank does not; a document ends a sentence
    ]
    assert list(read_tokens(file)) == [("EU", "rejects"), ("郑", "州"), ("New York",)]


def test_columns_with_windows_ends_and_packed(tmp_path):
    file = tmp_path / "x.conll.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbfa\tO\r\n\r\nb\tO\r\n"))
    assert [item.tokens for item in read_tagged([str(file)])] == [("a",), ("b",)]


def test_line_aligned(tmp_path):
    files = written(tmp_path, a="go to 郑 州\nno\n", b="O O B-to I-to\nO\n", c="book\n two words \n")
    first, second = read_tagged(files)
    assert first == TaggedSentence(
        ("go", "to", "郑", "州"), ("O", "O", "B-to", "I-to"), "book", Place(files[0], 1), tuple(files[1:])
    )
    assert second.label == "two words" and second.source == "no"
    assert [item.label for item in read_tagged(files[:2])] == [None, None]


def test_where_a_tag_and_a_label_stand(tmp_path):
    (columns,) = written(tmp_path, x="\na O\nb O\n")
    (item,) = read_tagged([columns])
    assert [str(item.tag_at(i)) for i in (0, 1)] == [f"{columns}:2", f"{columns}:3"]
    files = written(tmp_path, a="x y\nu v\n", b="O O\nO O\n", c="l\nl\n")
    _, item = read_tagged(files)
    assert str(item.tag_at(1)) == f"{files[1]}:2"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"x": "a O\nb\n\nc O\n"}, "{x}:2: expected a token and its tag; received 'b'. Correct the line."),
        ({"x": "a\tO\n\tO\n\nc\tO\n"}, "{x}:2: expected a token and its tag; received '\\tO'. Correct the line."),
        ({"x": "a\tO\nb\t\n\nc\tO\n"}, "{x}:2: expected a token and its tag"),
        (
            {"a": "x y\nc\n", "b": "O\nO\n"},
            "{b}:1: expected as many tags as {a}:1 has tokens (2); received 1 tag. Correct the line.",
        ),
        ({"a": "\nc\n", "b": "\nO\n"}, "{a}:1: expected tokens; received an empty line. Correct the line."),
        ({"a": "x\nc\n", "b": "\nO\n"}, "{b}:1: expected as many tags as {a}:1 has tokens (1); received 0 tags"),
        ({"a": "x\nc\n", "b": "O\nO\n", "c": " \nl\n"}, "{c}:1: expected a label; received an empty line. Correct the line."),
    ],
)
def test_a_line_at_fault_says_where_and_what_and_the_next_sentence_is_read(files, said, tmp_path):
    paths = dict(zip(files, written(tmp_path, **files), strict=True))
    fault, good = read_tagged(list(paths.values()))
    assert isinstance(fault, RecordError) and said.format(**paths) in str(fault)
    assert isinstance(good, TaggedSentence) and good.tokens == ("c",) and good.tags == ("O",)


def test_a_token_that_is_none_is_named_when_tags_are_asked_for(tmp_path):
    (file,) = written(tmp_path, x="a\tO\n\tO\nc\tO\n")
    with pytest.raises(DataError, match=r":2: expected a token in the first column; received none"):
        list(read_tokens(file))


def test_files_that_end_at_different_lines(tmp_path):
    files = written(tmp_path, a="x\ny\nz\n", b="O\nO\n", c="l\nl\nl\n")
    with pytest.raises(DataError, match=r"the same number of lines; received .*a 3, .*b 2, .*c 3\. Find the line"):
        list(read_tagged(files))


def test_a_number_of_files_that_says_nothing(tmp_path):
    files = written(tmp_path, a="x\n", b="O\n", c="l\n", d="?\n")
    with pytest.raises(DataError, match=r"one file in columns, or two or three line-aligned ones.*received 4: .*a, .*d\. Name"):
        read_tagged(files)
    with pytest.raises(DataError, match="received 0"):
        read_tagged([])
    with pytest.raises(DataError, match=r"received 2: a\.conll, b\.conll"):  # two files in columns are not line-aligned
        read_tagged(["a.conll", "b.conll"])
