"""From a file of the field to items, by what its first lines say: what a config leaves out is taken from there, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regard.config import Config, load_config, read_config
from regard.config.data_files import resolve_files
from regard.core.errors import ConfigError, DataError
from regard.data.examples import Item
from regard.data.pairs import read_inputs, read_pairs
from regard.tasks import registry
from regard.tasks.layouts import layout_for, layout_of

Texts = list[tuple[str, str | None, tuple[str, ...]]]


def resolved(file: Path | list[Path], task: str = "transduce", **data: Any) -> tuple[Config, list[str]]:
    said = list[str]()
    files = [str(name) for name in (file if isinstance(file, list) else [file])]
    return resolve_files(read_config({"task": task, "data": {"train": files, **data}}), said.append), said


def texts(items: list[Item]) -> Texts:
    return [(item.source, item.target, item.features) for item in items]


def read(file: Path, **data: Any) -> Texts:
    config, _ = resolved(file, **data)
    return texts(read_pairs(config.data.train, layout_of(config))[0])


WENT: Texts = [("go", "went", ("V", "PST")), ("see", "saw", ("V", "PST"))]
CASES: dict[str, tuple[str, str, dict[str, Any], Texts]] = {
    "UniMorph, features forgotten": ("spa", "go\twent\tV;PST\n\nsee\tsaw\tV;PST\n", {}, WENT),
    "SIGMORPHON 2022": ("a.tsv", "go\tV;PST\twent\nsee\tV;PST\tsaw\n", {}, WENT),
    "features first": ("a.tsv", "V;PST\tgo\twent\nV;PST\tsee\tsaw\n", {}, WENT),
    "a header in another order": ("a.tsv", "Features\tForm\tLemma\nV;PST\twent\tgo\nV;PST\tsaw\tsee\n", {}, WENT),
    "UD's separator": ("a.tsv", "go\twent\tV|PST\nsee\tsaw\tV|PST\n", {}, WENT),
    "commas, as glosses have them": (
        "a.tsv",
        "go\twent\tv,pst\n",
        {"features": 3},
        [("go", "went", ("v", "pst"))],
    ),
    "a separator that was set": (
        "a.tsv",
        "go\twent\tV+PST;X\n",
        {"features": 3, "features_separator": "+"},
        [("go", "went", ("V", "PST;X"))],
    ),
    "no features, since it was said": ("a.tsv", "go\twent\tV;PST\n", {"features": None}, [("go", "went", ())]),
    "comments and a header": ("a.tsv", "# by me\nword\tipa\ncat\tkæt\n#dog\tdɒɡ\n# and so on\n", {}, [("cat", "kæt", ())]),
    "a comment in a file whose first lines have none": ("a.tsv", "cat\tkæt\n" * 1001 + "# so\n", {}, [("cat", "kæt", ())] * 1001),
    "hashtags are data": ("a.tsv", "#a\tb\n#c\td\n", {}, [("#a", "b", ()), ("#c", "d", ())]),
    "another mark": ("a.tsv", "% x\ncat\tkæt\n", {"comment": "%"}, [("cat", "kæt", ())]),
    "no comments, since it was said": ("a.tsv", "# a\tb\nc\td\n", {"comment": "none"}, [("# a", "b", ()), ("c", "d", ())]),
    "CSV with quotes, line ends and commas in cells": (
        "a.csv",
        'word,ipa\n"New, York","n j"\n"say ""a""","s\ne"\n',
        {},
        [("New, York", "n j", ()), ('say "a"', "s\ne", ())],
    ),
    "semicolons": ("a.csv", "Haus;haʊs\nMaus;maʊs\n", {}, [("Haus", "haʊs", ()), ("Maus", "maʊs", ())]),
    "a separator of its own": ("a.txt", "Haus|haʊs\n", {"separator": "|"}, [("Haus", "haʊs", ())]),
    "CMUdict": (
        "cmudict",
        ";;; # x\nA  AH0\nA(1)  EY1\nAALBORG AO1 L B  # place\n",
        {},
        [("A", "AH0", ()), ("A", "EY1", ()), ("AALBORG", "AO1 L B", ())],
    ),
    "WikiPron": ("deu_latn.tsv", "Haus\th aʊ̯ s\nMaus\tm aʊ̯ s\n", {}, [("Haus", "h aʊ̯ s", ()), ("Maus", "m aʊ̯ s", ())]),
    "CLDF": ("forms.csv", "ID,Language_ID,Form,Segments,Source\n1,deu,Hund,h ʊ n t,K02\n", {}, [("Hund", "h ʊ n t", ())]),
    "CLDF, columns said": (
        "forms.csv",
        "ID,Language_ID,Form,Value\n1,deu,a,b\n",
        {"source": "Value", "target": "Form"},
        [("b", "a", ())],
    ),
    "JSON lines as Hugging Face writes them": ("a.jsonl", '{"text": "so", "label": 1}\n', {}, [("so", "1", ())]),
    "a translation": ("a.jsonl", '{"translation": {"en": "dog", "de": "Hund"}}\n', {}, [("dog", "Hund", ())]),
    "a translation, the other way": (
        "a.jsonl",
        '{"translation": {"en": "dog", "de": "Hund"}}\n',
        {"source": "translation.de", "target": "translation.en"},
        [("Hund", "dog", ())],
    ),
    "the last column": ("mfa.dict", "go\t0.9\tg ow\nsee\ts iy\n", {"target": "last"}, [("go", "g ow", ()), ("see", "s iy", ())]),
    "a first line that is data though it looks otherwise": (
        "a.tsv",
        "word\tipa\ncat\tkæt\n",
        {"header": False},
        [("word", "ipa", ()), ("cat", "kæt", ())],
    ),
    "a header above columns by number": ("a.tsv", "x\ty\tz\na\tb\tc\n", {"header": True, "target": 3}, [("a", "c", ())]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_of_the_field_is_read_as_it_is_meant(case: str, tmp_path: Path) -> None:
    name, content, data, told = CASES[case]
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read(tmp_path / name, **data) == told


@pytest.mark.parametrize("case", CASES)
def test_the_resolved_config_reads_the_same_again(case: str, tmp_path: Path) -> None:
    """As it stands in the run folder: evaluation of the same file gives the same items, without looking for anything anew."""
    name, content, data, told = CASES[case]
    (tmp_path / name).write_text(content, encoding="utf-8")
    config, _ = resolved(tmp_path / name, **data)
    file = tmp_path / "run.yaml"
    file.write_text(config.to_yaml(), encoding="utf-8")
    again = load_config(file, [])
    assert texts(read_pairs(again.data.train, layout_of(again))[0]) == told
    assert texts(read_pairs(again.data.train, layout_for(again.data.train, again))[0]) == told
    assert [
        item.source for item in read_inputs(again.data.train[0], layout_for(again.data.train, again, inputs=True)) if item.source
    ] >= [source for source, _, _ in told]


def test_what_was_taken_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("# x\nlemma\tform\tfeatures\ngo\twent\tV;PST\nsee\tsaw\tV;PST\n")
    config, said = resolved(file)
    assert said == [
        f"read as {file}: tsv, 3 columns parted by tabs, a header (lemma, form, features), comments after '#'; "
        "source lemma, target form, features features (parted by ';')."
    ]
    data = config.data
    assert (data.format, data.header, data.comment, data.source, data.features) == ("tsv", True, "#", "lemma", "features")


def test_features_that_are_not_read_are_a_note(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("go\twent\tV;PST\nsee\tsaw\tV;PST\n")
    assert "note: column 3 looks like features, and is not read: data.features: 3." in resolved(file, features=None)[1]
    file.write_text("go\tV;PST\twent\nsee\tV;PST\tsaw\n")
    assert "note: data.target, column 2, looks like features." in resolved(file, source=1, target=2, features=None)[1]


def test_files_of_other_tasks_are_refused_with_the_task(tmp_path: Path) -> None:
    for name, content, task in (
        ("a.conllu", "1\tIn\tin\tADP\t_\t_\t_\t_\t_\t_\n\n", "tag"),
        ("a.txt", "EU B-ORG\nrejects O\n\nPeter B-PER\n", "tag"),
        ("a.json", '{"data": [{"paragraphs": []}]}', "read"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=f"{name}: expected a file of pairs for task transduce.*--task {task}"):
            resolved(tmp_path / name)


def test_labels_and_two_texts_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('label,text\npos,"so, so good"\nneg,bad\n')
    config, _ = resolved(file, task="classify")
    assert (config.data.source, config.data.target) == ("text", "label")
    found = list(registry.of("classify").items([str(file)], config))
    assert [(item.source, item.target) for item in found] == [("so, so good", "pos"), ("bad", "neg")]
    file.write_text("id,premise,hypothesis,label\n1,a b,c,yes\n2,d,e f,no\n")
    config, _ = resolved(file, task="pair")
    found = list(registry.of("pair").items([str(file)], config))
    assert [(item.first, item.second, item.target) for item in found] == [("a b", "c", "yes"), ("d", "e f", "no")]


@pytest.mark.parametrize(
    ("trained", "name", "content", "inputs"),
    [
        ("dog,dɒɡ\ncat,kæt\n", "b.txt", "Yes, sir.\nword\n", ["Yes, sir.", "word"]),  # no CSV by a comma
        ("word,ipa\ncat,kæt\n", "b.csv", "ipa,word\nx,dog\n,cow\n", ["dog", "cow"]),
        ("A  AH0\nA(1)  EY1\n", "b.txt", "New York\nB\n", ["New York", "B"]),
        ("A  AH0\nA(1)  EY1\n", "b.dict", "B  B IY1\nC(2)  S IY1\n", ["B", "C"]),
        ("a\tb\n", "b.jsonl", '{"source": "so"}\n', ["so"]),
    ],
)
def test_another_file_is_read_by_its_own_format(trained: str, name: str, content: str, inputs: list[str], tmp_path: Path) -> None:
    first = tmp_path / ("a.csv" if "," in trained else "a.txt")
    first.write_text(trained)
    config, _ = resolved(first)
    (tmp_path / name).write_text(content)
    layout = layout_for([str(tmp_path / name)], config, inputs=True)
    assert [item.source for item in read_inputs(str(tmp_path / name), layout)] == inputs


def test_comments_keep_answers_line_for_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# x\ncat\tkæt\n")
    config, _ = resolved(tmp_path / "a.tsv")
    (tmp_path / "b.tsv").write_text("dog\n# no\ncow\n")
    layout = layout_for([str(tmp_path / "b.tsv")], config, inputs=True)
    assert [item.source for item in read_inputs(str(tmp_path / "b.tsv"), layout)] == ["dog", "", "cow"]


def test_all_bad_lines_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("".join("a\n" if i % 3 == 0 else f"a{i}\tb\n" for i in range(30)))
    with pytest.raises(DataError) as caught:
        read(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: expected lines that can be read; received 10 of 30 at fault.")
    assert all(f"{file}:{n}: expected at least 2 columns" in said for n in (1, 4, 7, 10, 13)) and f"{file}:16" not in said
    assert f"and 5 more; all of them: regard check {file}" in said and "data.on_bad_line: skip" in said
    file.write_bytes(b"# a comment\nword\ncaf\xe9\tk\n")
    with pytest.raises(DataError, match=":3: expected UTF-8"):  # the encoding before all else
        read(file)


def test_a_quote_that_is_not_closed_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('a,b\n"c,d\ne,f\n')
    with pytest.raises(DataError, match=r"a\.csv:2: expected cells as CSV has them.*a quote that is opened"):
        read(file)


def test_parquet_needs_pyarrow_or_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        file.write_bytes(b"PAR1")
        with pytest.raises(DataError, match=r"pip install -e '\.\[parquet\]'"):
            read(file)
        return
    parquet.write_table(pyarrow.table({"text": ["so", "no"], "label": [1, 0]}), file)
    assert read(file, source="text", target="label") == [("so", "1", ()), ("no", "0", ())]
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="expected a whole Parquet file"):
        read(file)


def test_a_layout_refuses_what_means_nothing() -> None:
    for data in ({"separator": "two marks"}, {"comment": ""}, {"format": "xls"}, {"header": "yes"}):
        with pytest.raises(ConfigError):
            read_config({"data": data})


def test_real_files_give_the_items_that_they_gave(data_root: Path) -> None:
    """Counts of lines: every line of the clean files is an item."""
    for name in ("g2p/sigmorphon2020/fre_valid.tsv", "inflection/conll2018/turkish_valid.tsv", "g2p/cmudict/valid.tsv"):
        lines = (data_root / name).read_text(encoding="utf-8").splitlines()
        found = read(data_root / name)
        assert [(source, target) for source, target, _ in found] == [tuple(line.split("\t")[:2]) for line in lines]


def test_validation_files_are_read_by_their_own_format(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("word\tipa\ncat\tkæt\n")
    (tmp_path / "b.jsonl").write_text('{"word": "dog", "ipa": "dɒɡ"}\n')
    config, _ = resolved(tmp_path / "a.tsv", valid=[str(tmp_path / "b.jsonl")])
    found = registry.of("transduce").read(config, str)
    assert [(item.source, item.target) for item in found.train] == [("cat", "kæt")]
    assert [(group.source, group.references) for group in found.valid] == [("dog", ("dɒɡ",))]
