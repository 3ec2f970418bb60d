"""Every study runs in its quick form and writes its table; what it shows at full size is committed in studies/results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted(p for p in (ROOT / "studies").glob("*.py") if '__name__ == "__main__"' in p.read_text("utf-8"))


def run(study: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, str(study), *words], capture_output=True, text=True, timeout=300, env=environment)


def test_there_are_studies():
    assert len(STUDIES) >= 9


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_quick(study, tmp_path):
    done = run(study, "--quick", "--out", str(tmp_path))
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
    header, columns, *rows = (tmp_path / f"{study.stem}.csv").read_text("utf-8").splitlines()
    about = json.loads(header.removeprefix("#"))
    assert {"machine", "torch", "date", "settings", "seeds", "minutes"} <= set(about)
    assert rows and columns.split(",")[-1] == "seconds"
    page = (tmp_path / f"{study.stem}.md").read_text("utf-8")
    assert f"torch {about['torch']}" in page and "|---|" in page.replace(" ", "")
    assert (tmp_path / f"{study.stem}.svg").read_bytes().startswith(b"<?xml")


STUDY = """
import sys
sys.path.insert(0, {studies!r})
from study import Study

study = Study(__file__, "Count the runs.", full={{"size": 3}}, quick={{"size": 1}})
for seed in study.seeds:
    study.run({{"seed": seed}}, lambda seed=seed: print("ran", seed) or {{"third": seed / 3}})
    {stop}
study.claim("not judged", study.quick is False)
study.claim("always", {holds}, always=True)
study.plot(lambda figure: figure.subplots().plot([row["third"] for row in study.rows]))
study.end()
"""


def written(folder: Path, *, stop: str = "", holds: bool = True) -> Path:
    path = folder / "planted.py"
    path.write_text(STUDY.format(studies=str(ROOT / "studies"), stop=stop, holds=holds), "utf-8")
    return path


def test_an_interrupted_study_goes_on(tmp_path):
    """Only what is missing runs, and the plot is that of a study never stopped, byte for byte."""
    stopped = run(written(tmp_path, stop="sys.exit(3) if seed else None"), "--out", str(tmp_path / "a"))
    assert stopped.returncode == 3 and stopped.stdout.count("ran") == 2
    study = written(tmp_path)
    gone_on, whole = (run(study, "--out", str(tmp_path / folder)) for folder in "ab")
    assert (gone_on.returncode, whole.returncode) == (0, 0), gone_on.stderr + whole.stderr
    assert (gone_on.stdout.count("ran"), whole.stdout.count("ran")) == (1, 3)
    a, b = ((tmp_path / folder / "planted.svg").read_bytes() for folder in "ab")
    assert a == b
    assert "| 0.6667 |" in (tmp_path / "a" / "planted.md").read_text("utf-8")


def test_a_table_of_other_settings_is_not_gone_on_with(tmp_path):
    study = written(tmp_path)
    assert run(study, "--quick", "--out", str(tmp_path)).returncode == 0
    refused = run(study, "--out", str(tmp_path))
    assert refused.returncode != 0 and "expected settings {'size': 3}; received settings {'size': 1}" in refused.stderr


def test_a_claim_that_does_not_hold_is_an_error(tmp_path):
    done = run(written(tmp_path, holds=False), "--out", str(tmp_path))
    assert done.returncode == 1 and "always: **does not hold**" in (tmp_path / "planted.md").read_text("utf-8")


def test_without_matplotlib_the_table_is_written_all_the_same(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('planted')\n", "utf-8")
    done = run(written(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode == 0 and "no plot planted.svg: it needs matplotlib" in done.stdout
    assert (tmp_path / "out" / "planted.csv").exists() and not (tmp_path / "out" / "planted.svg").exists()
