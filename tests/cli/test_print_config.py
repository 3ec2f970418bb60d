"""`--print-config`: what is printed trains the same model as the command that it was printed by."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from regard import demo
from regard.cli.main import run
from regard.config import Config, load_config, read_config
from regard.config.data_files import resolve_files
from regard.config.print_config import print_config
from regard.pretrained.start_from_run import as_before
from regard.tasks import registry

ROWS = "".join(f"{a}{b}{c}\tV;{a.upper()};PST\t{a}{b}{c}{b}\n" for a in "abcdef" for b in "aeiou" for c in "klmnr")


def was_set(section: BaseModel) -> dict[str, Any]:
    """The keys that somebody set, section by section."""
    values = {key: getattr(section, key) for key in section.model_fields_set if key != "task"}
    return {key: was_set(value) if isinstance(value, BaseModel) else None for key, value in values.items()}


def again(config: Config, folder: Path) -> Config:
    (folder / "printed.yaml").write_text(print_config(config), encoding="utf-8")
    return load_config(folder / "printed.yaml")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "model.family=transformer",
        "model.attention=none data.train=[a,b]",
        "model.attention.scope=window(3) model.attention.heads=2 train.learning_rate=auto",
        "task=pair pair.output=number pair.align={}",
        "task=read read.look={}",
        "task=classify classify.look={} data.source_tokenizer=word",
        "task=pretrain",
        "task=tag train.metric=loss",
        "task=language model.past=dot",
        "task=forecast train.samples=0",
        "task=caption decode.max_extra=auto",
    ],
)
def test_what_was_left_out_is_left_out_again(tmp_path: Path, words: str) -> None:
    config = load_config(None, words.split(), train=["a.tsv"])
    assert again(config, tmp_path) == config and was_set(again(config, tmp_path)) == was_set(config)
    shown = [line.strip("# ").partition(":")[0] for line in print_config(config).splitlines()]
    assert set(shown) > {
        key for section in config.model_dump(mode="json").values() if isinstance(section, dict) for key in section
    }


@pytest.mark.parametrize("words", ["", "model.dropout=0.1 decode.beam=3", "data.source_tokenizer=char train.epochs=2"])
def test_it_fits_the_data_and_reads_its_columns_as_the_command_does(tmp_path: Path, words: str) -> None:
    """A header, and features in the middle: recognised where no column is named."""
    (tmp_path / "inflection.tsv").write_text(f"lemma\tfeatures\tform\n{ROWS}", encoding="utf-8")

    def settled(config: Config) -> str:
        config = resolve_files(config, lambda line: None)
        job = registry.of(config.task)
        return job.fit(config, job.read(config, lambda line: None))[0].to_yaml()

    config = load_config(None, words.split(), train=[str(tmp_path / "inflection.tsv")])
    assert "features: features\n" in settled(config) and "attention:\n    score: general\n" in settled(config)
    assert settled(again(config, tmp_path)) == settled(config)


def test_it_begins_with_a_run_as_the_command_does(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    begun = load_config(None, ["model.encoder=bigru", "model.size=8"], train=["a"])
    (tmp_path / "old/config.yaml").write_text(begun.to_yaml(), encoding="utf-8")
    config = load_config(None, train=["b"], pretrained=str(tmp_path / "old"))
    before = as_before(again(config, tmp_path), tmp_path / "old")
    assert before == as_before(config, tmp_path / "old") and before.model.encoder == "bigru"


def test_the_config_beside_a_demo_trains_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Config] = []
    monkeypatch.setattr(demo.runs, "train", lambda config, out, **more: made.append(config))
    monkeypatch.setattr(demo, "load", lambda folder: None)
    monkeypatch.setattr(import_module("regard.tasks.transduce.demo"), "show", lambda *a: None)
    demo.run("transduce", tmp_path / "demo")
    assert was_set(load_config(tmp_path / "demo/transduce.yaml")) == was_set(made[0])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", "--train", "a.tsv", "model.size=8", "--print-config"]) == 0
    told = capsys.readouterr().out
    assert "\n  size: 8\n" in told and "\n  # epochs: auto\n" in told and "\n  # source: 1\n" in told
    assert told == print_config(load_config(None, ["model.size=8"], train=["a.tsv"])) and not told.endswith("\n\n")
    assert run(["train", "--print-config"]) == 0
    Path("c.yaml").write_text(capsys.readouterr().out)
    assert load_config("c.yaml") == read_config({}) and was_set(load_config("c.yaml")) == was_set(read_config({}))
