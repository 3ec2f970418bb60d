"""`regard info`, on a run folder made by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from regard.cli.main import run
from regard.config import load_config
from regard.data.tokenizer import Tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    (made / "config.yaml").write_text(load_config(None, ["model.size=8"], train=["a.tsv"]).to_yaml())
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": {"shape": [7, 11]}, "count": {"shape": []}}).encode()
    (made / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(308))
    Tokenizer.train("char", ["abc"]).save(made / "tokenizer.source.json")
    rows = [
        {"kind": "valid", "step": 5, "epoch": 1, "exact": 0.5, "per": 0.25, "loss": None, "best": True, "seconds": 30.0},
        {"kind": "valid", "step": 10, "epoch": 2, "exact": 0.25, "per": 0.5, "loss": 1.0, "best": False, "seconds": 90.0},
    ]
    (made / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return made


def test_facts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(folder)]) == 0
    facts = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    facts = {name: fact.strip() for name, fact in facts.items()}
    assert facts["run"] == str(folder) and facts["task"] == "transduce" and facts["training data"] == "a.tsv"
    assert facts["net"] == "1 x bilstm → 1 x lstm of 8" and facts["attention"] == "additive, everywhere, softmax"
    assert facts["vocabulary"] == "tokenizer.source 7" and facts["parameters"] == "77"
    assert facts["trained"] == "10 updates, 2 epochs, 1.5 minutes"
    assert facts["best exact"] == "exact 0.5  per 0.25  (on validation data, at update 5)"


def test_a_run_that_has_just_begun(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "metrics.jsonl").unlink()
    (folder / "model.safetensors").unlink()
    assert run(["info", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "not yet" in told and "none yet" in told


def test_it_needs_no_torch(folder: Path) -> None:
    command = f"from regard.cli.main import run; assert run(['info', {str(folder)!r}]) == 0"
    code = f"import sys; {command}; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("model.safetensors", b"\xff" * 20, "model.safetensors is damaged"),
        ("model.safetensors", b"", "model.safetensors is damaged"),
        ("model.safetensors", b"\x02" + bytes(7) + b"[]", "model.safetensors is damaged"),
        ("metrics.jsonl", b"{", "metrics.jsonl:1 is damaged"),
        ("config.yaml", b"modl: 3", "config.yaml:1: modl"),
        ("tokenizer.source.json", b"{", "tokenizer.source.json"),
    ],
)
def test_damage(folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, part: str) -> None:
    (folder / name).write_bytes(content)
    assert run(["info", str(folder)]) == 2
    told = capsys.readouterr()
    assert not told.out and part in told.err


def test_what_is_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, received in (
        (folder.parent / "rum", "no such folder. Name the folder of a run. Did you mean 'run'?"),
        (folder.parent, "a folder without config.yaml"),
        (folder / "config.yaml", "a file"),
    ):
        assert run(["info", str(path)]) == 2
        assert f"{path}: expected a run folder, as regard train makes it; received {received}" in capsys.readouterr().err
