"""Names of data that stand for several files: folders, patterns, saved datasets; their order, and what is no such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard.core.errors import DataError
from regard.data.columns import Layout
from regard.data.file_format import recognize
from regard.data.pairs import read_pairs
from regard.data.parts import find_parts
from regard.data.plain_text import PlainText, read_plain
from regard.data.text_files import fingerprint, refuse_streams

NUMBERS = (1, 2, 10)


def parts(folder: Path, ending: str = ".tsv", text: str = "w{n}\tv{n}\n") -> Path:
    folder.mkdir()
    for n in NUMBERS:
        (folder / f"part-{n}{ending}").write_text(text.format(n=n))
    return folder


def test_parts_are_in_natural_order_and_items_name_theirs(tmp_path: Path) -> None:
    folder = parts(tmp_path / "parts")
    for hidden in (".crc", "_SUCCESS", "manifest.json"):
        (folder / hidden).write_text("")
    expected = tuple(str(folder / f"part-{n}.tsv") for n in NUMBERS)
    for name in (str(folder), str(folder / "*.tsv"), str(tmp_path / "**" / "*.tsv")):
        assert find_parts(name) == expected
    items, report = read_pairs([str(folder)], Layout())
    assert [(item.source, item.target, str(item.place)) for item in items] == [
        (f"w{n}", f"v{n}", f"{folder / f'part-{n}.tsv'}:1") for n in NUMBERS
    ]
    assert str(report) == f"{folder}: 3 lines, 3 items."
    assert list(fingerprint([str(folder)])) == list(expected)
    refuse_streams([str(folder)])


def test_what_is_there_is_itself(tmp_path: Path) -> None:
    odd = tmp_path / "a[1].tsv"
    odd.write_text("x\ty\n")
    assert find_parts(str(odd)) == (str(odd),)
    assert find_parts("-") == ("-",) and find_parts("nowhere.tsv") == ("nowhere.tsv",)


def test_line_aligned_folders_go_part_by_part(tmp_path: Path) -> None:
    left, right = parts(tmp_path / "en", ".txt", "dog {n}\n"), parts(tmp_path / "de", ".txt", "Hund {n}\n")
    items, _ = read_pairs([str(left), str(right)], Layout())
    assert [(item.source, item.target) for item in items] == [(f"dog {n}", f"Hund {n}") for n in NUMBERS]
    (right / "part-10.txt").unlink()
    with pytest.raises(DataError, match="as many parts on each side; received 3 parts and 2 parts"):
        read_pairs([str(left), str(right)], Layout())


@pytest.mark.parametrize(
    ("spoil", "name", "expected"),
    [
        ("", "parts/*.tvs", r"files that match it; received none; in .*part-1\.tsv.*Did you mean '\*\.tsv'\?"),
        ("", "part/*.tsv", r"received no folder .*part\. Correct the path\. Did you mean 'parts'\?"),
        ("nothing", "none", "a folder of parts; received no file in it"),
        ("folders", "outer", r"received folders: .*outer/test, .*outer/train\. Name one of them"),
        ("mixed", "parts", r"parts of one format; received jsonl \(.*x\.jsonl\) and tsv \(.*\)\. Name the parts by a pattern"),
        ("empty", "parts", r"part-5\.tsv: expected a part of .*parts with data; received an empty file"),
    ],
)
def test_what_is_no_set_of_parts_is_named(tmp_path: Path, spoil: str, name: str, expected: str) -> None:
    folder = parts(tmp_path / "parts")
    if spoil == "nothing":
        (tmp_path / "none").mkdir()
    elif spoil == "folders":
        for inner in ("train", "test"):
            (tmp_path / "outer" / inner).mkdir(parents=True)
    elif spoil == "mixed":
        (folder / "x.jsonl").write_text("{}\n")
    elif spoil == "empty":
        (folder / "part-5.tsv").touch()
    with pytest.raises(DataError, match=expected):
        refuse_streams([str(tmp_path / name)])


def test_a_bad_line_names_its_part(tmp_path: Path) -> None:
    folder = parts(tmp_path / "parts")
    (folder / "part-2.tsv").write_text("fine\tit\nonly one\n")
    with pytest.raises(DataError, match=r"part-2\.tsv:2: expected at least 2 columns"):
        read_pairs([str(folder)], Layout())


# Arrow and Parquet


def saved(folder: Path, rows: dict[str, list[object]], features: dict[str, object]) -> Path:
    """A folder as `datasets.Dataset.save_to_disk` lays it out: streams of Arrow, in the order of state.json."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads Arrow, is not installed")
    folder.mkdir(parents=True)
    table = pyarrow.table(rows).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    names = [f"data-{i:05}-of-00002.arrow" for i in (1, 0)]
    half = len(table) // 2
    for name, piece in zip(names, (table.slice(0, half), table.slice(half)), strict=True):
        with pyarrow.OSFile(str(folder / name), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(piece)
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    return folder


def test_a_saved_dataset_is_read_in_its_own_order_with_names_of_classes(tmp_path: Path) -> None:
    features = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
    folder = saved(tmp_path / "train", {"text": ["a", "b", "c", "d"], "label": [0, 1, 1, -1]}, features)
    found = recognize(find_parts(str(folder))[0])
    assert (found.format, found.source, found.target) == ("parquet", "text", "label")
    items, _ = read_pairs([str(folder)], Layout(source="text", target="label"))
    assert [(item.source, item.target) for item in items] == [("a", "neg"), ("b", "pos"), ("c", "pos"), ("d", "-1")]
    assert str(items[2].place) == f"{folder / 'data-00000-of-00002.arrow'}:1"
    texts = [text.text for text in read_plain([str(folder)], kind="auto", column="text") if isinstance(text, PlainText)]
    assert texts == ["a", "b", "c", "d"]
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(DataError, match=r"one set of rows; received several: .*train\. Name one of them"):
        find_parts(str(tmp_path))


def test_keys_within_an_object(tmp_path: Path) -> None:
    rows: dict[str, list[object]] = {"translation": [{"en": "dog", "de": "Hund"}, {"en": "cat", "de": "Katze"}]}
    folder = saved(tmp_path / "train", rows, {})
    found = recognize(find_parts(str(folder))[0])
    assert (found.source, found.target) == ("translation.en", "translation.de")
    items, _ = read_pairs([str(folder)], Layout(source="translation.de", target="translation.en"))
    assert [(item.source, item.target) for item in items] == [("Hund", "dog"), ("Katze", "cat")]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (
            {"text": ["a"], "label": ["b"]},
            {"source": "txt", "target": "label"},
            r"one column 'txt' for data\.source; received 'text'",
        ),
        (
            {"text": [1.5], "label": ["b"]},
            {"source": "text", "target": "label"},
            r"expected texts in the column 'text' \(data\.source\)",
        ),
        ({"text": ["a"], "label": [b"b"]}, {"source": "text", "target": "label"}, "received values of the type binary"),
        ({"text": [], "label": []}, {"source": "text", "target": "label"}, "part-1.parquet: expected rows; received none"),
    ],
)
def test_columns_that_are_not_as_they_are_wanted_are_one_error(
    tmp_path: Path, rows: dict[str, list[object]], columns: dict[str, str], expected: str
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, which reads Parquet, is not installed")
    import pyarrow

    good = pyarrow.table({"text": ["a"], "label": ["b"]})
    table = pyarrow.table(rows) if rows["text"] else good.slice(0, 0)
    (tmp_path / "parts").mkdir()
    parquet.write_table(table, tmp_path / "parts" / "part-1.parquet")
    with pytest.raises(DataError, match=expected):
        read_pairs([str(tmp_path / "parts")], Layout(**columns))


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    folder = saved(tmp_path / "train", {"text": ["a", "b"], "label": ["x", "y"]}, {})
    last = folder / "data-00000-of-00002.arrow"
    last.write_bytes(last.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"data-00000-of-00002\.arrow: expected a whole Arrow file"):
        read_pairs([str(folder)], Layout(source="text", target="label"))
