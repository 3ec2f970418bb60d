"""Pairs through the doors: what is refused and in which words, and the command line, from files to figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import load_config, read_config
from regard.core.errors import ConfigError, DataError, RunFolderError
from regard.tasks.pair.demo_data import claims
from regard.view import picture

MODEL = {"encoder": "bigru", "embedding": 12, "size": 12, "dropout": 0.1}
TRAIN = {"epochs": 1, "batch_tokens": 200, "learning_rate": 1e-2, "samples": 0, "threads": 1, "precision": "float32"}


def quiet(line: str) -> None:
    pass


def config(data: dict[str, Any], **more: Any) -> Any:
    return read_config({"task": "pair", "data": data, "model": MODEL, "train": TRAIN, **more})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with claims (train.tsv, valid.tsv), the same with numbers (numbers.tsv), and a run of each (run, rated)."""
    folder = tmp_path_factory.mktemp("pair")
    for name, part in zip(("train", "valid"), claims(3, 120), strict=True):
        (folder / f"{name}.tsv").write_text("".join("\t".join(row) + "\n" for row in part), encoding="utf-8")
        (folder / f"{name}.numbers.tsv").write_text("".join(f"{a}\t{b}\t{len(b) % 5}\n" for a, b, _ in part), encoding="utf-8")
    for run, suffix, pair in (("run", "tsv", {}), ("rated", "numbers.tsv", {"output": "number"})):
        data = {name: [str(folder / f"{name}.{suffix}")] for name in ("train", "valid")}
        runs.train(config(data, pair=pair), folder / run, say=quiet)
    return folder


