"""Tagging files as people have them, through the doors: read alike in train, evaluate, predict and view, and refused before anything is
learnt where they are no tagged sentences; what training never saw counts as wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.core.errors import DataError

TRAIN = {"epochs": 1, "batch_tokens": 120, "samples": 0, "threads": 1}
PLACES = ("Ulm", "Kiel", "Bonn", "Hof")
SENTENCES = [(("go", "to", place, mark), ("O", "O", "B-LOC", "O")) for place in PLACES for mark in "!?."]


def quiet(line: str) -> None:
    pass


def config(train: str, valid: str = "", tag: dict[str, Any] | None = None, **data: Any) -> Any:
    data |= {"train": [train]} | ({"valid": [valid]} if valid else {})
    model = {"encoder": "gru", "embedding": 8, "size": 8}
    return read_config({"task": "tag", "data": data, "model": model, "train": TRAIN, "tag": {"letters": 0, **(tag or {})}})


def columns(sentences: Any) -> str:
    return "\n".join("".join(f"{token} {tag}\n" for token, tag in zip(*sentence, strict=True)) for sentence in sentences)


def conllu(sentences: Any) -> str:
    return "\n".join(
        f"# text = {' '.join(tokens)}\n1-2\tgoto"
        + "\t_" * 8
        + "\n"
        + "".join(
            f"{i}\t{token}\t{token}\t{tag}" + "\t_" * 6 + "\n" for i, (token, tag) in enumerate(zip(tokens, tags, strict=True), 1)
        )
        for tokens, tags in sentences
    )


def jsonl(sentences: Any) -> str:
    return "".join(json.dumps({"tokens": tokens, "ner_tags": tags}) + "\n" for tokens, tags in sentences)


def germeval(sentences: Any) -> str:
    rows = ["".join(f"{i}\t{x}\t{y}\tO\n" for i, (x, y) in enumerate(zip(*s, strict=True), 1)) for s in sentences]
    return "\n".join(f"#\thttp://x.de/{i}\t[2009]\n{row}" for i, row in enumerate(rows))


FORMS = {"columns": columns, "conllu": conllu, "jsonl": jsonl, "germeval": germeval}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tags")
    for name, form in FORMS.items():
        (folder / f"{name}.txt").write_text(form(SENTENCES), encoding="utf-8")
    (folder / "raw.txt").write_text("".join(" ".join(tokens) + "\n" for tokens, _ in SENTENCES), encoding="utf-8")
    for name in FORMS:
        runs.train(config(str(folder / f"{name}.txt")), folder / name, say=quiet)
    return folder


@pytest.mark.parametrize("name", FORMS)
def test_the_same_file_is_read_alike_by_every_door(name, made, capsys, monkeypatch):
    """In each form, whatever the model was trained on: the answers are those of the sentences, one a line."""
    file, model = made / f"{name}.txt", regard.load(made / "columns")
    answers = [p.text for p in model.predict([tokens for tokens, _ in SENTENCES])]
    assert [p.text for p in model.predict([{"tokens": tokens} for tokens, _ in SENTENCES])] == answers
    for given in (file, made / "raw.txt"):
        assert command(["predict", str(made / "columns"), str(given)]) == 0
        assert capsys.readouterr().out.splitlines() == answers
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.read_bytes())))
        assert command(["predict", str(made / "columns"), "-"]) == 0
        assert capsys.readouterr().out.splitlines() == answers
    found = model.evaluate([str(file)])
    assert found["items"] == len(SENTENCES) and found["metrics"] == model.evaluate([str(made / "columns.txt")])["metrics"]
    assert command(["view", str(made / "columns"), str(file), "--out", str(made / f"{name}.html")]) in (0, 2)
    assert "go to Ulm !" in "".join(p.source for p in model.predict([("go", "to", "Ulm", "!")]))


@pytest.mark.parametrize("name", FORMS)
def test_what_is_learnt_from_each_form_is_the_same(name, made):
    for file in ("words.json", "tags.json"):
        assert (made / name / file).read_bytes() == (made / "columns" / file).read_bytes()


def test_a_run_of_conllu_names_its_columns(made, tmp_path, capsys):
    text = (made / "conllu.txt").read_text("utf-8")
    (tmp_path / "x.conllu").write_text(text.replace("LOC", "N"), "utf-8")
    command(["train", "--task", "tag", "--train", str(tmp_path / "x.conllu"), "data.target=lemma", "--print-config"])
    assert "target: lemma" in capsys.readouterr().out
    said: list[str] = []
    runs.train(config(str(tmp_path / "x.conllu"), target="lemma"), tmp_path / "run", say=said.append)
    assert f"{tmp_path / 'x.conllu'}: CoNLL-U, tokens from form, tags from lemma" in said
    assert any("they mark no spans, so each is just a tag" in line for line in said)
    assert regard.load(tmp_path / "run").evaluate([str(tmp_path / "x.conllu")])["items"] == len(SENTENCES)


def changed(old: str, new: str) -> str:
    return columns([(tokens, [tag.replace(old, new) for tag in tags]) for tokens, tags in SENTENCES])


# What is in the file, with what config, and what is said.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "o for O": (changed("O", "o"), {}, r"expected O for what is outside of spans; received 'o', of 36 tokens of 48\. Write O"),
    "0 for O": (changed("O", "0"), {}, r"received '0', of 36 tokens"),
    "another word for O": (changed("O", "OUT"), {}, r"received 'OUT', of 36"),
    "one o among O": (changed("O", "O") + "\nso o\n", {}, r"received 'o', of 1 token of 49"),
    "one tag": (changed("B-LOC", "O"), {}, r"expected at least 2 different ones; received O \(48\) alone"),
    "one tag, no scheme": (changed("B-LOC", "O"), {"scheme": "none"}, r"received O \(48\) alone"),
    "LOC-B": (changed("B-LOC", "LOC-B"), {}, r"expected B-KIND, I-KIND and O; received LOC-B \(12\)\. Write the place first"),
    "B_LOC": (changed("B-LOC", "B_LOC"), {}, r"received B_LOC"),
    "tags of no spans": (changed("B-LOC", "LOC"), {"scheme": "spans"}, r"tags that mark spans \(tag\.scheme: spans\); received O "),
    "IOB1": (changed("B-", "I-"), {}, r"x:3: expected spans that begin with B .*where I may begin a span \(IOB1\), tag\.scheme: iob1"),
    "BIO and BIOES": (
        columns([*SENTENCES, (("New", "York"), ("B-LOC", "I-LOC")), (("Bad", "Ems"), ("B-LOC", "E-LOC"))]),
        {},
        r"x:4: .* received O after B-LOC \(token 4, '!'\), and ends are marked in this file \(.*x:65\)\. One file has one scheme",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_meant_is_refused_before_training(fault, tmp_path):
    text, tag, said = REFUSED[fault]
    (tmp_path / "x").write_text(text, "utf-8")
    with pytest.raises(DataError, match=said):
        runs.train(config(str(tmp_path / "x"), str(tmp_path / "x"), tag), tmp_path / "run", say=quiet)
    assert not (tmp_path / "run").exists()


def test_sentences_of_another_scheme_are_skipped_where_asked(tmp_path):
    ends = [(("Bad", place), ("B-LOC", "E-LOC")) for place in PLACES]
    (tmp_path / "x").write_text(columns([*ends, *SENTENCES]), "utf-8")
    said: list[str] = []
    runs.train(config(str(tmp_path / "x"), on_bad_line="skip"), tmp_path / "run", say=said.append)
    assert any(f"{len(SENTENCES)} bad items were skipped" in line for line in said)


def test_iob1_is_converted_where_asked(tmp_path, capsys):
    """The same run as from the same spans in IOB2; what is answered is IOB2, and IOB1 files are judged so."""
    rows = [(("New", "York", place, "so"), ("I-LOC", "I-LOC", "B-LOC", "O")) for place in PLACES]
    (tmp_path / "1").write_text(columns(rows), "utf-8")
    (tmp_path / "2").write_text(columns([(tokens, ("B-LOC", *tags[1:])) for tokens, tags in rows]), "utf-8")
    for name, scheme in (("1", "iob1"), ("2", "auto")):
        runs.train(config(str(tmp_path / name), tag={"scheme": scheme}), tmp_path / f"run{name}", say=quiet)
    one, two = (regard.load(tmp_path / f"run{name}") for name in "12")
    assert one.evaluate([str(tmp_path / "1")])["metrics"] == two.evaluate([str(tmp_path / "2")])["metrics"]
    assert [p.text for p in one.predict(["New York"])] == [p.text for p in two.predict(["New York"])]


def test_tags_that_mark_nothing_are_said(tmp_path):
    (tmp_path / "x").write_text(columns([*SENTENCES, (("so",), ("LOC",)), (("do",), ("LOC",))]), "utf-8")
    (tmp_path / "y").write_text(jsonl([(tokens, [int(tag != "O") for tag in tags]) for tokens, tags in SENTENCES]), "utf-8")
    for name, words in (("x", "note: these tags mark no place: LOC (2)"), ("y", "tags: 0 (27), 1 (9); they mark no spans")):
        said: list[str] = []
        runs.train(config(str(tmp_path / name), str(tmp_path / name)), tmp_path / f"run{name}", say=said.append)
        assert any(words.split("(")[0] in line for line in said)
    assert any("They are numbers: write their names" in line for line in said)


def test_a_no_break_space_stays_in_its_token_from_file_to_answer(tmp_path, capsys):
    rows = [(("il", "paie", f"{n}\u00a0000", "\u3000"), ("O", "O", "B-NUM", "O")) for n in range(20)]
    (tmp_path / "x").write_text(columns(rows), "utf-8")
    runs.train(config(str(tmp_path / "x")), tmp_path / "run", say=quiet)
    (tmp_path / "raw").write_text("il paie 25\u00a0000 \u3000\n", "utf-8")
    assert command(["predict", str(tmp_path / "run"), str(tmp_path / "raw"), "--format", "jsonl"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["source_tokens"] == ["il", "paie", "25\u00a0000", "\u3000"] and len(found["predictions"][0]["tokens"]) == 4


def test_spans_have_their_characters(made):
    (found,) = regard.load(made / "columns").predict([("go", "to", "New York", "Ulm")])
    for (kind, start, end), (same, first, last) in zip(found.details["spans"], found.details["characters"], strict=True):
        assert same == kind and found.source[first:last] == " ".join(found.source_tokens[start:end])


def test_tags_and_labels_that_training_never_saw_count_as_wrong_and_are_said(tmp_path, capsys):
    """The figures are those of seqeval; the loss is of the sentences that are known alone."""
    names = [str(tmp_path / name) for name in ("in", "out", "label")]
    given = [(" ".join(tokens), " ".join(tags), "go" if "Ulm" in tokens else "stay") for tokens, tags in SENTENCES]
    for name, lines in zip(names, zip(*given, strict=True), strict=True):
        Path(name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    made = read_config({**config("x").model_dump(mode="json"), "data": {"train": names}})
    runs.train(made, tmp_path / "run", say=quiet)
    model = regard.load(tmp_path / "run")
    right = [(p.tokens, p.details["label"]) for p in model.predict([text for text, _, _ in given[:4]])]

    def judged(tags: list[Any], labels: list[str], start: int = 0) -> Any:
        for name, lines in zip(names, ([g[0] for g in given], map(" ".join, tags), labels), strict=True):
            Path(name).write_text("".join(f"{line}\n" for line in list(lines)[start:4]), "utf-8")
        return model.evaluate(names)

    tags, labels = [list(t) for t, _ in right], [label for _, label in right]
    assert judged(tags, labels)["metrics"]["sentence_accuracy"] == 1
    tags[0][3], labels[0] = "B-NEW", "fly"
    found = judged(tags, labels)
    assert found["unseen"] == {"B-NEW": 1, "fly": 1} and found["types"]["NEW"]["right"] == 1
    assert found["metrics"]["token_accuracy"] == 15 / 16 and found["metrics"]["intent_accuracy"] == 3 / 4
    assert found["metrics"]["loss"] == pytest.approx(judged(tags, labels, start=1)["metrics"]["loss"], rel=1e-5)
    assert np.isnan(model.evaluate([written(tmp_path / "x", "Ulm B-NEW\n")])["metrics"]["loss"])  # nothing is left that has one
    assert command(["evaluate", str(tmp_path / "run"), str(tmp_path / "x"), "--errors", str(tmp_path / "e.tsv")]) == 0
    assert "training never saw: B-NEW (1). It counts as wrong" in capsys.readouterr().out
    answer = model.predict(["Ulm"])[0]
    row = (tmp_path / "e.tsv").read_text("utf-8").splitlines()[1].split("\t")
    assert row[:4] == [f"{tmp_path / 'x'}:1", "Ulm", "B-NEW", answer.text] and row[6] == f"B-NEW→{answer.text}"


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_tags_of_validation_data_that_training_never_saw_are_said(made, tmp_path):
    valid, said = written(tmp_path / "v", columns([*SENTENCES, (("Rome", "so"), ("B-NEW", "O"))])), list[str]()
    runs.train(config(str(made / "columns.txt"), valid), tmp_path / "run", say=said.append)
    note = next(line for line in said if "none that training saw" in line)
    assert note.startswith(
        "note: 1 of 50 tags of the validation data are none that training saw: B-NEW (1). They count as wrong;"
    )
    with pytest.raises(DataError, match=r"w:1: expected a tag that training saw \(O, B-LOC\); received 'B-NEW'"):
        runs.train(config(str(made / "columns.txt"), written(tmp_path / "w", "Rome B-NEW\n")), tmp_path / "other", say=quiet)
