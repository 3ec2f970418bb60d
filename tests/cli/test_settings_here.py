"""A settings file in the current folder, a damaged cache and a full disk change nothing but time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regard.core.optional import module

numba = pytest.mark.skipif(module("attention.kernels.single_numba") is None, reason="numba is not installed")
LOOPS = """
from regard.core.numba_loops import compiled
@compiled
def twice(x):
    return 2 * x
print(twice(21), type(twice).__name__, twice._cache.__class__.__name__)
"""


def run(folder: Path, caches: Path, *, code: str = LOOPS, **more: str) -> subprocess.CompletedProcess[str]:
    """A process in that folder, which has its cache of loops there."""
    file = folder / "loops.py"
    file.write_text(code, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    env = kept | {"XDG_CACHE_HOME": str(caches), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)} | more
    return subprocess.run([sys.executable, str(file)], cwd=folder, env=env, capture_output=True, text=True)


@numba
@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is a custom of Linux")
def test_loops_are_kept_in_a_folder_of_the_users_own(tmp_path):
    """Mode 700; a settings file of numba in the current folder is not read; a damaged file is made anew."""
    here, caches = tmp_path / "here", tmp_path / "caches"
    here.mkdir()
    (here / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'elsewhere'}\ndisable_jit: 1\n")
    first = run(here, caches)
    assert first.stdout == "42 CPUDispatcher Store\n" and not first.stderr, first
    assert not (tmp_path / "elsewhere").exists() and not list(here.rglob("*.nb?"))
    (folder,) = (caches / "regard").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.rglob("loops.twice*"))
    assert {file.suffix for file in files} == {".nbi", ".nbc"}
    for cut in (40, 0):
        for file in files:
            file.write_bytes(file.read_bytes()[:cut])
        again = run(here, caches)
        assert again.stdout == first.stdout and not again.stderr, again
    assert all(len(file.read_bytes()) > 99 for file in files)


@numba
@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is a custom of Linux")
def test_where_nothing_can_be_kept_it_is_said_once(tmp_path):
    (tmp_path / "file").write_text("")
    for caches in (tmp_path / "file", Path("/proc")):
        told = run(tmp_path, caches, code=LOOPS + LOOPS.replace("twice", "thrice"))
        assert told.stdout.count("42 CPUDispatcher") == 2, told
        assert told.stderr.count("compiled loops cannot be kept in") == 1 and "NUMBA_CACHE_DIR" in told.stderr
    full = "import numba.core.caching as c\ndef full(self, *given): raise OSError(28, 'No space left on device')\n"
    told = run(
        tmp_path, tmp_path / "caches", code=f"import regard.core.numba_loops\n{full}c.IndexDataCacheFile.save = full\n{LOOPS}"
    )
    assert told.stdout == "42 CPUDispatcher Store\n" and told.stderr.count("No space left on device") == 1, told


@numba
def test_the_users_own_place_is_taken(tmp_path):
    told = run(tmp_path, tmp_path / "caches", NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert told.stdout.startswith("42") and list((tmp_path / "mine").rglob("*.nbi")) and not (tmp_path / "caches").exists()


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
        told = run(here, tmp_path / "caches", code=code)
        assert not told.returncode, told.stderr
        pictures.append((here / "made.svg").read_bytes())
    assert pictures[0] == pictures[1] and len(pictures[0]) > 1000