# What a training file holds, the pair section, and what is said of it.
FAULTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a missing second column": ("a\tb\tx\nc\n", {}, [":2", "at least 3 columns", "1 column ('c')", "pair.second"]),
    "an empty second text": ("a\tb\tx\nc\t \ty\n", {}, [":2", "a second text with words in it", "an empty second text"]),
    "text where a number belongs": (
        "a\tb\t3.5\nc\td\tmuch\n",
        {"output": "number"},
        [":2", "a finite number; received 'much'", "pair.output: classes", "data.on_bad_line: skip"],
    ),
    "no number": ("a\tb\tnan\n", {"output": "number"}, [":1", "a finite number; received 'nan'"]),
    "a header taken for data": ("s1\ts2\tscore\na\tb\t1\n", {"output": "number"}, [":1", "a finite number; received 'score'"]),
    "one label": ("a\tb\tx\nc\td\tx\n", {}, ["labels of the training data", "at least 2 different ones", "'x' alone, in 2"]),
    "one number": ("a\tb\t1\nc\td\t1.0\n", {"output": "number"}, ["numbers of the training data", "1 alone"]),
    "an empty file": ("", {}, ["expected pairs of texts; received none"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_data_at_fault(tmp_path, name):
    text, pair, said = FAULTS[name]
    (tmp_path / "x.tsv").write_text(text, encoding="utf-8")
    (tmp_path / "v.tsv").write_text("a\tb\t1\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        runs.train(
            config({"train": [str(tmp_path / "x.tsv")], "valid": [str(tmp_path / "v.tsv")]}, pair=pair),
            tmp_path / "run",
            say=quiet,
        )
    assert all(part in str(caught.value) for part in said), str(caught.value)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_lines_at_fault_can_be_skipped(tmp_path):
    (tmp_path / "x.tsv").write_text("a b\tb\t1\nc\td\tmuch\ne\nc\td e\t2\n", encoding="utf-8")
    file, said = str(tmp_path / "x.tsv"), list[str]()
    runs.train(
        config({"train": [file], "valid": [file], "on_bad_line": "skip"}, pair={"output": "number"}),
        tmp_path / "run",
        say=said.append,
    )
    assert any("2 bad items were skipped" in line for line in said)


def test_labels_that_are_numbers_are_told_of(tmp_path):
    (tmp_path / "x.tsv").write_text("".join(f"a {i}\tb\t{i}\n" for i in range(20)), encoding="utf-8")
    file, said = str(tmp_path / "x.tsv"), list[str]()
    runs.train(config({"train": [file], "valid": [file]}), tmp_path / "run", say=said.append)
    assert any("pair.output: number would learn them" in line for line in said)


CONFIGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a figure of the other output": ({"train": {"metric": "pearson"}}, ["train.metric", "accuracy | macro_f1 | loss", "pearson"]),
    "accuracy of a number": ({"train": {"metric": "accuracy"}, "pair": {"output": "number"}}, ["pearson | spearman | mse | loss"]),
    "bins of a label": ({"pair": {"bins": 7}}, ["pair.bins", "only with pair.output: number"]),
    "bins of squares": ({"pair": {"bins": 7, "output": "number", "ratings": "square"}}, ["pair.bins", "pair.ratings: bins"]),
    "smoothing of a number": ({"train": {"label_smoothing": 0.1}, "pair": {"output": "number"}}, ["train.label_smoothing", "0 with"]),
    "two columns that are one": ({"pair": {"second": 1}}, ["different columns", "data.source 1, pair.second 1"]),
    "two files line for line": ({"data": {"format": "lines"}}, ["data.format", "tsv or jsonl"]),
    "a look that draws": ({"pair": {"align": {"score": "dot", "weighting": "hard"}}}, ["pair.align.weighting", "hard"]),
    "a memory in parts": ({"pair": {"align": {"score": "dot", "memory": "key-value"}}}, ["pair.align.memory", "plain"]),
    "too few places": ({"pair": {"align": "location(9)"}}, ["pair.align.score", "location(9)", "1000"]),
    "an unknown score": ({"pair": {"align": "dott"}}, ["pair.align.score", "'dot'"]),
    "a decoder": ({"model": {"decoder": "gru"}}, ["model.decoder", "task pair"]),
    "an attention of another task": ({"pair": {"align": "dot", "aline": 1}}, ["pair.aline", "Did you mean 'align'?"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_configs_that_do_not_fit(name):
    values, said = CONFIGS[name]
    with pytest.raises(ConfigError) as caught:
        read_config({"task": "pair", **values})
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_a_look_step_by_step_is_refused_before_anything_is_read(tmp_path):
    values = config({"train": [str(tmp_path / "none.tsv")]}, pair={"align": {"score": "dot", "weighting": "monotonic"}})
    with pytest.raises(ConfigError, match=r"pair\.align: expected a look at all places at once; received dot and monotonic"):
        runs.train(values, tmp_path / "run", say=quiet)


def test_defaults_and_short_forms():
    assert read_config({"task": "pair"}).train.metric == "accuracy"
    made = read_config({"task": "pair", "pair": {"output": "number", "align": "none"}})
    assert made.train.metric == "pearson" and made.pair.align is None and made.data.target == 3
    assert read_config(made.model_dump()) == made
    align = load_config(None, ["pair.align=general", "pair.align.heads=2"], task="pair").pair.align
    assert (align.score, align.heads) == ("general", 2)


def test_predictions_line_for_line(made, capsys, tmp_path):
    (tmp_path / "x.tsv").write_text(
        "Anna is at school\tAnna has a hat\n\n安娜在公园\t安娜不在公园\tneutral\na\tb\t-\n", encoding="utf-8"
    )
    for run in ("run", "rated"):
        assert command(["predict", str(made / run), str(tmp_path / "x.tsv")]) == 0
        lines = capsys.readouterr().out.split("\n")
        assert len(lines) == 5 and lines[1] == "" and lines[0] and lines[2] and lines[3], (
            "labels, even unknown ones, are not read"
        )
    assert command(["predict", str(made / "run"), str(tmp_path / "x.tsv"), "--format", "jsonl", "--n-best", "2"]) == 0
    first = json.loads(capsys.readouterr().out.split("\n")[0])["predictions"]
    assert len(first) == 2 and first[0]["score"] >= first[1]["score"]
    assert sum(first[0]["details"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "said"),
    [("only one\n", [":1", "at least 2 columns", "1 column ('only one')"]), ("a\tb\nc\t \n", [":2", "an empty second text"])],
)
def test_lines_to_predict_from_at_fault(made, tmp_path, capsys, text, said):
    (tmp_path / "x.tsv").write_text(text, encoding="utf-8")
    assert command(["predict", str(made / "run"), str(tmp_path / "x.tsv")]) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in said), told


def test_items_of_python(made):
    model = regard.load(made / "run")
    one, other = model.predict([("Anna is at school", "Anna has a hat"), "Anna is at school\tAnna has a hat"])
    assert (one.text, one.score) == (other.text, other.score)
    with pytest.raises(DataError, match="expected a second text; received an empty one"):
        model.predict([("a", "")])
    number = regard.load(made / "rated").predict([("Anna is at school", "Anna has a hat")])[0]
    assert 0 <= number.details["number"] <= 4 and number.text == f"{number.details['number']:.3f}"


def test_figures(made, capsys, tmp_path):
    for run, suffix, names in (
        ("run", "tsv", ["accuracy", "macro_f1", "loss"]),
        ("rated", "numbers.tsv", ["pearson", "spearman", "mse", "loss"]),
    ):
        assert command(["evaluate", str(made / run), str(made / f"valid.{suffix}"), "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)["metrics"]) == names
    (tmp_path / "x.tsv").write_text("a\tb\tneutral\na\tb\tneutrall\n", encoding="utf-8")
    found = regard.load(made / "run").evaluate([str(tmp_path / "x.tsv")])
    assert found["unseen"] == {"neutrall": 1} and found["metrics"]["accuracy"] <= 1 / 2
    assert found["classes"]["neutrall"]["right"] == 1 and found["confusion"]["labels"][-1] == "neutrall"
    assert command(["evaluate", str(made / "run"), str(tmp_path / "x.tsv")]) == 0
    assert "training never saw: neutrall (1). It counts as wrong" in capsys.readouterr().out


def test_each_text_looks_at_the_other(made, capsys):
    found = regard.load(made / "run").predict([("Anna is at school", "a cat")])[0]
    assert set(found.attention) == {"first.align", "second.align"}
    first, second = found.sides["first.align"]
    assert [token.strip("▁") for token in first] == ["Anna", "is", "at", "school"]
    assert found.sides["second.align"] == (second, first)
    assert found.attention["first.align"].shape == (1, 4, 2) and found.attention["second.align"].shape == (1, 2, 4)
    drawn = picture.choose(found, name="second.align")
    assert (drawn.down.tokens, drawn.across.tokens) == (second, first)
    assert (drawn.down.name, drawn.across.name) == ("second text", "first text")
    assert command(["view", str(made / "run"), "--text", "Anna is at school\ta cat"]) == 0
    assert "second.align" in capsys.readouterr().out


def test_a_scale_that_is_gone(made, tmp_path):
    import shutil

    shutil.copytree(made / "rated", tmp_path / "rated")
    for content in (None, "{", '{"low": 1}'):
        (tmp_path / "rated" / "scale.json").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "rated" / "scale.json").write_text(content)
        with pytest.raises(RunFolderError, match="what is known of the numbers of training"):
            regard.load(tmp_path / "rated")
