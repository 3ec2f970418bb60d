"""Classes of the user's are exported as what they compute, without their code; what has no graph is refused, and nothing is written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from regard.export import folder as exports
from regard.tasks.load_exported import load_exported

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
DISTANCE, CELL, TASK = (
    re.search(f"```python\n({begin}.*?)```", PAGE, re.DOTALL) for begin in ("from regard.att", "import torch\n", '"""')
)
MORE = """
import numpy as np
from regard.attention import Everywhere, Softmax

class All(Everywhere): ...
class Soft(Softmax): ...

class Looks(Distance):
    def form(self, query, memory, at):
        return super().form(query * 2 if query.max() > .1 else query + 1, memory, at)

class OutOfSight(Distance):
    def form(self, query, memory, at):
        return super().form(torch.from_numpy(np.sinh(query.detach().numpy())), memory, at)

class Draws(Distance):
    def form(self, query, memory, at):
        return super().form(query + torch.rand_like(query), memory, at)

class Bessel(Distance):
    def form(self, query, memory, at):
        return super().form(torch.special.bessel_j0(query), memory, at)

class Fails(Distance):
    def form(self, query, memory, at):
        if len(query) == 7:  # rows
            raise ValueError("no seven")
        return super().form(query, memory, at)

class Peeks(Distance):
    def form(self, query, memory, at):
        return super().form(query * memory.keys.mean().item(), memory, at)

class Lists(MinimalGated):
    def step(self, gates, h):
        return super().step(gates * 1.5 if sum(h.sum(-1).tolist()) > 0 else gates, h)
"""
TAKEN = {
    "score": {"attention": "own_kinds:Distance"},
    "scope and weighting": {"attention": {"score": "general", "scope": "own_kinds:All", "weighting": "own_kinds:Soft"}},
    "cell": {"encoder": "bi-own_kinds:MinimalGated", "decoder": "own_kinds:MinimalGated"},
}
REFUSED = {
    "Looks": "one that looks in Python at numbers that depend on what is read",
    "Peeks": "one that looks in Python at numbers",
    "OutOfSight": "one that reads other numbers",
    "Draws": "without a form in graphs, aten.rand_like",
    "Bessel": "without a form in graphs, aten.special_bessel",
    "Fails": r"fails on made-up inputs: ValueError: no seven (own_kinds.py:",
}


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the user's module lies, and his data."""
    assert DISTANCE and CELL and TASK
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(exports, "MADE_UP", 30)
    Path("own_kinds.py").write_text(DISTANCE[1] + CELL[1] + MORE, encoding="utf-8")
    Path("words.tsv").write_text("".join(f"{'abcde'[i % 5] * (i % 4 + 1)}\t{'vwxyz'[i % 5]}{i % 3}\n" for i in range(60)))
    yield tmp_path
    sys.modules.pop("own_kinds", None)


def trained(model: dict) -> None:
    sizes = {"encoder": "gru", "decoder": "gru", "embedding": 8, "size": 12, **model}
    train = {"epochs": 1, "updates": 2, "samples": 0, "threads": 1}
    runs.train(read_config({"data": {"train": ["words.tsv"]}, "model": sizes, "train": train}), "run", say=lambda line: None)


@pytest.mark.parametrize("noun", TAKEN)
def test_a_class_of_the_users_is_exported_without_its_code(beside, noun, capsys):
    trained(TAKEN[noun])
    assert command(["export", "run", "--out", "out"]) == 2 and not Path("out").exists()
    assert "--trust own_kinds" in capsys.readouterr().err
    assert command(["export", "run", "--out", "out", "--trust", "own_kinds"]) == 0
    texts, right = ["ab", "eeee", "cda"], regard.load("run", trust=("own_kinds",))
    Path("own_kinds.py").unlink()
    sys.modules.pop("own_kinds")
    told = load_exported("out")
    assert [p.text for p in told.predict(texts)] == [p.text for p in right.predict(texts)]
    assert "own_kinds" not in sys.modules


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_graph_is_refused_by_name(beside, name, capsys):
    trained({"attention": f"own_kinds:{name}"})
    before = {path.name for path in beside.iterdir()}
    assert command(["export", "run", "--out", "out", "--trust", "own_kinds"]) == 2
    said = capsys.readouterr().err
    assert REFUSED[name] in said and f"Look at own_kinds:{name}: its arithmetic must be" in said and "Traceback" not in said
    assert {path.name for path in beside.iterdir()} == before


def test_what_was_recorded_of_one_case_fails_the_proof(beside, capsys):
    """What looks at numbers past PyTorch may do the same at every size that it is recorded at: the proof sees it."""
    trained({"encoder": "own_kinds:Lists", "decoder": "own_kinds:Lists"})
    code = command(["export", "run", "--out", "out", "--trust", "own_kinds"])
    said = capsys.readouterr().err
    assert code in (1, 2) and "own_kinds:Lists: its arithmetic must be the same" in said and not Path("out").exists()


def test_a_task_of_the_users_is_refused(beside, monkeypatch, capsys):
    assert TASK
    Path("mine").mkdir()
    Path("mine/amounts.py").write_text(TASK[1], encoding="utf-8")
    Path("stars.tsv").write_text("".join(f"{'good ' * (i % 3)}it is\t{i % 3}\n" for i in range(40)))
    values = {"task": "mine.amounts:SPEC", "data": {"train": ["stars.tsv"]}, "train": {"epochs": 1, "samples": 0, "threads": 1}}
    runs.train(read_config({**values, "model": {"size": 8, "embedding": 8}}), "run", say=lambda line: None)
    for form in ("regard", "onnx", "page"):
        assert command(["export", "run", "--out", "out", "--format", form, "--trust", "mine.amounts"]) == 2
        assert "is of the task mine.amounts:SPEC, which is not one of Regard's" in capsys.readouterr().err
        assert not Path("out").exists()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, name)
