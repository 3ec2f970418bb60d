"""Pre-training and fine-tuning through the doors, and what is refused of keys."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from regard import runs
from regard.build.bert import make_bert
from regard.cli.main import run as cli
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.wordpiece import WordPieces
from regard.networks.bert import BertShape
from regard.pretrained import huggingface
from regard.tasks.load_run import load_run
from regard.tasks.pretrain.demo_data import stories

TRAIN = {"epochs": 1, "batch_tokens": 300, "samples": 0, "precision": "float32"}


def plain(folder: Path) -> str:
    file = folder / "plain.txt"
    file.write_text("\n".join("".join(f"{line}\n" for line in story) for story in stories(2, 40)[0]))
    return str(file)


def labels(folder: Path) -> str:
    file = folder / "labels.tsv"
    file.write_text(
        "".join(f"{'the cat sat' if i % 3 else 'a dog ran'} {'abcdef'[i % 6]}\t{'cd'[i % 3 == 0]}\n" for i in range(60))
    )
    return str(file)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"pretrain": {"masked": False, "next": False}}, "something to learn"),
        ({"pretrain": {"manner": "left-to-right", "whole_words": True}}, "pretrain.whole_words"),
        ({"pretrain": {"manner": "left-to-right", "masked": False}}, "pretrain.masked"),
        ({"model": {"encoder": "gru"}}, "model.encoder"),
        ({"task": "classify", "model": {"pretrained": "x", "size": 7}}, "no such key with model.pretrained: x settles it"),
        ({"task": "language", "model": {"pretrained": "x"}}, "model.pretrained"),
        ({"task": "tag", "model": {"pretrained": "x"}, "tag": {"unseen": 0.1}}, "tag.unseen.*which has no use for it"),
        ({"task": "read", "model": {"pretrained": "x"}, "read": {"marks": True}}, "read.marks.*which has no use for it"),
        ({"task": "read", "model": {"pretrained": "x"}, "read": {"look": "none"}}, "read.look.*which has no use for it"),
        ({"task": "classify", "model": {"pretrained": "x"}, "classify": {"letters": 9}}, "classify.letters"),
        ({"task": "pair", "model": {"pretrained": "x"}, "data": {"vectors": "v"}}, "data.vectors.*which brings its own vectors"),
    ],
)
def test_keys_that_do_not_fit(more, match):
    with pytest.raises(ConfigError, match=match):
        read_config({"task": "pretrain", **more})


def test_a_text_without_text(tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"empty\.txt: expected text; received none"):
        runs.train(read_config({"task": "pretrain", "data": {"train": [str(tmp_path / "empty.txt")]}}), tmp_path / "run", say=str)


def test_a_text_of_a_few_lines_has_nothing_to_set_aside(tmp_path):
    (tmp_path / "short.txt").write_text("one line\nanother\n")
    with pytest.raises(DataError, match=r"short\.txt: expected more than 20 lines, or two documents, .*; received 2 lines"):
        runs.train(read_config({"task": "pretrain", "data": {"train": [str(tmp_path / "short.txt")]}}), tmp_path / "run", say=str)


def test_one_document_has_no_pairs(tmp_path):
    (tmp_path / "one.txt").write_text("a line here\n" * 50)
    config = read_config({"task": "pretrain", "data": {"train": str(tmp_path / "one.txt"), "valid": str(tmp_path / "one.txt")}})
    with pytest.raises(DataError, match="at least two documents"):
        runs.train(config, tmp_path / "run", say=str)


def test_from_a_run_to_a_classifier_that_stands_alone(tmp_path, capsys):
    """Pre-train, fine-tune with --from, throw the pre-trained run away, predict; and `transformers`' layout lies in the run."""
    small = ["model.size=8", "model.heads=2", "model.feedforward=8", "model.encoder_layers=1", "train.batch_tokens=500"]
    small += ["train.epochs=1", "pretrain.length=30", "pretrain.vocabulary=wordpiece(150)"]
    assert cli(["train", "--task", "pretrain", "--train", plain(tmp_path), "--out", str(tmp_path / "begun"), *small]) == 0
    assert {"config.json", "model.safetensors", "vocab.txt"} <= {p.name for p in (tmp_path / "begun" / "bert").iterdir()}
    begun, out = str(tmp_path / "begun"), str(tmp_path / "run")
    assert cli(["train", "--task", "classify", "--from", begun, "--train", labels(tmp_path), "--out", out, "train.epochs=2"]) == 0
    assert "begins with" in capsys.readouterr().err
    first = load_file(tmp_path / "begun" / "bert" / "model.safetensors")
    then = {n: load_file(tmp_path / "run" / "model.safetensors")[f"reader.{n}"] for n in ("embed.table.weight", "pooler.weight")}
    assert (first["bert.embeddings.word_embeddings.weight"] - then["embed.table.weight"]).abs().max() < 0.02
    shutil.rmtree(tmp_path / "begun")
    (tmp_path / "in.txt").write_text("the cat sat a\na dog ran b\n")
    assert cli(["predict", out, str(tmp_path / "in.txt")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    (found,) = load_run(out).predict(["the cat " * 40])
    assert len(found.source_tokens) == 30 and found.source_tokens[0] == "[CLS]" and found.source_tokens[-1] == "[SEP]"


def test_filling_goes_line_by_line(tmp_path, capsys):
    values = {"task": "pretrain", "data": {"train": [plain(tmp_path)]}, "train": TRAIN}
    values |= {
        "model": {"size": 8, "heads": 2, "feedforward": 8, "encoder_layers": 1},
        "pretrain": {"length": 30, "vocabulary": "char"},
    }
    runs.train(read_config(values), tmp_path / "run", say=str)
    (tmp_path / "in.txt").write_text("the [MASK] is\n\nno mask\na\tb\n")
    assert cli(["predict", str(tmp_path / "run"), str(tmp_path / "in.txt"), "--format", "jsonl", "--n-best", "3"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(x["predictions"]) for x in told] == [3, 1, 1, 1]
    scores = [p["score"] for p in told[0]["predictions"]]
    assert scores == sorted(scores, reverse=True) and len(told[0]["predictions"][0]["details"]["masks"][0]) == 5
    assert told[2]["predictions"][0]["text"] == "no mask" and 0 < told[3]["predictions"][0]["details"]["follows"] < 1


BEGUN = {"epochs": 1, "batch_tokens": 300, "samples": 0, "precision": "float32", "threads": 1}


def a_bert(folder, *, positions):
    pieces = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", *(f"##{x}" for x in "abcdefgh")])
    shape = BertShape(len(pieces), size=8, layers=1, heads=2, feedforward=8, positions=positions)
    huggingface.write(folder, make_bert(shape), pieces, {}, architecture="BertModel")
    return str(folder)


def test_a_tagger_begins_with_a_bert(tmp_path):
    """It reads pieces and tags words; what has no room is tagged O; the run stands alone."""
    (tmp_path / "in").write_text("abc de f\nh ab\n" * 20)
    (tmp_path / "out").write_text("B-X O O\nO B-X\n" * 20)
    begun = a_bert(tmp_path / "begun", positions=12)
    files = [str(tmp_path / name) for name in ("in", "out")]
    values = {"task": "tag", "model": {"pretrained": begun}, "data": {"train": files, "valid": files}, "train": BEGUN}
    runs.train(read_config(values), tmp_path / "run", say=str)
    shutil.rmtree(begun)
    model = load_run(tmp_path / "run")
    one, many, long, none, odd = model.predict(["abc de f", "ab " * 30, "abcdefgh" * 4 + " h", "", "x€ ab"])
    assert [len(p.tokens) for p in (one, many, long, odd)] == [3, 30, 2, 2] and none.text == ""
    assert set(many.tokens[5:]) == {"O"}, "ten pieces fit between [CLS] and [SEP]: five words of two"
    assert odd.unknown == ("x€",) or set(odd.unknown) == {"x", "€"}
    told = one.sides["encoder.0.self"]
    assert told[0] == ("[CLS]", "a", "##b", "##c", "d", "##e", "f", "[SEP]")
    assert one.attention["encoder.0.self"].shape[-2:] == (8, 8)


def test_a_reader_begins_with_a_bert(tmp_path):
    """It reads both texts in one, cuts a passage that has no room, and names data of which nothing fits."""
    asked = {"question": "ab c", "answers": [{"text": "de", "answer_start": 4}], "id": "1"}
    late = {"question": "ab c", "answers": [{"text": "h", "answer_start": 60}], "id": "2"}
    text = "abc de f " + "g " * 25 + " h"
    files = [str(tmp_path / "train.json")]
    paragraphs = [{"context": text, "qas": [asked, late]} for _ in range(6)]
    (tmp_path / "train.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    data = {"train": files, "valid": files, "on_long": "cut"}
    values = {"task": "read", "model": {"pretrained": a_bert(tmp_path / "begun", positions=20)}, "data": data, "train": BEGUN}
    said = []
    runs.train(read_config(values), tmp_path / "run", say=said.append)
    assert any("passages of which what is right was cut off, so that they are not learnt from: 6." in line for line in said)
    (found,) = load_run(tmp_path / "run").predict([(text, "ab c")])
    assert found.text and found.text in text[:30]
    with pytest.raises(DataError, match="passages that the net can read; received 12, each of which is empty or too long"):
        runs.train(read_config({**values, "data": {**data, "on_long": "skip"}}), tmp_path / "other", say=str)
