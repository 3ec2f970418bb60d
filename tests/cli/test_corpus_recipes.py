"""The recipes of docs/scale.md for programs of one's own, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import small
from .corpora import make_run

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


@pytest.fixture
def home(tmp_path, tmp_path_factory):
    """A folder with a run and a corpus of two files, and all answers to it."""
    (tmp_path / "run").symlink_to(make_run(tmp_path_factory))
    (tmp_path / "corpus").mkdir()
    words = small.words(50, 9)
    for name, some in (("a.txt", words[:20]), ("b.txt", words[20:])):
        (tmp_path / "corpus" / name).write_text("".join(f"{word}\n" for word in some), "utf-8")
    return tmp_path


def play(home: Path, package: str) -> None:
    (recipe,) = (
        code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S) if f"import {package}" in code
    )
    (home / "recipe.py").write_text(recipe, "utf-8")
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run([sys.executable, "recipe.py"], cwd=home, env=where, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def alone(home: Path, file: str) -> str:
    call = [sys.executable, "-m", "regard", "predict", "run", f"corpus/{file}", "--quiet"]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(call, cwd=home, env=where, capture_output=True, text=True, check=True).stdout


def test_dask(home):
    pytest.importorskip("distributed", reason="Dask is not installed")
    play(home, "dask.bag")
    for name, file in (("0.txt", "a.txt"), ("1.txt", "b.txt")):
        assert (home / "answers" / name).read_text("utf-8") == alone(home, file)


def test_ray(home):
    pytest.importorskip("ray.data", reason="Ray is not installed")
    from pyarrow import parquet

    play(home, "ray")
    found = [
        answer
        for path in sorted((home / "answers").glob("*.parquet"))
        for answer in parquet.read_table(path)["answer"].to_pylist()
    ]
    assert found == (alone(home, "a.txt") + alone(home, "b.txt")).splitlines()
