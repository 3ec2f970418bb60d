"""The notebooks run from their first cell to their last, and what they claim holds: their own `assert`s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def code(path: Path) -> str:
    """The cells of code, one after the other."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_there_are_four():
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    assert "assert " in code(path)
    (tmp_path / "cells.py").write_text(code(path), "utf-8")
    env = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_kept(path):
    """Whoever opens it runs it; what was printed once grows old."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")
