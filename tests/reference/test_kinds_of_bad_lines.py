"""Readers say which fault a line has, and `regard check` counts by that word: each word is one that it knows, and no text misleads it."""

import ast
from pathlib import Path

import pytest

import regard.data
from regard.check.bad_lines import WHY
from regard.data.columns import Layout
from regard.data.pairs import each_pair
from regard.data.row_parser import RecordError
from regard.tasks.pair.data import PairColumns, as_rated, read_coupled
from regard.tasks.tag.data import read_tagged
from regard.tasks.tag.file_formats import TagLayout

SOURCE = Path(regard.data.__file__).parents[1]
READERS = sorted([*SOURCE.glob("data/*.py"), *SOURCE.glob("tasks/**/*.py")])


def kinds(source: str) -> set[str]:
    """The literal kinds that `RecordError` and `RecordError.at` are given, also by `partial`, and both of a choice between two."""
    found = set[str]()
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        names = [ast.unparse(part) for part in (call.func, *call.args[:1])]
        if "RecordError" in names or "RecordError.at" in names:
            before = 3 if "RecordError.at" in names else 1  # place, expected and received; or what was said
            given = [*call.args[before:], *(word.value for word in call.keywords if word.arg == "kind")]
            found |= {part.value for each in given for part in ast.walk(each) if isinstance(part, ast.Constant)}
    return {kind for kind in found if isinstance(kind, str)}


def test_every_kind_is_known_to_check() -> None:
    said = set().union(*(kinds(path.read_text(encoding="utf-8")) for path in READERS))
    said -= {"empty-"}  # of an f-string, which the next test follows
    assert len(said) > 10 and said <= set(WHY)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"source": "the key", "target": " "}', "empty-target"),
        ('{"source": " ", "target": "a JSON object"}', "empty-source"),
        ('{"source": 3, "target": "received an empty line"}', "no-string"),
        ('{"source": "columns, separated by"}', "missing-key"),
        ('{"source": "an empty source", ', "no-json"),
    ],
)
def test_words_of_the_data_do_not_change_the_kind(tmp_path: Path, line: str, kind: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(f'{{"source": "a", "target": "b"}}\n{line}\n', encoding="utf-8")
    (fault,) = [found for found in each_pair([str(file)], Layout("jsonl")) if isinstance(found, RecordError)]
    assert fault.kind == kind


def test_of_two_texts(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("a\tb\tc\na\t \tthe key\na\ta JSON object\t\nreceived an empty line\n", encoding="utf-8")
    found = read_coupled([str(file)], PairColumns(1, 2, 3))
    assert [fault.kind for fault in found if isinstance(fault, RecordError)] == [
        "empty-source",
        "empty-target",
        "too-few-columns",
    ]


def test_of_ratings_tags_and_quotes(tmp_path: Path) -> None:
    pairs, tagged, quoted = tmp_path / "pairs.tsv", tmp_path / "tags.jsonl", tmp_path / "words.csv"
    pairs.write_text("a\tb\t3\na\tb\tthe key\n", encoding="utf-8")
    tagged.write_text('{"tokens": ["a", "b"], "tags": ["X", "Y"]}\n{"tokens": ["a", "b"], "tags": ["X"]}\n', encoding="utf-8")
    quoted.write_text('a,b\nc,"d" e\n', encoding="utf-8")
    found = [
        *as_rated(read_coupled([str(pairs)], PairColumns(1, 2, 3))),
        *read_tagged([str(tagged)], TagLayout()),
        *each_pair([str(quoted)], Layout("csv", header=False)),
    ]
    assert [fault.kind for fault in found if isinstance(fault, RecordError)] == ["no-rating", "tag-count", "quotes"]
