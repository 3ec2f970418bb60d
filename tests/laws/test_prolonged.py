"""A run that is over can go on: as it would have, had it been told so from the beginning, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from regard.cli.main import run as cli
from regard.config import load_config, read_config
from regard.core.errors import RunFolderError
from regard.runs import train
from regard.training import run_files
from regard.training.reporting import MEASURED

LINES = "".join(f"{a}{b}{c}\t{a.upper()} {b.upper()} {c.upper()}\n" for a in "abc" for b in "de" for c in "fghij")


def ran(
    folder: Path, *, name: str = "run", resume: bool = False, model: dict | None = None, **settings: object
) -> tuple[Path, list[str]]:
    (folder / "words.tsv").write_text(LINES, encoding="utf-8")
    values = {
        "data": {"train": [str(folder / "words.tsv")], "target_tokenizer": "space"},
        "model": {"size": 7, "embedding": 5, **(model or {})},
        "train": {"batch_tokens": 30, "threads": 1, "samples": 0, "learning_rate": 0.01, **settings},
    }
    said: list[str] = []
    return train(read_config(values), folder / name, resume=resume, say=said.append).folder, said


def rows(run: Path) -> list[dict]:
    """Validations; each end of a session has a report of training of its own."""
    read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in MEASURED} for row in read if row["kind"] == "valid"]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return run_files.read_tensors(max(run.glob("checkpoints/step-*")) / "model.safetensors")


@pytest.mark.parametrize(
    "settings",
    [{}, {"schedule": "plateau", "plateau_patience": 1, "average": 2}, {"schedule": "inverse-sqrt", "warmup": 5}],
    ids=["constant", "plateau", "inverse-sqrt"],
)
def test_more_epochs_are_those_of_a_run_that_had_them_from_the_beginning(tmp_path, settings):
    whole, _ = ran(tmp_path, name="whole", epochs=5, **settings)
    ran(tmp_path, epochs=2, **settings)
    parts, said = ran(tmp_path, epochs=4, resume=True, **settings)
    assert said[-1] == "stopped: 4 epochs (train.epochs)"
    parts, _ = ran(tmp_path, epochs=5, resume=True, **settings)
    assert rows(parts) == rows(whole) and load_config(parts / "config.yaml").train.epochs == 5
    one, other = weights(parts), weights(whole)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_rate_that_falls_to_the_end_is_of_one_length(tmp_path):
    run, _ = ran(tmp_path, epochs=2, schedule="linear", warmup=2)
    told = r"run: expected the length that the run began with \(2 epochs\), at whose end its rate is 0 .*; received 3 epochs. .* --from "
    with pytest.raises(RunFolderError, match=told):
        ran(tmp_path, epochs=3, schedule="linear", warmup=2, resume=True)
    assert load_config(run / "config.yaml").train.epochs == 2
    _, said = ran(tmp_path, epochs=2, schedule="linear", warmup=2, minutes=9, resume=True)  # a limit that it does not reach
    assert said[-1] == "stopped: 2 epochs (train.epochs)"


def test_more_time_for_a_rate_that_fell_to_the_end_of_it_begins_anew(tmp_path):
    _, said = ran(tmp_path, epochs=4, schedule="linear", minutes=1e-6)
    assert said[-1] == "stopped: 1e-06 minutes (train.minutes)"
    _, said = ran(tmp_path, epochs=4, schedule="linear", minutes=9, resume=True)
    assert "note: the rate had fallen to 0 by the time limit; it begins anew." in said
    assert said[-1] == "stopped: 4 epochs (train.epochs)"


def test_what_changes_with_the_share_that_is_done_is_of_one_length(tmp_path):
    ran(tmp_path, epochs=1, scheduled_sampling=0.3)
    with pytest.raises(RunFolderError, match="a part of its net changes with the share that is done"):
        ran(tmp_path, epochs=2, scheduled_sampling=0.3, resume=True)


def test_patience_that_grew_and_other_keys(tmp_path):
    ran(tmp_path, epochs=40, patience=1, learning_rate=3.0)
    _, said = ran(tmp_path, epochs=40, patience=3, learning_rate=3.0, resume=True)
    assert said[-1].startswith("stopped: 3 validations without a gain") or said[-1] == "stopped: 40 epochs (train.epochs)"
    with pytest.raises(RunFolderError, match=r"train\.learning_rate: 3\.0 here, 2\.0 there"):
        ran(tmp_path, epochs=50, patience=3, learning_rate=2.0, resume=True)


def test_the_command(tmp_path, monkeypatch, capsys):
    ran(tmp_path, epochs=1)
    monkeypatch.chdir(tmp_path)
    assert cli(["train", "--resume", "--out", "run", "train.epochs=2"]) == 0
    assert "stopped: 2 epochs (train.epochs)" in capsys.readouterr().err
    assert cli(["train", "--resume", "--out", "run"]) == 0 and "stopped: 2 epochs" in capsys.readouterr().err
