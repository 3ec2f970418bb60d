"""Classification through the doors: what is refused and in which words, and the command line, from files to figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.evaluate import print_confusions
from regard.cli.main import run as command
from regard.config import load_config, read_config
from regard.core.errors import ConfigError, DataError, RunFolderError
from regard.tasks.base import TaskPrediction
from regard.tasks.classify.demo import points
from regard.tasks.classify.demo_data import Message, messages

MODEL = {"encoder": "bigru", "embedding": 12, "size": 12, "dropout": 0.1}
TRAIN = {"epochs": 3, "batch_tokens": 150, "learning_rate": 2e-2, "samples": 1, "threads": 1}


def quiet(line: str) -> None:
    pass


def config(data: dict[str, Any], **more: Any) -> Any:
    return read_config({"task": "classify", "data": data, "model": MODEL, "train": TRAIN, **more})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.tsv and valid.tsv (text, label), and a run."""
    folder = tmp_path_factory.mktemp("classify")
    for name, part in zip(("train", "valid"), messages(3, 300), strict=True):
        (folder / f"{name}.tsv").write_text("".join(f"{m.text}\t{m.label}\n" for m in part), encoding="utf-8")
    runs.train(config({"train": [str(folder / "train.tsv")], "valid": [str(folder / "valid.tsv")]}), folder / "run", say=quiet)
    return folder


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command says as it refuses, on stderr."""
    assert command(list(words)) == 2
    out, said = capsys.readouterr()
    assert not out and "Traceback" not in said and "expected " in said and "; received " in said
    return said


def test_predictions_say_all(made):
    model = regard.load(made / "run")
    text = messages(3, 300)[1][0].text
    (best, second) = model.predict([text], n_best=2)[0]
    shares = best.details["probabilities"]
    assert best.text in shares and sum(shares.values()) == pytest.approx(1, abs=1e-5) and len(shares) == 4
    assert list(shares) == sorted(shares, key=lambda name: -shares[name]) and [best.text, second.text] == list(shares)[:2]
    assert best.score == pytest.approx(np.log(shares[best.text]), abs=1e-5) and best.score >= second.score
    assert best.attention["pool"].shape == (1, 1, len(best.source_tokens))
    assert best.sides["pool"] == ((best.text,), best.source_tokens) and best.axes == {"pool": ("label", "text")}


def test_lines_stay_line_for_line(made, capsys):
    file = made / "some.txt"
    file.write_text("hello parcel\n\nzzz qqq\tno such label\n", encoding="utf-8")
    assert command(["predict", str(made / "run"), str(file)]) == 0
    out, said = capsys.readouterr()
    lines = out.split("\n")
    assert len(lines) == 4 and lines[0] and not lines[1] and lines[2] and "'qqq' (1)" in said


def test_tsv_of_the_likeliest(made, capsys):
    assert command(["predict", str(made / "run"), str(made / "valid.tsv"), "--format", "tsv", "--n-best", "9"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 60 * 4 and [row[1] for row in rows[:4]] == ["1", "2", "3", "4"]


def test_evaluate_shows_the_confusion(made, capsys):
    assert command(["evaluate", str(made / "run"), str(made / "valid.tsv")]) == 0
    told = capsys.readouterr().out
    assert "accuracy" in told and "macro_f1" in told and "right (rows), answered (columns)" in told
    assert command(["evaluate", str(made / "run"), str(made / "valid.tsv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    table = np.array(found["confusion"]["counts"])
    assert table.sum() == 60 and np.trace(table) / 60 == pytest.approx(found["metrics"]["accuracy"])
    assert set(found["metrics"]) == {"accuracy", "macro_f1", "loss"}


def test_confusion_in_words():
    assert print_confusions(["yes", "无"], [[10, 2], [0, 1200]]) == [
        "right (rows), answered (columns)",
        "       yes     无",
        "yes     10      2",
        "无       0  1,200",
    ]
    many = [f"label {i}" for i in range(13)]
    counts = [[0] * 13 for _ in many]
    counts[2][7], counts[12][0], counts[3][3] = 3, 5, 9
    assert print_confusions(many, counts) == ["taken for another", "label 12  for label 0  5", "label 2   for label 7  3"]


def test_an_empty_label(made, capsys):
    file = made / "bad.tsv"
    file.write_text("one text\tyes\nanother text\t \nthird\tno\n", encoding="utf-8")
    said = refused(capsys, "train", "--task", "classify", "--train", str(file), "--out", str(made / "none"))
    assert f"{file}:2" in said and "a target with text in it" in said and "an empty target" in said


def test_bad_lines_can_be_skipped(made):
    file = made / "skip.tsv"
    file.write_text("one text\tyes\nanother text\t \nthird\tno\nfourth\tno\n" * 3, encoding="utf-8")
    told: list[str] = []
    runs.train(config({"train": [str(file)], "valid": [str(file)], "on_bad_line": "skip"}), made / "skipped", say=told.append)
    assert "3 bad items were skipped" in "\n".join(told)
    assert regard.load(made / "skipped").evaluate([str(file)])["skipped"] == 3


def test_several_labels(made):
    file = made / "several.jsonl"
    file.write_text('{"source": "a", "target": "yes"}\n{"source": "b", "target": ["yes", "no"]}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"several.jsonl:2: expected one label; received 2. Correct the line"):
        runs.train(config({"train": [str(file)]}), made / "several", say=quiet)


def test_an_unknown_label_at_evaluation_counts_as_wrong_and_is_said(made, capsys):
    file, model = made / "other.tsv", regard.load(made / "run")
    (answer,) = model.predict(["my parcel"])
    file.write_text(f"my parcel\t{answer.text}\nmy parcel\tdelivry\n", encoding="utf-8")
    found = model.evaluate([str(file)])
    assert found["metrics"]["accuracy"] == 1 / 2 and found["unseen"] == {"delivry": 1}
    assert found["metrics"]["loss"] == pytest.approx(-answer.score, abs=1e-5)  # of the known one alone
    assert found["classes"][answer.text] == {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "right": 1, "found": 2}
    assert found["classes"]["delivry"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "right": 1, "found": 0}
    labels, counts = found["confusion"]["labels"], found["confusion"]["counts"]
    assert counts[labels.index("delivry")][labels.index(answer.text)] == 1
    assert command(["evaluate", str(made / "run"), str(file)]) == 0
    said = capsys.readouterr().out
    assert "training never saw: delivry (1). It counts as wrong" in said and f"{answer.text} " in said


def test_what_was_taken_for_what_is_written(made, capsys):
    file, model = made / "wrong.tsv", regard.load(made / "run")
    (answer,) = model.predict(["my parcel"])
    other = next(label for label in answer.details["probabilities"] if label != answer.text)
    file.write_text(f"my parcel\t{answer.text}\nmy parcel\t{other}\n", encoding="utf-8")
    assert command(["evaluate", str(made / "run"), str(file), "--errors", str(made / "e.tsv")]) == 0
    rows = [line.split("\t") for line in (made / "e.tsv").read_text("utf-8").splitlines()]
    score = f"{answer.score:.4f}"
    assert rows[0] == ["place", "source", "right", "answered", "score", "mistakes", "operations"]
    assert rows[1:] == [[f"{file}:2", "my parcel", other, answer.text, score, "1", f"{other}→{answer.text}"]]
    kinds = [line.split("\t") for line in (made / "e.kinds.tsv").read_text("utf-8").splitlines()]
    assert kinds[1] == [f"{other}→{answer.text}", other, answer.text, "1", "1.0000", "1", f"my parcel ({file}:2)"]


def test_an_unknown_label_in_validation_data_is_named_before_training(made):
    file = made / "other2.tsv"
    file.write_text("my parcel\tstolen\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"other2.tsv:1: expected a label that training saw .*received 'stolen'"):
        runs.train(config({"train": [str(made / "train.tsv")], "valid": [str(file)]}), made / "unknown", say=quiet)


def test_one_label_alone(made):
    file = made / "one.tsv"
    file.write_text("one text\tyes\nanother text\tyes\n", encoding="utf-8")
    with pytest.raises(DataError, match="labels of the training data: expected at least 2 different ones; received 'yes' alone"):
        runs.train(config({"train": [str(file)], "valid": [str(file)]}), made / "alone", say=quiet)


def test_a_text_that_is_too_long(made):
    data = {"train": [str(made / "train.tsv")], "valid": [str(made / "valid.tsv")], "max_source_length": 4}
    with pytest.raises(DataError, match=r"train.tsv:\d+: expected at most 4 tokens; received \d+"):
        runs.train(config({**data, "on_long": "error"}), made / "long", say=quiet)
    told: list[str] = []
    runs.train(config({**data, "on_long": "cut"}), made / "cut", say=told.append)
    assert any("longer than 4 tokens" in line for line in told)


def test_a_text_longer_than_the_positions_is_cut(made):
    file, told = made / "long.tsv", list[str]()
    file.write_text("a b c\tyes\nb c d\tno\n" * 4, encoding="utf-8")
    model = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8, "positions": "learned", "max_positions": 1001}
    values = {"task": "classify", "data": {"train": [str(file)], "valid": [str(file)]}, "model": model, "train": TRAIN}
    runs.train(read_config({**values, "classify": {"pooling": "cls"}}), made / "places", say=quiet)
    ((found,),) = regard.load(made / "places").stream(["a " * 1500], say=told.append)
    assert len(found.source_tokens) == 1001 and "texts longer than the 1001 places that this model reads: 1;" in told[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"classify": {"hops": 3}}, ["classify.hops", "pooling: structured, which alone uses it", "3 with pooling attention"]),
        ({"classify": {"pooling": "mean", "look": "self-attentive(8)"}}, ["classify.look", "pooling: attention"]),
        ({"classify": {"pooling": "cls"}, "model": {"encoder": "gru"}}, ["an encoder in both directions", "cls with gru"]),
        ({"classify": {"pooling": "atention"}}, ["classify.pooling", "attention"]),
        ({"classify": {"letters": 5}, "data": {"train": ["x.tsv"], "source_tokenizer": "char"}}, ["a tokenizer of whole words"]),
        ({"tag": {"letters": 5}}, ["only with task: tag"]),
        ({"train": {"metric": "slot_f1"}}, ["train.metric", "accuracy | macro_f1 | loss"]),
        ({"model": {"decoder": "gru"}}, ["no such key with task classify"]),
    ],
)
def test_keys_that_do_not_fit(more, said):
    with pytest.raises(ConfigError) as told:
        read_config({"task": "classify", "data": {"train": ["x.tsv"]}, **more})
    for part in said:
        assert part in str(told.value)


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ("additive(8)", "a score that reads the keys alone"),
        ({"weighting": "hard"}, "a weighting that takes all places at once"),
        ({"weighting": "monotonic"}, "a weighting that takes all places at once"),
    ],
)
def test_looks_that_cannot_pool(made, look, said):
    data = {"train": [str(made / "train.tsv")]}
    with pytest.raises(ConfigError, match=said):
        runs.train(config(data, classify={"look": look}), made / "looks", say=quiet)


def test_a_run_without_its_counts_is_refused(made):
    data = {"train": [str(made / "train.tsv")], "valid": [str(made / "valid.tsv")]}
    runs.train(config(data, classify={"class_weights": "balanced"}), made / "balanced", say=quiet)
    (made / "balanced" / "label_counts.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunFolderError, match="how often each label occurs in training"):
        regard.load(made / "balanced")


def test_the_label_may_stand_first_and_keeps_its_case(made):
    file = made / "first.tsv"
    file.write_text("Yes\tGood Film\nNO\tbad film\n" * 4, encoding="utf-8")
    data = {"train": [str(file)], "valid": [str(file)], "source": 2, "target": 1, "lowercase": True}
    runs.train(config(data), made / "first", say=quiet)
    model = regard.load(made / "first")
    found = model.predict(["GOOD film"])[0]
    assert set(found.details["probabilities"]) == {"Yes", "NO"} and found.unknown == () and found.source == "GOOD film"


def test_json_lines(made):
    file = made / "t.jsonl"
    rows = [{"text": "good film", "label": "yes"}, {"text": "bad film", "label": "no"}] * 4
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = {"train": [str(file)], "valid": [str(file)], "source": "text", "target": "label"}
    runs.train(config(data), made / "json", say=quiet)
    assert regard.load(made / "json").evaluate([str(file)])["items"] == 8


def test_the_recipe_loads():
    path = Path(__file__).parents[3] / "configs" / "classify.yaml"
    assert load_config(path, ["data.train=[x.tsv]"]).task == "classify"


@pytest.mark.parametrize(("place", "hit"), [(0, False), (2, True), (3, True), (4, False)])
def test_the_demo_knows_where_the_look_fell(place, hit):
    tokens = ("▁a", "▁b", "退", "款", "，")
    weights = np.eye(5, dtype=np.float32)[None, None, place]
    found = TaskPrediction("payment", 0.0, source_tokens=tokens, attention={"pool": weights})
    assert points(Message("a b退款，", "payment", "退款"), found) is hit
