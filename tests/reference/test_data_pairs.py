"""Files to items: what a person can read off a few lines, the reader must too."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.core.errors import ConfigError, DataError
from regard.data.columns import Layout
from regard.data.examples import Group, Item, Place, group, overlap, split
from regard.data.pairs import read_inputs, read_pairs
from regard.data.text_files import fingerprint

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and give its name; a name with .gz is packed."""

    def make(name: str, content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return str(tmp_path / name)

    return make


def texts(items: list[Item]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(item.source, item.target, item.features) for item in items]


@pytest.mark.parametrize("name", ["data.tsv", "data.tsv.gz", "data.txt"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_tsv_is_read_packed_or_not_with_any_line_end_and_with_a_bom(write: Write, name: str, end: str, bom: str) -> None:
    file = write(name, bom + end.join(["cat\tk æ t", "chat\tʃ a\tignored"]))  # the last line has no end
    items, report = read_pairs([file], Layout())
    assert texts(items) == [("cat", "k æ t", ()), ("chat", "ʃ a", ())]
    assert [str(item.place) for item in items] == [f"{file}:1", f"{file}:2"]
    assert (report.lines, report.items, report.skipped) == (2, 2, [])


def test_columns_go_by_number_or_by_the_name_in_the_header(write: Write) -> None:
    lines = "form\tlemma\ttags\nwent\tgo\tV; PST;;\nmice\tmouse\t\n"
    named, _ = read_pairs([write("a.tsv", lines)], Layout(source="lemma", target="form", features="tags"))
    numbered, _ = read_pairs([write("b.tsv", lines.partition("\n")[2])], Layout(source=2, target=1, features=3))
    mixed, _ = read_pairs([write("c.tsv", lines)], Layout(source="lemma", target=1))
    assert texts(named) == texts(numbered) == [("go", "went", ("V", "PST")), ("mouse", "mice", ())]
    assert texts(mixed) == [("go", "went", ()), ("mouse", "mice", ())]
    assert [item.place.line for item in named] == [2, 3]


def test_two_files_are_read_line_for_line_with_their_tabs(write: Write) -> None:
    items, report = read_pairs([write("x.de", "ein Hund\nzwei\tTiere\n"), write("x.en.gz", "a dog\ntwo animals")], Layout())
    assert texts(items) == [("ein Hund", "a dog", ()), ("zwei\tTiere", "two animals", ())]
    assert report.lines == 2


def test_jsonl_takes_several_references_and_features(write: Write) -> None:
    records = [
        {"source": "tomato", "target": ["t ə m eɪ", "t ə m ɑː"], "features": "N;SG"},
        {"target": "é\u2028ü", "source": "x", "features": ["A", "B"], "more": 3},
    ]
    file = write("d.jsonl", "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    items, report = read_pairs([file], Layout(features=3))
    assert texts(items) == [
        ("tomato", "t ə m eɪ", ("N", "SG")),
        ("tomato", "t ə m ɑː", ("N", "SG")),
        ("x", "é\u2028ü", ("A", "B")),  # a line separator inside a text is no line's end
    ]
    assert (report.lines, report.items) == (2, 3)


def test_jsonl_keys_have_names(write: Write) -> None:
    file = write("d.jsonl", '{"en": "dog", "fr": "chien"}\n')
    assert texts(read_pairs([file], Layout(source="en", target="fr"))[0]) == [("dog", "chien", ())]


def test_several_files_with_columns_are_read_one_after_another(write: Write) -> None:
    files = [write("a.tsv", "a\tb\n"), write("b.tsv", "c\td\n")]
    assert texts(read_pairs(files, Layout(format="tsv"))[0]) == [("a", "b", ()), ("c", "d", ())]


@pytest.mark.parametrize(
    ("files", "format"),
    [(["x.tsv"], "tsv"), (["x.jsonl.gz"], "jsonl"), (["x.txt"], "tsv"), (["a.de", "a.en.gz"], "lines"), (["-"], "tsv")],
)
def test_auto_goes_by_the_names_and_the_number_of_files(files: list[str], format: str) -> None:
    assert Layout().resolved(files).format == format


def test_unicode_and_case_change_source_and_target_but_not_features(write: Write) -> None:
    file = write("x.tsv", "É\tÀB\tFÉ\nİ\tx\tF\n")
    composed, _ = read_pairs([file], Layout(features=3, unicode="nfc", lowercase=True))
    assert texts(composed)[0] == ("é", "àb", ("FÉ",))
    apart, _ = read_pairs([file], Layout(unicode="nfd"))
    assert apart[0].source == "E\u0301" and apart[0].target == "A\u0300B"
    assert all(unicodedata.is_normalized("NFC", item.source) for item in composed)  # also after lower-casing İ
    assert read_pairs([file], Layout())[0][0].source == "É"


def test_bad_lines_are_skipped_counted_and_named_when_asked(write: Write) -> None:
    file = write("x.tsv", "a\tb\n\t\nc\n \td\ne\t \nf\tg\n" + "\n" * 4)
    items, report = read_pairs([file], Layout(), on_bad_line="skip")
    assert texts(items) == [("a", "b", ()), ("f", "g", ())]
    assert [why.partition(": ")[0] for why in report.skipped] == [f"{file}:{n}" for n in (2, 3, 4, 5, 7, 8, 9, 10)]
    said = str(report)
    assert "10 lines, 2 items" in said and "8 bad lines were skipped" in said and f"{file}:3" in said and "and 3 more" in said


def test_prediction_gets_an_item_for_every_line(write: Write) -> None:
    file = write("x.tsv", "\ufeffa\tb\r\n\r\nc\n\td\n  \ne\t\n")
    items = list(read_inputs(file, Layout(lowercase=True)))
    assert texts(items) == [("a", "b", ()), ("", None, ()), ("c", None, ()), ("", "d", ()), ("", None, ()), ("e", None, ())]
    assert [item.place.line for item in items] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("layout", "line", "expected"),
    [
        (Layout(features=3), "go\twent\tV;PST", ("go", "went", ("V", "PST"))),
        (Layout(features=3), "go\t\tV;PST", ("go", None, ("V", "PST"))),
        (Layout(features=3), "go\tV;PST", ("go", None, ("V", "PST"))),  # the target column left out
        (Layout(features=3), "go", ("go", None, ())),
        (Layout(target=3, features=2), "go\tV;PST", ("go", None, ("V", "PST"))),
        (Layout(source=2, target=1), "我们", ("我们", None, ())),  # the source alone
        (Layout(source=2, target=1), "we\t我们", ("我们", "we", ())),
        (Layout(target=4), "go\tx", ("go", None, ())),
        (Layout(format="lines"), "tab\there", ("tab\there", None, ())),
    ],
)
def test_prediction_reads_the_training_columns_and_the_target_may_be_missing(
    write: Write, layout: Layout, line: str, expected: tuple[str, str | None, tuple[str, ...]]
) -> None:
    assert texts(list(read_inputs(write("x.txt", line + "\n"), layout))) == [expected]


def test_prediction_with_a_header_does_without_the_target(write: Write) -> None:
    file = write("x.tsv", "tags\tlemma\nV;PST\tgo\n\n")
    items = list(read_inputs(file, Layout(source="lemma", target="form", features="tags")))
    assert texts(items) == [("go", None, ("V", "PST")), ("", None, ())]


def test_prediction_from_jsonl_takes_the_first_reference_or_none(write: Write) -> None:
    file = write("x.jsonl", '{"source": "a", "target": ["b", "c"]}\n\n{"source": "d"}\n{"source": "e", "target": null}\n')
    assert [(item.source, item.target) for item in read_inputs(file, Layout())] == [
        ("a", "b"),
        ("", None),
        ("d", None),
        ("e", None),
    ]


class Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_a_dash_is_standard_input_read_lazily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\tb\nc\td\n\xff\n"))
    found = read_inputs("-", Layout())
    first = next(found)  # nothing beyond the first line is asked for yet
    assert (first.source, str(first.place)) == ("a", "<stdin>:1")
    assert next(found).source == "c"
    with pytest.raises(DataError, match="<stdin>:3"):
        next(found)
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\tb\n"))
    assert texts(read_pairs(["-"], Layout())[0]) == [("a", "b", ())]


def item(source: str, target: str, line: int, features: tuple[str, ...] = ()) -> Item:
    return Item(source, target, features, Place("f", line))


def test_items_of_one_source_and_features_are_one_group() -> None:
    items = [item("a", "x", 1), item("b", "y", 2), item("a", "z", 3), item("a", "x", 4), item("a", "w", 5, ("PL",))]
    groups = group(items)
    assert [(found.source, found.features, found.references) for found in groups] == [
        ("a", (), ("x", "z")),
        ("b", (), ("y",)),
        ("a", ("PL",), ("w",)),
    ]
    assert [place.line for place in groups[0].places] == [1, 3, 4]
    assert [Group.of(found).references for found in items] == [("x",), ("y",), ("z",), ("x",), ("w",)]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_a_part_set_aside_shares_no_source_and_is_the_same_again(share: float) -> None:
    items = [item(f"s{line % 61}", f"t{line}", line) for line in range(211)]
    train, valid = split(items, share, 3)
    assert train and valid and len(train) + len(valid) == len(items)
    assert not {x.source for x in train} & {x.source for x in valid}
    assert overlap(train, valid) == 0
    assert abs(len(valid) - share * len(items)) <= 4  # a source has 3 or 4 items
    assert [x.place.line for x in train] == sorted(x.place.line for x in train)
    again, swapped = split(items, share, 3), split(items[::-1], share, 3)
    assert (train, valid) == again
    assert {x.source for x in valid} == {x.source for x in swapped[1]}, "the order of the lines decides nothing"


def test_another_seed_sets_other_items_aside() -> None:
    items = [item(f"s{line}", "t", line) for line in range(101)]
    assert split(items, 0.1, 1)[1] != split(items, 0.1, 2)[1]


@pytest.mark.parametrize("seed", range(20))
def test_labels_of_one_source_alone_stay_in_training(seed: int) -> None:
    items = [item(f"s{line % 30}", "rare" if line % 30 in (3, 4) else f"own {line % 30 % 7}", line) for line in range(60)]
    train, valid = split(items, 0.5, seed, kinds=lambda x: [x.target])
    assert {x.target for x in train} == {x.target for x in items}
    assert not {x.source for x in train} & {x.source for x in valid}
    assert 25 <= len(valid) <= 30, "the share is kept as far as labels allow it"


def test_where_each_label_is_of_one_source_nothing_can_be_set_aside() -> None:
    items = [item(f"s{line}", f"t{line}", line) for line in range(9)]
    with pytest.raises(DataError, match="a source to set aside whose labels others have too; received none"):
        split(items, 0.3, 1, kinds=lambda x: [x.target])


def test_overlap_counts_validation_items() -> None:
    train = [item("a", "x", 1), item("a", "y", 2)]
    assert overlap(train, [item("a", "z", 1), item("b", "x", 2), item("a", "x", 3)]) == 2


def test_fingerprint_is_the_sha256_of_the_file(write: Write) -> None:
    file = write("x.bin", b"regard" * 300_000)
    assert fingerprint([file]) == {file: hashlib.sha256(b"regard" * 300_000).hexdigest()}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "tvs"}, "Did you mean 'tsv'"),
        ({"unicode": "nfx"}, "none | nfc | nfd"),
        ({"source": 0}, "Count from 1"),
        ({"source": 2}, "different columns"),
    ],
)
def test_a_layout_that_means_nothing_is_refused(options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match="expected") as caught:
        Layout(**options)
    assert said in str(caught.value)


def test_real_files_are_read_whole(data_root: Path) -> None:
    items, _ = read_pairs([str(data_root / f"multi30k/train.{side}.gz") for side in ("en", "de")], Layout())
    assert len(items) == 29_000
    assert items[0].source == "Two young, White males are outside near many bushes."
    inflection, _ = read_pairs([str(data_root / "inflection/conll2018/turkish_valid.tsv")], Layout(features=3))
    assert len(inflection) == 1_000 and all(len(item.features) > 1 for item in inflection)
    chinese, _ = read_pairs([str(data_root / "cmn-eng/train.tsv.gz")], Layout(source=2, target=1))
    assert len(chinese) == 27_601
    words, _ = read_pairs([str(data_root / "g2p/cmudict/valid.tsv")], Layout())
    assert len(group(words)) < len(words) == 6_759  # variants of one word are one group
