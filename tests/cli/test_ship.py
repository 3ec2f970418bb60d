"""The ten commands of docs/ship.md, run as they stand there: from a table to an answered request, with what pip builds of the checkout."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.tasks.transduce.demo_data import dates

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ship.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```\n(pip install \.\[serve\] .*?)```", PAGE, re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for line in BLOCK.splitlines()]
# Behind `regard train`, as this is no test of training; answers of two letters or more, so that there are some.
SMALL = "model.size=16 model.embedding=8 train.updates=40 train.epochs=2 train.threads=1 decode.min_length=2"
BUILT = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "src", "runtime")
PORT = "8000"
SERVED = ("starlette", "uvicorn", "prometheus_client")
AWAY = {"regard": (), "runtime": ("torch", "regard")}  # what the commands have not installed there


class Shell:
    """A checkout with a person's files in it, and the commands that pip has installed from it: Regard's, and after the seventh the
    runtime's, which has a place of its own as it would on another machine."""

    def __init__(self, place: Path) -> None:
        self.here, self.sites = place / "checkout", {name: place / name for name in ("regard", "runtime")}
        self.here.mkdir()
        for machine, names in AWAY.items():
            (place / f"not-{machine}").mkdir()
            for name in names:
                (place / f"not-{machine}" / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
        for name in BUILT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, self.here / name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])

    def words(self, command: str) -> str:
        """What is run for a command: without the network, small, at a port that is free."""
        if command.startswith("pip install"):
            site = self.sites["runtime" if "runtime" in command else "regard"]
            what = command.removeprefix("pip install").strip()
            return f"{shlex.quote(sys.executable)} -m pip install -q --no-deps --no-build-isolation --target {site} {shlex.quote(what)}"
        return f"{command} {SMALL}" if command.startswith("regard train") else command.replace(PORT, self.port)

    def environment(self, command: str) -> dict[str, str]:
        """As it is on a machine without a compiler."""
        machine = "runtime" if command.startswith("regard-run") else "regard"
        site, away = self.sites[machine], self.here.with_name(f"not-{machine}")
        paths = f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": paths, "PYTHONPATH": f"{site}{os.pathsep}{away}", "OMP_NUM_THREADS": "1", "CC": "false"}

    def run(self, command: str) -> str:
        more = {"shell": True, "cwd": self.here, "env": self.environment(command), "executable": shutil.which("bash")}
        done = subprocess.run(self.words(command), capture_output=True, text=True, timeout=120, **more)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return str(done.stdout)

    def start(self, command: str) -> subprocess.Popen[str]:
        """A command that goes on, once it is ready."""
        words, env = ["bash", "-c", f"exec {self.words(command)}"], self.environment(command)
        process = subprocess.Popen(words, cwd=self.here, env=env, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        said = iter(process.stderr.readline, "")
        assert any('"ready"' in line for line in said), "the server ended"
        return process


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    for name in ("bash", "curl"):
        if shutil.which(name) is None:
            pytest.skip(f"the commands of docs/ship.md need {name}")
    for name in SERVED:
        pytest.importorskip(name, reason="needs the extra `serve`: pip install '.[serve]' in the checkout")
    made = Shell(tmp_path)
    pairs = dates(3, 260)[0]
    for name, rows in (("words.tsv", pairs[:200]), ("test.tsv", pairs[200:230])):
        (made.here / name).write_text("".join(f"{a}\t{b}\n" for a, b in rows), "utf-8")
    (made.here / "new.txt").write_text("".join(f"{a}\n" for a, _ in pairs[230:]) + "a text\n", "utf-8")
    yield made


def test_the_ten_commands_lead_from_a_table_to_an_answer(shell):
    begun = time.monotonic()
    assert len(COMMANDS) == 10 and COMMANDS[8].startswith("regard serve") and COMMANDS[9].startswith("curl")
    for command in COMMANDS[:8]:
        shell.run(command)
    assert (shell.here / "model" / "export.json").is_file() and (shell.here / "model.html").stat().st_size > 10_000
    answers, asked = ((shell.here / name).read_text("utf-8").splitlines() for name in ("answers.txt", "new.txt"))
    assert len(answers) == len(asked) and any(answers)
    server = shell.start(COMMANDS[8])
    try:
        told = json.loads(shell.run(COMMANDS[9]))
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        server.stderr.close()
    assert told["predictions"][0][0]["text"] == answers[-1] and told["predictions"][0][0]["source"] == "a text"
    assert time.monotonic() - begun < 240  # 21 s of one core
