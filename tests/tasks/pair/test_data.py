"""Pairs of texts from files, and the marks of words that both share, by hand."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from regard.core.errors import DataError
from regard.data.examples import Place
from regard.data.row_parser import RecordError
from regard.tasks.pair.data import PairColumns, TextPair, overlap_marks, pair_of_item, read_coupled, read_couples

NAMED = PairColumns("a", "b", "y")


def write(folder, text, name="x.tsv"):
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def told(items):
    return [(item.first, item.second, item.target) for item in items]


def test_columns_by_number_and_by_name(tmp_path):
    plain = write(tmp_path, "one two\tthree\tyes\nfour\tfive\tno\n")
    assert told(read_coupled([plain], PairColumns())) == [("one two", "three", "yes"), ("four", "five", "no")]
    named = write(tmp_path, "id\ty\tb\ta\n7\tyes\tthree\tone two\n", "y.tsv")
    (item,) = read_coupled([named], NAMED)
    assert item == TextPair("one two", "three", "yes", Place(named, 2)) and item.source == "one two\tthree"
    assert told(read_coupled([plain, plain], PairColumns()))[2:] == told(read_coupled([plain], PairColumns()))


def test_records(tmp_path):
    rows = [{"source": "a b", "second": "c", "target": 3.5}, {"source": "d", "second": "e", "target": "yes"}]
    file = write(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "x.jsonl")
    assert told(read_coupled([file], PairColumns())) == [("a b", "c", "3.5"), ("d", "e", "yes")]
    file = write(tmp_path, json.dumps({"a": "x", "b": "y"}) + "\n", "y.jsonl")
    assert told(read_couples(file, NAMED)) == [("x", "y", None)]


@pytest.mark.parametrize(
    ("layout", "text", "found"),
    [
        (PairColumns(), "a\tb\tyes\n\nc\td\n", [("a", "b", "yes"), ("", "", None), ("c", "d", None)]),
        (PairColumns(), "a\tb\t\n", [("a", "b", None)]),
        (PairColumns(2, 3, 1), "yes\ta\tb\n", [("a", "b", "yes")]),
        (PairColumns(2, 3, 1), "a\tb\n", [("a", "b", None)]),  # what is right is left out
        (PairColumns(3, 1, 5), "b\tx\ta\tz\n", [("a", "b", None)]),
        (PairColumns(3, 1, 5), "b\ta\n", [("a", "b", None)]),  # the two texts alone, in their order
        (NAMED, "b\ta\nb\ta\n", [("a", "b", None)]),
    ],
)
def test_what_to_predict_from(tmp_path, layout, text, found):
    assert told(read_couples(write(tmp_path, text), layout)) == found


def test_items_in_python():
    assert told([pair_of_item(("a", "b")), pair_of_item("a\tb"), pair_of_item(["a", "b"]), pair_of_item("")]) == [
        ("a", "b", None), ("a", "b", None), ("a", "b", None), ("", "", None),
    ]  # fmt: skip
    assert pair_of_item(("", "")).source == ""
    for item, expected in (
        (("a", " "), "a second text"),
        (("", "b"), "a first text"),
        ("a", "two texts"),
        ((1, "b"), "two texts"),
    ):
        with pytest.raises(DataError, match=expected):
            pair_of_item(item)


@pytest.mark.parametrize(
    ("name", "text", "layout", "said"),
    [
        ("x.tsv", "a\tb\tc\na\tb\n", PairColumns(), [":2", "at least 3 columns", "2 columns ('a', 'b')", "pair.second"]),
        ("x.tsv", "a\tb\tc\n\n", PairColumns(), [":2", "an empty line", "Correct the line"]),
        ("x.tsv", "a\t \tc\n", PairColumns(), [":1", "an empty second text"]),
        ("x.tsv", "\tb\tc\n", PairColumns(), [":1", "an empty first text"]),
        ("x.tsv", "a\tb\t \n", PairColumns(), [":1", "what is right", "an empty column"]),
        ("x.jsonl", "{\n", PairColumns(), [":1", "a JSON object"]),
        ("x.jsonl", "\n", PairColumns(), [":1", "an empty line"]),
        ("x.jsonl", "[1]\n", PairColumns(), [":1", "a JSON object", "[1]"]),
        (
            "x.jsonl",
            '{"source": "a", "seconds": "b", "target": 1}\n',
            PairColumns(),
            [":1", "'second'", "Did you mean 'seconds'?"],
        ),
        ("x.jsonl", '{"source": "a", "second": 3, "target": 1}\n', PairColumns(), ["key 'second'", "a string", "3"]),
        (
            "x.jsonl",
            '{"source": "a", "second": "b", "target": true}\n',
            PairColumns(),
            ["key 'target'", "a string or a number"],
        ),
        ("x.jsonl", '{"source": "\\ud800", "second": "b", "target": "x"}\n', PairColumns(), ["key 'source'"]),
    ],
)
def test_lines_at_fault(tmp_path, name, text, layout, said):
    fault = list(read_coupled([write(tmp_path, text, name)], layout))[-1]
    assert isinstance(fault, RecordError)
    assert all(part in str(fault) for part in said), str(fault)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", ["a header", "an empty file"]), ("a\tbb\ty\n", [":1 (header)", "'b' for pair.second", "'a', 'bb', 'y'"]),
     ("a\tb\tz\n", ["'y' for data.target"]), ("a\tb\tb\ty\n", ["one column 'b'"])],
)  # fmt: skip
def test_headers_at_fault(tmp_path, text, said):
    with pytest.raises(DataError) as caught:
        list(read_coupled([write(tmp_path, text)], NAMED))
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_marks_by_hand():
    first, second = ["The", "Dog", "is", "playing", ",", "Dog"], ["the", "dogs", "played", "dog", "is"]
    assert overlap_marks(first, second) == [(0, 1, 1), (0, 1, 1), (1, 1, 1), (0, 0, 1), (0, 0, 0), (0, 1, 1)]
    assert overlap_marks(second, first) == [
        (0, 1, 1),
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 1),
        (1, 1, 1),
    ]  # dogs is not dog: four letters
    assert overlap_marks(["a"], []) == [(0, 0, 0)]


def test_blank_and_comment_lines_about_a_header(tmp_path):
    """As in tables of other tasks: a blank line may stand above a header, and what has fewer cells than it is a comment."""
    file = write(tmp_path, "\npremise\thypothesis\tlabel\n# from\thand\na\tb\tyes\n")
    for columns in (PairColumns("premise", "hypothesis", "label"), PairColumns()):
        passed = Counter()
        blank, item = read_coupled([file], columns, passed)
        assert isinstance(blank, RecordError) and blank.kind == "empty-line"
        assert item == TextPair("a", "b", "yes", Place(file, 4)) and passed["comment"] == 1


def test_csv_of_comments_alone_has_no_items(tmp_path):
    assert list(read_coupled([write(tmp_path, "# one\n# two\n", "x.csv")], PairColumns())) == []
