"""`train.log: [tensorboard]`: event files that say what metrics.jsonl says, once, however often a run is stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from regard.config import load_config
from regard.core.errors import ConfigError
from regard.runs import train
from regard.training.event_files import FOLDER, EventFiles

BRIEF = (
    "train.threads=1",
    "train.samples=0",
    "train.report_every=1",
    "train.validate_every=2",
    "model.size=8",
    "train.metric=loss",
    "train.schedule=constant",
)
EXTRA = "the extra tensorboard is optional"


def ran(folder: Path, updates: int, log: str, *, resume: bool = False) -> Path:
    pairs = folder / "pairs.tsv"
    pairs.write_text("".join(f"{n}\t{n + 1}\n" for n in range(40)), encoding="utf-8")
    words = [*BRIEF, f"train.updates={updates}", f"train.log={log}"]
    return train(load_config(None, words, train=[str(pairs)]), folder / "run", resume=resume, say=lambda line: None).folder


def written(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads from the event files."""
    pytest.importorskip("tensorboard", reason=EXTRA)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(run / FOLDER))
    read.Reload()
    return {tag: [(each.step, each.value) for each in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def reported(run: Path) -> dict[str, list[tuple[int, float]]]:
    """The same of metrics.jsonl, as event files hold numbers."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines()):
        for name, value in row.items():
            if name not in ("kind", "step", "best") and value is not None:
                found.setdefault(f"{row['kind']}/{name}", []).append((row["step"], float(np.float32(value))))
    return found


def test_event_files_say_what_metrics_jsonl_says_and_a_run_that_goes_on_doubles_nothing(tmp_path):
    pytest.importorskip("tensorboard", reason=EXTRA)
    run = ran(tmp_path, 4, "tensorboard")
    first = written(run)
    assert first == reported(run) and [step for step, _ in first["train/loss"]] == [1, 2, 3, 4]
    assert [step for step, _ in first["valid/loss"]] == [2, 4]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    lost = EventFiles(run / FOLDER, rows)  # a session that was killed before its checkpoint
    lost.add({"kind": "train", "step": 5, "loss": 99.0})
    lost.add({"kind": "valid", "step": 9, "loss": 99.0})
    lost.close()
    assert written(run)["valid/loss"][-1] == (9, 99.0)
    assert written(ran(tmp_path, 6, "[tensorboard]", resume=True)) == reported(run)
    assert len(written(run)["train/loss"]) == 6


def test_event_files_that_come_later_have_what_was_before(tmp_path):
    pytest.importorskip("tensorboard", reason=EXTRA)
    assert not (ran(tmp_path, 2, "[]") / FOLDER).exists()
    run = ran(tmp_path, 4, "tensorboard", resume=True)
    assert written(run) == reported(run)


def test_without_the_extra_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match=r"received an environment without it\. Run: pip install -e '\.\[tensorboard\]'"):
        train(load_config(None, ["train.log=tensorboard"], train=[str(tmp_path / "none.tsv")]), tmp_path / "run")
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize(("word", "told"), [("tensorbord", "Did you mean 'tensorboard'"), ("3", "or a list of such words")])
def test_other_words_are_refused(word, told):
    with pytest.raises(ConfigError, match=told):
        load_config(None, [f"train.log={word}"])
