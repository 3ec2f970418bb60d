"""Spoiled run folders, disks and numbers: a clear error, nothing lost.  Long because one tiny run is spoiled in many ways."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from regard.config.schema import TrainSection
from regard.core import atomic_files
from regard.core.errors import ConfigError, RegardError, RunFolderError
from regard.training import checkpoint, reporting, run_files
from regard.training.checkpoint import load_network
from regard.training.trainer import Validation, fit


class Loss(NamedTuple):
    total: Tensor
    nats: Tensor
    tokens: int


class Order:
    def epoch(self, epoch: int) -> list[list[int]]:
        return [[i] for i in range(40)]


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def train(
    folder: Path,
    *,
    resume: bool = False,
    fault: Callable[[int], float] = lambda row: 1.0,
    fingerprint: dict[str, object] | None = None,
    validation: Callable[[], dict[str, float]] = lambda: {"exact": 0.5, "loss": 1.0},
    **settings: object,
) -> list[str]:
    """A tiny run; `fault` gives each row a factor of its loss.  What was said."""
    network, said = net(), list[str]()

    def loss(rows: list[int]) -> Loss:
        x = torch.randn(2, 3, generator=torch.Generator().manual_seed(rows[0]))
        total = network(x).square().sum() * fault(rows[0])
        return Loss(total, total, 2)

    fit(
        network,
        loss=loss,
        batch=lambda rows: rows,
        batches=Order(),
        validate=lambda: Validation(validation(), []),
        settings=TrainSection(**({"updates": 8, "validate_every": 4, "report_every": 2, "precision": "float32"} | settings)),
        folder=folder,
        fingerprint={"data.train": "abc"} if fingerprint is None else fingerprint,
        resume=resume,
        say=said.append,
    )
    return said


def parts(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.name.endswith(atomic_files.PART)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    train(tmp_path / "run")
    return tmp_path / "run"


STEP = "step-00000008"
FILES = ("model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["missing", "empty", "half", "noise", "a folder"])
def test_a_damaged_checkpoint_names_its_file(run, name, harm):
    path = run / "checkpoints" / STEP / name
    whole = path.read_bytes()
    path.unlink()
    if harm == "a folder":
        path.mkdir()
    elif harm != "missing":
        path.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "noise": b"\xff\x07" * 500}[harm])
    with pytest.raises(RunFolderError, match=r"expected .*; received .*\. .*another folder") as caught:
        train(run, resume=True)
    assert str(path) in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.parametrize(
    "state", ["[]", "3", "{}", '{"format": 1}', '{"format": 1, "fingerprint": {}, "progress": {"step": 1}}', "null"]
)
def test_a_state_that_is_no_state(run, state):
    (run / "checkpoints" / STEP / "state.json").write_text(state)
    with pytest.raises(RunFolderError, match=r"state\.json is damaged"):
        train(run, resume=True)


def test_a_newer_format(run):
    path = run / "checkpoints" / STEP / "state.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({"format": checkpoint.FORMAT + 1, "what": "nobody knows yet"}))
    with pytest.raises(
        RunFolderError, match=rf"newer Regard: expected format {state['format']} or older; received format 2\. Update"
    ):
        train(run, resume=True)


@pytest.mark.parametrize("name", ["best-00000004.safetensors", "snapshot-00000008.safetensors"])
def test_weights_that_a_checkpoint_names_are_missing(tmp_path, name):
    train(tmp_path, average=2)
    (tmp_path / "checkpoints" / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name} is missing"):
        train(tmp_path, average=2, resume=True)


def test_damaged_snapshots(tmp_path):
    train(tmp_path, average=2)
    (tmp_path / "checkpoints" / "snapshot-00000008.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunFolderError, match=r"one of .*snapshot-00000008.* is damaged"):
        checkpoint.mean([tmp_path / "checkpoints" / "snapshot-00000008.safetensors"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("0.bias"), "0.bias is missing"),
        (lambda t: t.update(extra=torch.zeros(1)), "extra is too much"),
        (lambda t: t.update({"2.weight": torch.zeros(2, 7)}), "2.weight is float32 (2, 7) and should be float32 (2, 5)"),
        (lambda t: t.update({"2.bias": torch.zeros(2).half()}), "2.bias is float16 (2,) and should be float32 (2,)"),
    ],
)
def test_weights_of_another_model(run, change, said):
    for path in (run / "model.safetensors", run / "checkpoints" / STEP / "model.safetensors"):
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
    network = net()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(RunFolderError, match=re.escape(said)):
        load_network(network, run / "model.safetensors")
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(RunFolderError, match=re.escape(said)):
        train(run, resume=True)


def test_an_optimizer_of_another_model(run):
    path = run / "checkpoints" / STEP / "optimizer.safetensors"
    save_file({"9.weight:exp_avg": torch.zeros(2)}, path)
    with pytest.raises(RunFolderError, match=r"optimizer\.safetensors does not fit .*9\.weight"):
        train(run, resume=True)


def test_changed_data_or_config_is_refused_with_the_differences(tmp_path):
    train(tmp_path, fingerprint={"data.train": "abc", "config": {"size": 5, "x": 3}, "gone": [1, 2], "same": (1, 2)})
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(RunFolderError) as caught:
        train(
            tmp_path, resume=True, fingerprint={"data.train": "xyz", "config": {"size": 6, "x": 3}, "new": None, "same": (1, 2)}
        )
    text = str(caught.value)
    assert "expected data.train = abc; config.size = 5; gone = [1, 2]; no new" in text
    assert "received data.train = xyz; config.size = 6; no gone; new = None" in text
    assert "same" not in text.replace("the same", "")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_folder_that_holds_a_run_is_not_written_over(run):
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    with pytest.raises(RunFolderError, match=r"holds a run already: .*--resume"):
        train(run)
    shutil.rmtree(run / "checkpoints")
    for resume in (False, True):
        with pytest.raises(RunFolderError, match="holds a model already"):
            train(run, resume=resume)
    assert all(p.read_bytes() == data for p, data in before.items() if p.exists()) and (run / "model.safetensors").exists()


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(RegardError, match="cannot write"):
        train(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_what_killed_writers_left_is_cleaned_away(tmp_path):
    left = tmp_path / "checkpoints" / ".step-00000002.77.part"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    (tmp_path / ".model.safetensors.77.part").write_bytes(b"half")
    (tmp_path / "checkpoints" / "best-00000001.safetensors").write_bytes(b"nobody names it")
    train(tmp_path)
    assert not parts(tmp_path)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["best-00000004.safetensors", STEP]


def fsyncs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """How often a whole run flushes."""
    count, real = 0, os.fsync

    def counted(handle: int) -> None:
        nonlocal count
        count += 1
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted)
        train(tmp_path)
    return count


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_at_any_moment_loses_nothing(tmp_path, monkeypatch, code):
    """The disk gives out at each flush in turn; when it has room again, the run goes on to the same end."""
    total = fsyncs(monkeypatch, tmp_path / "whole")
    whole, real = (tmp_path / "whole" / "model.safetensors").read_bytes(), os.fsync
    assert total > 15
    for last in range(0, total, 1 if code == errno.ENOSPC else 7):
        folder, count, kept = tmp_path / str(last), 0, list[str]()

        def full(handle: int, folder: Path = folder, last: int = last, kept: list[str] = kept) -> None:
            nonlocal count
            count += 1
            if count > last:
                kept[:] = kept or [p.name for p in (folder / "checkpoints").glob("step-*")]
                raise OSError(code, os.strerror(code))
            real(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(RegardError, match="cannot write") as caught:
                train(folder)
        assert caught.value.exit_code == 1 and not parts(folder)
        assert code == errno.EIO or re.search(
            r"the disk is full: expected .*free disk; received .* free\. Free some space", str(caught.value)
        )
        assert {p.name for p in (folder / "checkpoints").glob("step-*")} >= set(kept)
        train(folder, resume=True)
        assert (folder / "model.safetensors").read_bytes() == whole


def test_a_full_disk_says_how_much_a_whole_checkpoint_needs(tmp_path, monkeypatch):
    real = run_files.write_tensors

    def full(path: Path, *more: object) -> None:
        if path.name == "optimizer.safetensors":
            monkeypatch.setattr(
                os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
            )
        real(path, *more)

    monkeypatch.setattr(run_files, "write_tensors", full)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 2_300_000))
    with pytest.raises(
        RegardError, match=r"expected 10\d\.\d kB of free disk; received 2\.3 MB free\. Free some space in .*--resume"
    ):
        train(tmp_path)
    assert not parts(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_for_the_metrics(tmp_path):
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(RegardError, match=r"cannot write .*metrics\.jsonl, the disk is full"):
        train(tmp_path)


def test_numbers_that_are_not_finite_are_skipped_and_counted(tmp_path):
    train(tmp_path, fault=lambda row: math.nan if row in (1, 2, 5) else 1.0, clip=0.0)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(r["step"], r["skipped"]) for r in rows if r["kind"] == "train"] == [(2, 1), (4, 2), (6, 3), (8, 3)]
    assert all(math.isfinite(r["loss"]) for r in rows)
    # as if these rows had never been: an update that is skipped moves nothing, AdamW's own count included
    step = load_file(tmp_path / "checkpoints" / STEP / "optimizer.safetensors")["0.weight:step"]
    assert step.item() == 5 and all(t.isfinite().all() for t in load_file(tmp_path / "model.safetensors").values())


def test_ten_in_a_row_end_the_training(tmp_path):
    with pytest.raises(RegardError, match=r"broke down at step 13: .*10 updates in a row .*train\.learning_rate"):
        train(tmp_path, fault=lambda row: math.inf if row >= 3 else 1.0, updates=30)
    with pytest.raises(RegardError, match="step 13"):  # the strikes of before count
        train(tmp_path, fault=lambda row: math.inf if row >= 3 else 1.0, updates=30, resume=True)
    train(tmp_path / "nine", fault=lambda row: math.inf if 3 <= row < 12 or row > 12 else 1.0, updates=22)


def test_a_metric_that_the_task_does_not_have(tmp_path):
    with pytest.raises(ConfigError, match=r"train\.metric: expected one of exact, loss; received bleu"):
        train(tmp_path, metric="bleu")


def test_a_figure_that_is_not_finite_is_null_and_no_gain(tmp_path):
    figures = iter([math.nan, 0.3, math.nan, 0.2])
    train(tmp_path, validation=lambda: {"exact": next(figures)}, updates=16)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = [(r["exact"], r["best"]) for r in rows if r["kind"] == "valid"]
    assert found == [(None, True), (0.3, True), (None, False), (0.2, False)]


def test_equal_figures_are_told_apart_by_the_loss(tmp_path):
    figures = iter([(0.0, 3.0), (0.0, 2.0), (0.0, 2.5), (0.1, 4.0), (0.1, 4.0), (0.1, 3.0)])
    train(tmp_path, validation=lambda: dict(zip(("exact", "loss"), next(figures), strict=True)), updates=24)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [r["best"] for r in rows if r["kind"] == "valid"] == [True, True, False, True, False, True]


def test_patience(tmp_path):
    figures = iter([0.1, 0.3, 0.3, 0.2, 0.4])
    said = train(tmp_path, validation=lambda: {"exact": next(figures)}, updates=36, patience=2)
    assert (tmp_path / "checkpoints" / "step-00000016").is_dir() and sum("validation:" in line for line in said) == 4
    assert sum("best exact so far" in line for line in said) == 2


# ---- what is said


def test_a_plain_line_has_all_that_was_promised(tmp_path):
    said = train(tmp_path)
    lines = [line for line in said if line.startswith("step") and "validation:" not in line]
    assert len(lines) == 4
    number = r"[\d.,e+-]+"
    words = [
        "step 8/8",
        "epoch 1",
        f"loss {number}",
        f"ppl {number}",
        "lr 0.001",
        f"{number} tokens/s",
        "ETA 0:00",
        f"memory {number} MB",
    ]
    assert re.match(r"  ".join(words), lines[-1])
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert all(set(reporting.MEASURED) <= set(r) for r in rows) and [r["kind"][0] for r in rows] == list("ttvttv")


def test_a_report_has_the_mean_of_all_since_the_last(tmp_path):
    train(tmp_path, learning_rate=1e-12, updates=7, report_every=3, fault=lambda row: math.nan if row == 1 else row + 1.0)
    network = net()
    totals = [
        (i + 1) * network(torch.randn(2, 3, generator=torch.Generator().manual_seed(i))).square().sum().item() for i in range(7)
    ]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = [(r["step"], r["tokens"], r["loss"]) for r in rows if r["kind"] == "train"]
    losses = [(totals[0] + totals[2]) / 4, sum(totals[3:6]) / 6, totals[6] / 2]  # two tokens a row, the second row skipped
    assert [(s, t) for s, t, _ in found] == [(3, 6), (6, 12), (7, 14)]
    assert [loss for *_, loss in found] == pytest.approx(losses, rel=1e-6)


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_a_terminal_shows_a_bar_and_lines_stand_alone(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    said = train(tmp_path)
    assert not [line for line in said if "ppl" in line]
    bars = terminal.text.split("\r")
    assert "[" in bars[1] and "step 1/8" in bars[1] and all(len(b) < shutil.get_terminal_size().columns + 4 for b in bars)
    assert terminal.text.endswith("\x1b[K")
