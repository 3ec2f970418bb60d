"""The command line as a whole: help, exit codes, and how it ends when something goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regard.cli import main
from regard.core.errors import DataError, RegardError

REGARD = [sys.executable, "-c", "from regard.cli.main import main; main()"]


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes whatever command is asked for end with this error."""

    def app(args: object, prog_name: str) -> None:
        raise error

    monkeypatch.setattr(main, "app", app)


def test_help_is_quick_and_loads_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys\nfrom regard.cli.main import run\nassert run(['--help']) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'rich'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("demo", "train", "predict", "evaluate", "view", "info"):
        assert f"\n  {command} " in done.stdout
    times = []
    for _ in range(3):
        before = os.times()
        subprocess.run([*REGARD, "--help"], stdout=subprocess.DEVNULL, check=True)
        after = os.times()  # of the processor, for tests share the machine with others
        times.append(after.children_user - before.children_user + after.children_system - before.children_system)
    assert min(times) < 0.5, times


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
    write = "import sys, regard.cli.main as m\nm.app = lambda **k: [print('x' * 99, flush=True) for _ in range(9999)]\nm.main()"
    with subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141  # as a process that SIGPIPE ended


@pytest.mark.parametrize("verb", ["--help", "catalogue"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_is_gone_ends_a_command_with_141(verb: str, unbuffered: str) -> None:
    """click would make 1 of what is written at once."""
    read, write = os.pipe()
    os.close(read)
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([sys.executable, "-m", "regard", verb], stdout=write, stderr=subprocess.PIPE, env=env)
    os.close(write)
    assert done.returncode == 141 and done.stderr == b""


def test_output_is_utf_8_whatever_the_locale_says() -> None:
    write = "import regard.cli.main as m\nm.app = lambda **k: print('\\u0283\\u4e8c')\nm.main()"
    env = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", write], capture_output=True, env=env)
    assert done.stdout == "ʃ二\n".encode(), done.stderr


@pytest.mark.parametrize("streams", ["<&- >out 2>err", "</dev/null >&- 2>err", "</dev/null >out 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_the_null_device(streams: str, tmp_path: Path) -> None:
    """Not None, and not the next file that is opened: what a library writes to stderr by its number must not land in that file."""
    lines = (
        "import os, sys, regard.cli.main as m",
        "def app(args, prog_name):",
        "    file = open('file', 'w')",
        "    assert sys.stdin.read() == ''",
        "    print('out', flush=True), print('err', file=sys.stderr, flush=True), os.write(1, b'1'), os.write(2, b'2')",
        "    file.write(f'{sys.stdin.isatty()} {sys.stdout.isatty()} {sys.stderr.isatty()}')",
        "m.app = app",
        "m.main()",
    )
    (tmp_path / "write.py").write_text("\n".join(lines))
    done = subprocess.run(f"{sys.executable} write.py {streams}", shell=True, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "file").read_text() == "False False False"
    for name, told in (("out", "out\n1"), ("err", "err\n2")):
        if name in streams:
            assert (tmp_path / name).read_text() == told


def test_a_crash_where_nothing_can_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.delenv("REGARD_DEBUG", raising=False)
    fail(monkeypatch, ZeroDivisionError("by zero"))
    assert main.run([]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Traceback") and "\nregard failed unexpectedly: ZeroDivisionError: by zero\n" in told


def test_what_a_file_says_does_not_command_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, DataError("a.tsv:3: \x1b]0;owned\x07 \x9b2J and\ttab"))
    assert main.run([]) == 2
    assert capsys.readouterr().err == "a.tsv:3: [U+001B]]0;owned[U+0007] [U+009B]2J and\ttab\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 7.11 PiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]"),
    ],
)
def test_too_little_memory_is_no_fault_of_regard(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, error)
    assert main.run([]) == 1
    told = capsys.readouterr().err
    assert told.startswith("memory: expected enough for what was asked; received ") and "batch_size" in told


def test_a_path_that_can_be_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["info", "r" * 300]) == 2 and "fault" not in capsys.readouterr().err
