"""The README's commands work as they stand, in the order in which a reader tries them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
WORDS = [("abandona", "a b a n d o n a"), ("banda", "b a n d a"), ("bona", "b o n a"), ("nada", "n a d a"), ("doba", "d o b a")]


def commands() -> list[str]:
    block = README.read_text(encoding="utf-8").split("## Your own data")[1].split("```")[1]
    return [re.split(r"\s{2,}#", line)[0] for line in block.splitlines() if line.startswith("regard ")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    text = "".join(f"{a}{i}\t{b}\n" for i in range(8) for a, b in WORDS)
    for name in ("words.tsv", "test.tsv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "new.txt").write_text("abandona1\n\nnada\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_your_own_data(folder):
    assert len(commands()) == 6
    for command in commands():
        line, _, target = command.partition(" > ")
        program = [sys.executable, "-c", "from regard.cli.main import main; main()", *shlex.split(line)[1:]]
        done = subprocess.run(program, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if target:
            (folder / target).write_text(done.stdout, encoding="utf-8")
    assert len((folder / "out.txt").read_text(encoding="utf-8").splitlines()) == 3
    assert (folder / "attention.html").stat().st_size > 10_000
    assert (folder / "wrong.tsv").exists()


def test_the_python_of_the_readme(folder):
    import torch

    import regard

    regard.train({"data": {"train": ["words.tsv"]}, "train": {"epochs": 1}}, "my-run")
    code = README.read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    known = {"query": torch.randn(2, 3, 5), "source": torch.randn(2, 4, 7), "valid": torch.ones(2, 4, dtype=torch.bool)}
    known["at"] = torch.zeros(2, 3, dtype=torch.long)
    exec(code, known)
    assert known["reading"].context.shape == (2, 3, 7) and known["reading"].weights.shape == (2, 1, 3, 4)
    assert known["out"][0]._repr_html_().startswith("<")
    without = known["attention"](known["query"], known["memory"], weights=True)  # as many queries as one likes
    torch.testing.assert_close(without.context, known["reading"].context)
