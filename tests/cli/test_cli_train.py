"""`regard train`: what becomes of its words before training begins."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from regard.cli.main import run
from regard.config import Config, load_config
from regard.training.reporting import silent
from regard.training.signals import Interrupted


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Config, Path, bool]]:
    """The calls of a training that takes no time."""
    monkeypatch.chdir(tmp_path)
    made: list[tuple[Config, Path, bool]] = []

    def train(config: Config, out: Path, *, resume: bool, **more: Any) -> Any:
        made.append((config, out, resume))
        return types.SimpleNamespace(folder=out, metrics={"exact": 0.91234, "loss": None})

    fit = types.ModuleType("regard.runs")
    fit.train = train  # type: ignore[attr-defined]  # a module made up
    monkeypatch.setitem(sys.modules, "regard.runs", fit)
    return made


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert run(["train", *args]) == 2
    told = capsys.readouterr()
    assert not told.out and "Traceback" not in told.err
    return told.err.strip()


def test_words_options_and_config(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.yaml").write_text("model: {size: 8}\n")
    args = [
        "c.yaml",
        "--train",
        "a.de",
        "--train",
        "a.en",
        "train.epochs=3",
        "--valid",
        "v.tsv",
        "--out",
        "r/1",
        "--task",
        "transduce",
    ]
    assert run(["train", *args]) == 0
    config = load_config("c.yaml", ["train.epochs=3"], train=["a.de", "a.en"], valid=["v.tsv"])
    assert calls == [(config, Path("r/1"), False)]
    told = capsys.readouterr()
    assert not told.out
    assert "The model is in r/1: exact 0.9123\n" in told.err and "regard predict r/1 FILE" in told.err


def test_print_config_prints_what_loads_back(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--train", "a.tsv", "model.size=8", "--print-config"]) == 0
    Path("c.yaml").write_text(capsys.readouterr().out)
    assert load_config("c.yaml") == load_config(None, ["model.size=8"], train=["a.tsv"])
    assert not calls


def test_print_config_needs_no_torch() -> None:
    command = "from regard.cli.main import run; assert run(['train', '--print-config']) == 0"
    code = f"import sys; {command}; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_without_data(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        refused(capsys) == "data.train: expected at least one file; received none. Give --train FILE, or data.train in a config."
    )


def test_a_stray_data_file_and_two_configs(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--train (twice" in refused(capsys, "--train", "a.de", "a.en")
    assert "received a.yaml and b.yml" in refused(capsys, "a.yaml", "b.yml")


def test_faults_of_a_config_come_all_at_once(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.yaml").write_text("modl: {}\n")
    told = refused(capsys, "c.yaml", "train.epochs=many", "--train", "a", "--task", "translate")
    assert [line.split(" expected")[0] for line in told.splitlines()] == [
        "c.yaml:1: modl:",
        "train.epochs=many: train.epochs:",
        "--task: task:",
    ]


def test_an_out_that_exists_is_refused(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("full").mkdir()
    Path("full/notes").write_text("mine")
    Path("file").write_text("mine")
    Path("old").mkdir()
    Path("old/config.yaml").write_text(load_config(None, train=["a"]).to_yaml())
    assert "received a run. Add --resume to go on with it, or choose another folder" in refused(
        capsys, "--train", "a", "--out", "old"
    )
    assert "received a folder that is not a run. Choose another" in refused(capsys, "--train", "a", "--out", "full")
    assert "received a file. Choose another" in refused(capsys, "--train", "a", "--out", "file")
    assert not calls
    Path("empty").mkdir()
    assert run(["train", "--train", "a", "--out", "empty"]) == 0


def test_resume_alone_takes_the_runs_own_config(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("old").mkdir()
    own = load_config(None, ["model.size=8"], train=["a"])
    Path("old/config.yaml").write_text(own.to_yaml())
    assert run(["train", "--out", "old", "--resume"]) == 0
    assert run(["train", "--out", "old", "--resume", "train.epochs=3"]) == 0
    assert [(c.difference(own), out, resume) for c, out, resume in calls] == [
        ([], Path("old"), True),
        (["train.epochs: 3 here, auto there"], Path("old"), True),
    ]


def test_quiet_is_as_in_other_commands(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line on stderr; errors are told."""
    heard: list[Any] = []
    stub = sys.modules["regard.runs"].train
    monkeypatch.setattr(sys.modules["regard.runs"], "train", lambda *a, say, **more: heard.append(say) or stub(*a, **more))
    assert run(["train", "--train", "a", "--quiet"]) == run(["train", "--train", "a", "-q"]) == 0
    assert capsys.readouterr() == ("", "") and len(calls) == 2 and heard == [silent, silent]
    assert run(["train", "--train", "a"]) == 0 and "The model is in run: " in capsys.readouterr().err
    assert "data.train: expected at least one file" in refused(capsys, "--quiet")


def test_resume_of_what_never_began(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected a run to go on with; received no such folder" in refused(capsys, "--resume", "--out", "nowhere")
    assert (
        run(["train", "--train", "a", "--resume", "--out", "nowhere"]) == 0
    )  # killed before it wrote anything: from the beginning
    assert calls[0][2] is True


def test_ctrl_c_and_sigterm_have_their_codes(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(error: BaseException) -> Any:
        def train(config: Config, out: Path, *, resume: bool, **more: Any) -> None:
            raise error

        return train

    for error, code in ((KeyboardInterrupt(), 130), (Interrupted(2, "stopped"), 130), (Interrupted(15, "stopped"), 143)):
        monkeypatch.setattr(sys.modules["regard.runs"], "train", interrupted(error))
        assert run(["train", "--train", "a"]) == code
    assert capsys.readouterr().err == "SIGINT: stopped\nSIGTERM: stopped\n"
