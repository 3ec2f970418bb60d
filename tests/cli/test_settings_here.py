"""A settings file of somebody else's in the current folder changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *, code: str) -> subprocess.CompletedProcess[str]:
    """A process in that folder."""
    file = folder / "program.py"
    file.write_text(code, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run([sys.executable, str(file)], cwd=folder, env=env, capture_output=True, text=True)


def test_a_settings_file_of_matplotlib_changes_no_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    code = """
import numpy as np
from regard.tasks.base import TaskPrediction as Prediction
from regard.view.plot import write
look = np.array([[[0.75, 0.25], [0.5, 0.5]]], dtype=np.float32)
write(Prediction("a b", -1.0, ("a", "b"), ("x", "y"), {"decoder.0.cross": look}, "xy", ()), "made.svg")
"""
    pictures = []
    for name, settings in (
        ("plain", ""),
        ("other", "axes.facecolor: red\nfont.size: 30\nsvg.fonttype: none\nsavefig.facecolor: blue\n"),
    ):
        here = tmp_path / name
        here.mkdir()
        (here / "matplotlibrc").write_text(settings)
        told = run(here, code=code)
        assert not told.returncode, told.stderr
        pictures.append((here / "made.svg").read_bytes())
    assert pictures[0] == pictures[1] and len(pictures[0]) > 1000
