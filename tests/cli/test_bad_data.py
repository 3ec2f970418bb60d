"""Bad input: every message names the file and the line, what was expected, what was received, and what to do."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from regard import runs
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.columns import Layout
from regard.data.pairs import read_inputs, read_pairs
from regard.data.text_files import fingerprint

GZIP = gzip.compress(b"a\tb\n" * 2_000)
LEMMA = Layout(source="lemma", target="form")

# file names and bytes, the layout, and what the message must say.  {x.tsv} stands for the path of that file.
FAULTS: dict[str, tuple[dict[str, bytes], Layout, list[str]]] = {
    "line counts that differ": (
        {"x.de": b"a\nb\nc\n", "x.en": b"a\nb\n"},
        Layout(),
        ["{x.de} and {x.en}", "the same number of lines", "3 and 2 lines", "Find the line"],
    ),
    "an empty file beside a full one": ({"x.de": b"", "x.en": b"a\nb\n"}, Layout(), ["{x.de} and {x.en}", "0 and 2 lines"]),
    "an empty file": (
        {"x.tsv": b""},
        Layout(),
        ["{x.tsv}", "lines with a source and a target", "no lines", "Give a file with data"],
    ),
    "UTF-16 without a mark": (
        {"x.tsv": "ab\tc\nb\td\n".encode("utf-16-le")},
        Layout(),
        ["{x.tsv}:1", "expected text", "NUL bytes", "UTF-16", "iconv -f UTF-16LE -t UTF-8"],
    ),
    "UTF-16 the other way": ({"x.tsv": "ab\tc\nb\td\n".encode("utf-16-be")}, Layout(), ["{x.tsv}:1", "NUL bytes", "UTF-16"]),
    "UTF-16 of another script": (
        {"x.tsv": "żab\tżaba ja\n".encode("utf-16-le")},
        Layout(),
        ["{x.tsv}:1", "UTF-16", "iconv -f UTF-16LE -t UTF-8"],
    ),
    "UTF-16 of the IPA": (
        {"x.tsv": "kart\tkʰ ɑ ɹ tʰ\nbɯɾɯ\tβ ɯ ɾ ɯ\n".encode("utf-16-le")},
        Layout(),
        ["{x.tsv}:1", "UTF-16", "iconv -f UTF-16LE -t UTF-8"],
    ),
    "a NUL": ({"x.tsv": b"ab\tc\nb\td and more\0\n"}, Layout(), ["{x.tsv}:2", "1 NUL bytes, the first as byte 13", "Remove it"]),
    "old line ends": ({"x.tsv": b"ab\tc\rb\td\rc\te\r"}, Layout(), ["{x.tsv}", "line feed", "3 returns (CR)", "tr '"]),
    "old line ends, and one of today": ({"x.tsv": b"ab\tc\rb\td\rc\te\n"}, Layout(), ["{x.tsv}", "line feed", "2 returns (CR)"]),
    "an empty packed file": ({"x.tsv.gz": gzip.compress(b"")}, Layout(), ["{x.tsv.gz}", "no lines"]),
    "nothing but a BOM": ({"x.jsonl": b"\xef\xbb\xbf"}, Layout(), ["{x.jsonl}:1", "a JSON object", "an empty line"]),
    "two empty files": ({"x.de": b"", "x.en": b""}, Layout(), ["{x.de} + {x.en}", "no lines"]),
    "an empty file where a header belongs": ({"x.tsv": b""}, LEMMA, ["{x.tsv}", "a header", "an empty file"]),
    "a header and nothing else": ({"x.tsv": b"lemma\tform\n"}, LEMMA, ["{x.tsv}", "no lines"]),
    "Latin-1": ({"x.tsv": b"a\tb\nc\tcaf\xe9s\n"}, Layout(), ["{x.tsv}:2", "UTF-8", "byte 0xe9 as byte 6 of the line", "iconv"]),
    "Latin-1 behind a BOM": ({"x.tsv": b"\xef\xbb\xbfa\t\xe9\n"}, Layout(), ["{x.tsv}:1", "byte 6 of the line"]),
    "Latin-1 in the target file": ({"x.de": b"a\nb\n", "x.en": b"a\n\xff\n"}, Layout(), ["{x.en}:2", "byte 0xff as byte 1"]),
    "UTF-16": ({"x.tsv": "a\tb\n".encode("utf-16")}, Layout(), ["{x.tsv}:1", "UTF-8", "looks like UTF-16"]),
    "gzip without its name": ({"x.tsv": GZIP}, Layout(), ["{x.tsv}:1", "looks like gzip", ".gz"]),
    "a name of gzip without gzip": ({"x.tsv.gz": b"a\tb\n"}, Layout(), ["{x.tsv.gz}", "a whole gzip file", "Not a gzipped file"]),
    "half a gzip file": ({"x.tsv.gz": GZIP[:-12]}, Layout(), ["{x.tsv.gz}", "a whole gzip file", "Copy or pack it again"]),
    "a damaged gzip file": ({"x.tsv.gz": GZIP[:20] + b"\xff" * 9 + GZIP[29:]}, Layout(), ["{x.tsv.gz}", "a whole gzip file"]),
    "a missing column": (
        {"x.tsv": b"a\tb\nonly one\n"},
        Layout(),
        ["{x.tsv}:2", "at least 2 columns, separated by tabs", "1 column ('only one')", "data.on_bad_line: skip"],
    ),
    "a column number too high": ({"x.tsv": b"a\tb\n"}, Layout(target=5), ["{x.tsv}:1", "at least 5", "2 columns ('a', 'b')"]),
    "a missing name": (
        {"x.tsv": b"lemma\tforms\tlemma2\n"},
        LEMMA,
        [
            "{x.tsv}:1 (header)",
            "'form' for data.target",
            "'lemma', 'forms', 'lemma2'",
            "Set data.target",
            "Did you mean 'forms'?",
        ],
    ),
    "a name that occurs twice": ({"x.tsv": b"lemma\tform\tform\n"}, LEMMA, ["{x.tsv}:1", "one column 'form'"]),
    "an empty source": ({"x.tsv": b"a\tb\n\tc\n"}, Layout(), ["{x.tsv}:2", "an empty source", "on_bad_line: skip"]),
    "an empty target": ({"x.tsv": b"a\tb\nc\t \n"}, Layout(), ["{x.tsv}:2", "an empty target", "Correct the line"]),
    "an empty line": ({"x.tsv": b"a\tb\n\nc\td\n"}, Layout(), ["{x.tsv}:2", "an empty line"]),
    "an empty source line": ({"x.de": b"a\n\n", "x.en": b"a\nb\n"}, Layout(), ["{x.de}:2", "an empty source"]),
    "an empty target line": ({"x.de": b"a\nb\n", "x.en": b"a\n\r\n"}, Layout(), ["{x.en}:2", "an empty target"]),
    "bad JSON": ({"x.jsonl": b'{"source": "a"\n'}, Layout(), ["{x.jsonl}:1", "a JSON object", "delimiter"]),
    "JSON that is no object": ({"x.jsonl": b'["a", "b"]\n'}, Layout(), ["{x.jsonl}:1", "a JSON object", '["a", "b"]']),
    "JSON too deep": ({"x.jsonl": b'{"source":' + b"[" * 200_000}, Layout(), ["{x.jsonl}:1", "a JSON object"]),
    "a missing key": (
        {"x.jsonl": b'{"sources": "a", "target": "b"}\n'},
        Layout(),
        ["{x.jsonl}:1", "the key 'source'", "'sources', 'target'", "Did you mean 'sources'?"],
    ),
    "a source that is no string": (
        {"x.jsonl": b'{"source": 3, "target": "b"}\n'},
        Layout(),
        ["{x.jsonl}:1, key 'source'", "a string", "3"],
    ),
    "a source that is a list": ({"x.jsonl": b'{"source": ["a"], "target": "b"}\n'}, Layout(), ["key 'source'", '["a"]']),
    "a reference that is no string": (
        {"x.jsonl": b'{"source": "a", "target": ["b", null]}'},
        Layout(),
        ["key 'target'", '["b", null]'],
    ),
    "no reference": ({"x.jsonl": b'{"source": "a", "target": []}'}, Layout(), ["{x.jsonl}:1", "an empty target"]),
    "an empty reference": ({"x.jsonl": b'{"source": "a", "target": ["b", ""]}'}, Layout(), ["{x.jsonl}:1", "an empty target"]),
    "half a character": ({"x.jsonl": b'{"source": "\\ud800", "target": "b"}'}, Layout(), ["{x.jsonl}:1", "whole characters"]),
    "an empty line of JSONL": ({"x.jsonl": b"\n"}, Layout(), ["{x.jsonl}:1", "a JSON object", "an empty line"]),
    "one file of two": ({"x.de": b"a\n"}, Layout(format="lines"), ["data.format lines", "2 files", "1: {x.de}"]),
    "two files with columns": ({"a.tsv": b"a\tb\n", "b.tsv": b"a\tb\n"}, Layout(), ["{a.tsv} and {b.tsv}", "Set data.format"]),
    "three files": ({"a": b"a\n", "b": b"a\n", "c": b"a\n"}, Layout(), ["2 files, source and target", "3: {a}, {b}, {c}"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_is_named_explained_and_corrected(fault: str, tmp_path: Path) -> None:
    contents, layout, said = FAULTS[fault]
    paths = {name: str(tmp_path / name) for name in contents}
    for name, content in contents.items():
        Path(paths[name]).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_pairs(list(paths.values()), layout)
    text = str(caught.value)
    assert caught.value.exit_code == 2
    assert ": expected " in text and "; received " in text
    for part in said:
        for name, path in paths.items():
            part = part.replace("{" + name + "}", path)
        assert part in text
    assert len(text) < 900, "a message is for people"


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("x.tsv", b"x\n"),
        ("x.tsv", b"\n"),
        ("x.tsv", b"\t\n"),
        ("x.jsonl", b"{\n"),
        ("x.jsonl", b'{"source": 1}\n'),
        ("x.jsonl", b"\n"),
    ],
)
def test_a_bad_line_is_skipped_where_asked_and_a_bad_file_never(name: str, bad: bytes, tmp_path: Path) -> None:
    good = b"a\tb\n" if name == "x.tsv" else b'{"source": "a", "target": "b"}\n'
    path = tmp_path / name
    path.write_bytes(good + bad + good)
    with pytest.raises(DataError, match=r"Or set data\.on_bad_line: skip\."):
        read_pairs([str(path)], Layout())
    items, report = read_pairs([str(path)], Layout(), on_bad_line="skip")
    assert len(items) == 2 and [why.split(": expected")[0].split(",")[0] for why in report.skipped] == [f"{path}:2"]
    path.write_bytes(bad * 3)
    with pytest.raises(DataError, match="received 3 bad lines; the first: "):
        read_pairs([str(path)], Layout(), on_bad_line="skip")
    path.write_bytes(good + b"\xff\tb\n")
    with pytest.raises(DataError, match="expected UTF-8"):
        read_pairs([str(path)], Layout(), on_bad_line="skip")


def test_line_counts_are_compared_though_bad_lines_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.de").write_text("a\n\nc\n")
    (tmp_path / "x.en").write_text("a\nb\n")
    with pytest.raises(DataError, match="3 and 2 lines"):
        read_pairs([str(tmp_path / "x.de"), str(tmp_path / "x.en")], Layout(), on_bad_line="skip")


@pytest.mark.parametrize("read", [lambda file: read_pairs([file], Layout()), lambda file: list(read_inputs(file, Layout()))])
def test_a_file_that_is_not_there_is_looked_for(read, tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match=r"trian\.tsv: expected a file; received no such name in .*Did you mean 'train\.tsv'\?"):
        read(str(tmp_path / "trian.tsv"))
    with pytest.raises(DataError, match=r"expected a file; received no folder .*nowhere\. Correct the path"):
        read(str(tmp_path / "nowhere" / "x.tsv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError, match=r"a folder of parts; received no file in it|a file that can be read; received Is a directory"
    ):
        read(str(tmp_path / "empty"))


def test_a_fingerprint_needs_a_file(tmp_path: Path) -> None:
    for file in ("-", str(tmp_path / "none"), str(tmp_path)):
        with pytest.raises(DataError, match=r"expected a (file|folder of parts)"):
            fingerprint([file])


def test_no_file_at_all() -> None:
    with pytest.raises(DataError, match="expected a file; received none"):
        read_pairs([], Layout(format="tsv"))


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.on_bad_line: expected error \| skip; received 'skipp'.*Did you mean 'skip'"):
        read_pairs([str(tmp_path)], Layout(), on_bad_line="skipp")


@pytest.mark.parametrize(
    ("name", "content", "layout", "said"),
    [
        ("x.tsv", b"a\nb\tc\n", Layout(source=3, target=4), "x.tsv:2: expected at least 3 columns"),
        ("x.tsv", b"a\n\xe9\n", Layout(), "x.tsv:2: expected UTF-8"),
        ("x.tsv", b"lemme\ttags\n", LEMMA, "one column 'lemma' for data.source; received 'lemme', 'tags'"),
        (
            "x.tsv",
            b"lemma\tform\n",
            Layout(source="lemma", target="form", features="tags"),
            "one column 'tags' for data.features",
        ),
        ("x.jsonl", b'{"text": "a"}\n', Layout(), "x.jsonl:1: expected the key 'source'; received 'text'"),
        ("x.jsonl", b"{}\n", Layout(), "received no keys"),
    ],
)
def test_prediction_stops_at_a_line_without_a_source_column(
    name: str, content: bytes, layout: Layout, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_inputs(str(tmp_path / name), layout))
    assert said in str(caught.value) and caught.value.exit_code == 2
    assert "on_bad_line" not in str(caught.value), "prediction never skips a line: its output is line for line"


def test_standard_input_is_named_in_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"a\n\xe9\n")

    monkeypatch.setattr(sys, "stdin", Stdin())
    with pytest.raises(DataError, match="<stdin>:2: expected UTF-8"):
        list(read_inputs("-", Layout()))


def test_standard_input_cannot_be_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is read."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="-: expected a file: training reads its data again; received standard input"):
        runs.train(read_config({"data": {"train": ["-"]}}), tmp_path / "run", say=str)
    assert not (tmp_path / "run").exists()
