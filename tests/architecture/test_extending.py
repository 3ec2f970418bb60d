"""docs/extending.md is true: a score in ten lines, and a cell, in a folder of their own, are under all laws, and wrong ones break them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAWS = ROOT / "tests" / "laws"
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SCORE, CELL = re.findall(r"```python\n((?:from|import) .*?)```", PAGE, re.DOTALL)
WRONG = {
    "Mixes": (
        "    def form",
        "    def prepare(self, keys, at):\n        return keys - keys.mean(2, keepdim=True)\n\n    def form",
    ),
    "Sees": ("memory.keys, query", "memory.keys * memory.valid.shape[1], query"),
}


def laws(
    folder: Path, code: str, where: Path, only: str, *names: str, noun: str = "score", file: str = "distance.py"
) -> tuple[int, str]:
    """Pytest on the laws, from the folder where `file` lies, and nothing else."""
    (folder / file).write_text(code, encoding="utf-8")
    words = [part for name in names for part in (f"--{noun}", f"{Path(file).stem}:{name}")]
    command = [sys.executable, "-m", "pytest", str(where), *words, "-k", only, "-p", "no:cacheprovider"]
    light = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=light, capture_output=True, text=True, timeout=900)
    assert [path.name for path in folder.iterdir()] == [file]
    return done.returncode, done.stdout + done.stderr


def test_a_score_in_ten_lines_keeps_every_law(tmp_path: Path) -> None:
    assert len([line for line in SCORE.splitlines() if line.strip()]) <= 10
    code, told = laws(tmp_path, SCORE, LAWS, "Distance", "Distance")
    passed = re.search(r"(\d+) passed", told)
    assert code == 0 and passed and int(passed[1]) > 100, told[-3000:]


def test_a_wrong_score_breaks_a_law(tmp_path: Path) -> None:
    """One whose `prepare` mixes places, and one that depends on how much padding there is."""
    classes = [SCORE.replace("Distance", name).replace(*change) for name, change in WRONG.items()]
    assert len({SCORE, *classes}) == 3
    code, told = laws(
        tmp_path, "\n".join(classes), LAWS / "test_looks.py", "(place_by_place or invisible) and (Mixes or Sees)", *WRONG
    )
    failed = set(re.findall(r"FAILED \S+::(\w+)\[distance:(\w+), ", told))
    assert code == 1 and {name for _, name in failed} == {*WRONG}, told[-3000:]
    assert ("test_a_memory_grows_place_by_place_and_never_changes", "Mixes") in failed
    assert ("test_padding_and_batch_are_invisible", "Sees") in failed


def test_a_score_that_is_not_there_ends_the_session(tmp_path: Path) -> None:
    code, told = laws(tmp_path, "", LAWS / "test_looks.py", "Distance", "Distance")
    assert code == 4 and "distance:Distance: expected a class Distance in" in told, told[-3000:]


def test_a_cell_keeps_every_law(tmp_path: Path) -> None:
    """And one that forgets, between the rows, which is which breaks some."""
    wrong = CELL.replace("class MinimalGated", "class Mixes").replace("return h, h", "return h - h.mean(0), h")
    given = {"noun": "cell", "file": "minimal.py"}
    code, told = laws(tmp_path, CELL, LAWS, "MinimalGated", "MinimalGated", **given)
    passed = re.search(r"(\d+) passed", told)
    assert code == 0 and passed and int(passed[1]) >= 14, told[-3000:]
    code, told = laws(tmp_path, wrong, LAWS / "test_cells.py", "Mixes", "Mixes", **given)
    assert code == 1 and "FAILED" in told and "test_cuttings_and_rows[minimal:Mixes]" in told, told[-3000:]
