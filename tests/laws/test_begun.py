"""A run that begins with another's weights: what both vocabularies have answers as before, and what is new is drawn and said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from regard import runs
from regard.cli.main import run as cli
from regard.config import load_config, read_config
from regard.core.errors import ConfigError, RunFolderError
from regard.data.tokenizer import Tokenizer
from regard.runs import train
from regard.tasks.load_run import load_run
from regard.tasks.transduce.task import open_transducer
from regard.training.checkpoint import weights

SMALL = {"model": {"size": 11, "embedding": 13, "encoder": "bigru", "decoder": "gru"}}
BRIEF = {"updates": 3, "batch_tokens": 60, "threads": 1, "samples": 0}


def lexicon(path: Path, letters: str, *, features: str = "", seed: int = 1) -> str:
    """Words of these letters, spelt in capitals with spaces between; with features, in the third column."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(letters, k=draw.randint(2, 6))) for _ in range(60)]
    lines = [f"{w}\t{' '.join(w.upper())}" + (f"\t{draw.choice(features)}" if features else "") for w in words]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def begun(folder: Path, letters: str, *, name: str, features: str = "", **more: object) -> tuple[Path, list[str]]:
    data = {"train": [lexicon(folder / f"{name}.tsv", letters, features=features)], "target_tokenizer": "space"}
    said: list[str] = []
    config = {"data": data | ({"features": 3} if features else {}), "train": BRIEF | {"begin": more.pop("begin", None)}, **more}
    return train(read_config(config), folder / name, say=said.append).folder, said


@pytest.mark.parametrize("features", ["", "PQ"])
def test_symbols_of_both_keep_their_rows_and_new_ones_are_said(tmp_path, features, monkeypatch):
    first, _ = begun(tmp_path, "abcde", name="first", features=features, **SMALL)
    seen = {}
    real = runs.fit
    monkeypatch.setattr(
        runs, "fit", lambda task, **given: (seen.update({n: t.clone() for n, t in weights(task).items()}), real(task, **given))[1]
    )
    second, said = begun(tmp_path, "dexyz", name="second", features=features and "QR", begin=str(first))
    assert any(line == f"begins with the weights of {first}." for line in said)
    told = next(line for line in said if "tokenizer.target has 3 symbols" in line)
    assert set(told.partition("drawn anew: ")[2].split("; ")) == set("XYZ")
    old, new = (
        open_transducer(load_config(first / "config.yaml"), first, precision="float32"),
        load_config(second / "config.yaml"),
    )
    before = weights(old.network)
    for side, table in (("source", "source.table.weight"), ("target", "target.table.weight")):
        mine = Tokenizer.load(second / f"tokenizer.{side}.json")
        places = mine.places(Tokenizer.load(first / f"tokenizer.{side}.json"))
        kept = [i for i, place in enumerate(places) if place >= 0]
        assert len(kept) == len(before[table]) < len(places)
        assert torch.equal(seen[f"network.{table}"][kept], before[table][[places[i] for i in kept]])
    assert torch.equal(seen["network.head.linear.bias"][: len(before["head.linear.bias"])], before["head.linear.bias"])
    assert (new.model.encoder, new.model.size, new.data.target_tokenizer) == ("bigru", 11, "space")


def test_on_the_same_data_it_answers_as_the_run_did(tmp_path):
    first, _ = begun(tmp_path, "abcde", name="first", **SMALL)
    again, said = begun(tmp_path, "abcde", name="again", begin=str(first), **{"model": {"dropout": 0.0}})
    assert not any("drawn anew" in line for line in said)
    for side in ("source", "target"):
        assert (again / f"tokenizer.{side}.json").read_bytes() == (first / f"tokenizer.{side}.json").read_bytes()
    assert load_run(again).config.model.dropout == 0.0


def test_what_does_not_fit_is_refused_with_the_reason(tmp_path):
    first, _ = begun(tmp_path, "abcde", name="first", **SMALL)
    with pytest.raises(ConfigError, match=r"model\.size: expected 11, as in .*first, whose weights it begins with; received 12"):
        begun(tmp_path, "abcde", name="wider", begin=str(first), model={"size": 12})
    with pytest.raises(RunFolderError, match=r"a run to begin with"):
        begun(tmp_path, "abcde", name="nowhere", begin=str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match=r"a run of task tag; received .*of task transduce"):
        train(read_config({"task": "tag", "data": {"train": ["x"]}, "train": {"begin": str(first)}}), tmp_path / "tagger")


def test_the_command_and_going_on_without_the_first_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, _ = begun(tmp_path, "abcde", name="first", **SMALL)
    lexicon(tmp_path / "more.tsv", "abcxyz")
    words = ["train", "--from", "first", "--train", "more.tsv", "--out", "next", "train.updates=2", "train.threads=1"]
    assert cli(words) == 0 and "begins with the weights of first." in capsys.readouterr().err
    first.rename(tmp_path / "gone")
    assert cli(["train", "--resume", "--out", "next"]) == 0
    assert cli([*words, "--resume"]) == 0  # the very same command, with its --from


def test_a_tagger_begins_with_a_tagger(tmp_path):
    def tagged(name: str, words: str) -> str:
        (tmp_path / name).write_text(
            "".join(f"{w} B-{w.upper()}\nis O\n{n} O\n\n" for n in range(7) for w in words), encoding="utf-8"
        )
        return str(tmp_path / name)

    config = {"task": "tag", "model": {"size": 7, "embedding": 5}, "train": BRIEF, "tag": {"letters": 6}}
    train(read_config(config | {"data": {"train": [tagged("a.conll", "abc")]}}), tmp_path / "first", say=lambda line: None)
    said: list[str] = []
    more = {"task": "tag", "data": {"train": [tagged("b.conll", "bcd")]}, "train": BRIEF | {"begin": str(tmp_path / "first")}}
    train(read_config(more), tmp_path / "second", say=said.append)
    assert sum("drawn anew: " in line for line in said) >= 2
    answer = load_run(tmp_path / "second").predict(["a is", "d is"])
    assert len(answer) == 2


def test_a_run_that_names_code_is_begun_with_only_where_it_is_trusted(tmp_path, monkeypatch):
    first, _ = begun(tmp_path, "abcde", name="first", **SMALL)
    text = (first / "config.yaml").read_text(encoding="utf-8")
    (first / "config.yaml").write_text(text.replace("score: additive", "score: strange_scores:Mine", 1), encoding="utf-8")
    (tmp_path / "strange_scores.py").write_text("raise SystemExit('code of a stranger ran')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RunFolderError, match=r"strange_scores:Mine.*--trust strange_scores"):
        begun(tmp_path, "abc", name="second", begin=str(first))
