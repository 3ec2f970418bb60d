"""The command line as a whole: help, exit codes, and how it ends when something goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regard.doors.cli import main
from regard.ground.errors import DataError, RegardError

REGARD = [sys.executable, "-c", "from regard.doors.cli.main import main; main()"]


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes whatever command is asked for end with this error."""

    def app(args: object, prog_name: str) -> None:
        raise error

    monkeypatch.setattr(main, "app", app)


def test_help_is_quick_and_loads_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys\nfrom regard.doors.cli.main import run\nassert run(['--help']) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'rich'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("demo", "train", "predict", "evaluate", "view", "info"):
        assert f"\n  {command} " in done.stdout
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([*REGARD, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.5, times  # a quarter of a second alone on the machine; tests share it


@pytest.mark.parametrize("command", ["demo", "train", "predict", "evaluate", "view", "info"])
def test_every_command_and_option_says_what_it_is(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([command, "--help"]) == 0
    assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [[], ["bogus"], ["predict"], ["evaluate", "run"], ["train", "--bogus"], ["predict", "run", "--beam", "0"]]
)
def test_usage_errors_are_2_without_a_traceback(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(args) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("regard ")


@pytest.mark.parametrize(("error", "code"), [(RegardError("what: expected x"), 1), (DataError("a.tsv:3: expected y"), 2)])
def test_errors_of_regard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: RegardError, code: int
) -> None:
    fail(monkeypatch, error)
    assert main.run([]) == code
    assert capsys.readouterr() == ("", f"{error}\n")


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, KeyboardInterrupt())
    assert main.run([]) == 130


def test_a_disk_that_refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail(monkeypatch, PermissionError(13, "Permission denied", "out.npz"))
    assert main.run([]) == 1
    assert capsys.readouterr().err.startswith("out.npz: expected to be able to read or write; received Permission denied. ")


def test_a_fault_of_ours_is_one_message_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("REGARD_DEBUG", raising=False)
    fail(monkeypatch, ZeroDivisionError("by zero\nmore"))
    assert main.run([]) == 1
    told = capsys.readouterr().err
    (log,) = tmp_path.iterdir()
    assert told.startswith("regard failed unexpectedly: ZeroDivisionError: by zero\n") and str(log) in told
    assert "Traceback" not in told and "ZeroDivisionError: by zero" in log.read_text()
    monkeypatch.setenv("REGARD_DEBUG", "1")
    assert main.run([]) == 1
    assert "Traceback" in capsys.readouterr().err and len(list(tmp_path.iterdir())) == 1


def test_a_reader_that_goes_away_is_not_an_error_to_talk_about() -> None:
    write = (
        "import sys, regard.doors.cli.main as m\nm.app = lambda **k: [print('x' * 99, flush=True) for _ in range(9999)]\nm.main()"
    )
    with subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_output_is_utf_8_whatever_the_locale_says() -> None:
    write = "import regard.doors.cli.main as m\nm.app = lambda **k: print('\\u0283\\u4e8c')\nm.main()"
    env = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", write], capture_output=True, env=env)
    assert done.stdout == "ʃ二\n".encode(), done.stderr
