"""Language models through the doors: what is refused and in which words, and the command line, from files to continuations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.core.errors import ConfigError, DataError, RegardError
from regard.tasks.ensembles import make_ensemble
from regard.tasks.language.demo_data import fables
from regard.tasks.load_run import load_run
from regard.tasks.options import AnswerOptions

MODEL = {
    **{"decoder": "gru", "embedding": 12, "size": 12, "dropout": 0.1},
    "past": {"score": "additive", "scope": "window(7, 0)", "memory": "key-value"},
}
TRAIN = {"epochs": 2, "learning_rate": 1e-2, "samples": 1, "threads": 1}


def quiet(line: str) -> None:
    pass


def config(data: dict[str, Any], **more: Any) -> Any:
    values = {"task": "language", "data": data, "model": MODEL, "train": TRAIN}
    return read_config({**values, "language": {"window": 16, "streams": 4}, "decode": {"max_extra": 12}, **more})


def texts(folder: Path) -> dict[str, list[str]]:
    for name, part in zip(("train", "valid"), fables(3, 150), strict=True):
        (folder / f"{name}.txt").write_text("".join(f"{f.text}\n" for f in part), encoding="utf-8")
    return {name: [str(folder / f"{name}.txt")] for name in ("train", "valid")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.txt, valid.txt and a run of them."""
    folder = tmp_path_factory.mktemp("language")
    runs.train(config(texts(folder)), folder / "run", say=quiet)
    return folder


def test_from_files_to_figures(made, capsys):
    assert command(["evaluate", str(made / "run"), str(made / "valid.txt"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["metrics"]) == {"perplexity", "bits_per_character", "unknown", "loss"}
    assert found["metrics"]["unknown"] == 0 and found["items"] == 1 and 1 <= found["looks"]["distance"] <= 7
    assert command(["info", str(made / "run")]) == 0
    assert "1 x gru of 12" in (said := capsys.readouterr().out) and "key-value" in said
    assert command(["evaluate", str(made / "run"), str(made / "valid.txt"), "--beam", "3"]) == 2
    assert "has nothing to search for; received 3" in capsys.readouterr().err


def test_a_word_that_is_written_as_unknown_was_seen(tmp_path):
    """Penn Treebank's `<unk>` stands for rare words in the text itself: training saw it, other words it did not."""
    for name, text in (("train", "the <unk> cat\n<unk> dog ran\n" * 20), ("valid", "the <unk> zebra\n<unk> dog\n")):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    data = {name: [str(tmp_path / f"{name}.txt")] for name in ("train", "valid")} | {"source_tokenizer": "space"}
    runs.train(config(data), tmp_path / "run", say=quiet)
    model = load_run(tmp_path / "run")
    assert model.evaluate(data["valid"])["metrics"]["unknown"] == 1 / 6  # zebra, of five words and an end
    assert model.predict(["the <unk> zebra"])[0].unknown == ("zebra",)


def test_continuations_line_for_line(made, capsys):
    lines = ["ann cup", "", "ann cup bén", "x"]
    (made / "begun.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert command(["predict", str(made / "run"), str(made / "begun.txt"), "--format", "jsonl", "--n-best", "2"]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["source"] for row in rows] == lines and "'é' (1)" in err
    for row in rows:
        assert len(row["predictions"]) == 2 and all(0 < len(p["tokens"]) <= 12 for p in row["predictions"])
        assert row["predictions"][0]["score"] >= row["predictions"][1]["score"]
    assert command(["predict", str(made / "run"), str(made / "begun.txt")]) == 0
    assert capsys.readouterr().out.splitlines() == [r["predictions"][0]["text"].replace("\n", "\\n") for r in rows]


def test_a_picture_of_the_past(made, capsys):
    page = made / "page.html"
    assert command(["view", str(made / "run"), "--text", "ann cup ben", "--out", str(page)]) == 0
    assert page.stat().st_size > 10_000
    (found,) = load_run(made / "run").predict(["ann cup ben"], AnswerOptions(beam=1))
    rows, columns = found.sides["past.0"]
    assert rows == found.tokens and columns == ("<s>", *found.source_tokens, *found.tokens[:-1])
    assert found.attention["past.0"].shape == (1, len(rows), len(columns))
    assert found.axes == {"past.0": ("written", "read so far")}
    assert command(["view", str(made / "run"), "--text", "ann cup ben"]) == 0
    told = capsys.readouterr().out
    assert "past.0" in told and "across: read so far" in told


def test_a_draw_hangs_on_the_seed(made):
    model = load_run(made / "run")
    one, same, other = (model.predict(["ann"] * 2, AnswerOptions(sample=True, seed=seed)) for seed in (1, 1, 2))
    assert [p.text for p in one] == [p.text for p in same] and one[0].text == one[1].text
    assert one[0].text != other[0].text


def test_a_transformer_reads_no_more_than_its_window(tmp_path):
    writer = {"family": "transformer", "size": 8, "heads": 2, "feedforward": 8, "decoder_layers": 1, "positions": "learned"}
    runs.train(config(texts(tmp_path), model=writer | {"max_positions": 16}), tmp_path / "run", say=quiet)
    model, heard = load_run(tmp_path / "run"), []
    (best,) = model.stream(["ann cup ben hat carl key ; carl key ben hat"], AnswerOptions(beam=1, n_best=1), say=heard.append)
    assert len(best[0].source_tokens) + len(best[0].tokens) < 16
    assert heard == ["1 text was longer than the 16 tokens that this model reads, and cut."]


@pytest.mark.parametrize(
    ("content", "more", "text"),
    [
        ("", {}, r"t\.txt: expected plain text; received none"),
        ("\n\n", {}, r"t\.txt: expected plain text; received none"),
        ("short", {}, r"expected at least a window of 16 tokens .*; received \d+. Give more text"),
        ("a", {}, r"t\.txt: expected text to part"),
        ("one\n\ntwo\n", {"language": {"documents": "lines"}}, r"t\.txt:2: expected a text.*data\.on_bad_line: skip"),
        ("a\tb\n", {"language": {"documents": "tsv"}, "data": {"source": 3}}, r"t\.txt:1: expected at least 3 columns"),
        ("one\n", {"language": {"documents": "lines"}}, r"data\.valid_share: expected at least 2 different sources"),
    ],
)
def test_texts_that_cannot_be_learnt_from(tmp_path, content, more, text):
    (tmp_path / "t.txt").write_text(content, encoding="utf-8")
    data = {"train": [str(tmp_path / "t.txt")], **more.get("data", {})}
    with pytest.raises((DataError, ConfigError), match=text):
        runs.train(config(data, **{k: v for k, v in more.items() if k != "data"}), tmp_path / "run", say=quiet)


def test_what_training_says_of_its_texts(tmp_path):
    data, heard = texts(tmp_path), list[str]()
    (tmp_path / "valid.txt").write_text("ann cup ben hät ; ann cup .\n", encoding="utf-8")
    runs.train(config(data | {"lowercase": True}), tmp_path / "run", say=heard.append)
    said = "\n".join(heard)
    assert "1 of 29 validation tokens are not in the vocabulary" in said or "1 of 28" in said
    assert "characters." in said and "training tokens" in said


def test_models_do_not_answer_together(made):
    model = load_run(made / "run")
    with pytest.raises(RegardError, match="task language answers alone"):
        make_ensemble([model, model])
    with pytest.raises(DataError, match="expected a text to go on with; received int"):
        model.predict([3])
