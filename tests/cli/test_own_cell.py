"""A cell of the user's from end to end: named by a config, trained, refused out of a stranger's folder, gone on with, in use."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import regard
from regard.build.cells import make_cell
from regard.cli.main import run
from regard.config import mechanisms, read_config, trust
from regard.config.mechanisms import Reader, Word, WordError
from regard.core.errors import ConfigError, RunFolderError
from regard.networks.cells import OwnCell
from regard.tasks.transduce.demo_data import dates

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
(CELL,) = re.findall(r"```python\n(import .*?)```", PAGE, re.DOTALL)
MORE = """
class Sized(MinimalGated):
    def __init__(self, input_size, size, leak=0.0, *, seen: int = 1):
        super().__init__(input_size, size)
        self.leak, self.seen = leak, seen

class Deep(MinimalGated):
    def __init__(self, input_size, size, depth): ...
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of the user's in the current folder, that nothing has imported yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("own_minimal.py").write_text(CELL + MORE, encoding="utf-8")
    yield "own_minimal"
    sys.modules.pop("own_minimal", None)


def test_words_of_cells() -> None:
    assert mechanisms.reader("gru") == Reader(Word("gru"), False) and mechanisms.reader("bigru") == Reader(Word("gru"), True)
    assert mechanisms.reader("bi-m.n:A(3)") == Reader(Word("m.n:A", (3,)), True)
    assert mechanisms.reader("bicycle:Wheel") == Reader(Word("bicycle:Wheel"), False)
    for text in ("gru", "bigru", "bi-m.n:A(3)", "bicycle:Wheel", "lstm-peephole", "bilstm-peephole"):
        assert str(mechanisms.reader(text)) == text
    for text in ("bi-gru", "bibigru", "gru(3)", "gru + lstm", "bi-", "bi-bi-m:A", "bi-m", ""):
        with pytest.raises(WordError):
            mechanisms.reader(text)
    with pytest.raises(WordError, match=r"lstm-peephole-full \| package.module:Class; received 'bigru'. .* Did you mean 'gru'"):
        mechanisms.cell("bigru")


def test_a_config_names_cells() -> None:
    config = read_config({"model": {"encoder": " bi-m.n:A( 3 )", "decoder": "m:B"}})
    assert (config.model.encoder, config.model.decoder, config.model.both_directions) == ("bi-m.n:A(3)", "m:B", True)
    assert trust.find_user_classes(config) == [
        trust.Named("model.encoder", "m.n:A", "m.n"),
        trust.Named("model.decoder", "m:B", "m"),
    ]
    assert not read_config({"model": {"encoder": "bicycle:Wheel"}}).model.both_directions
    with pytest.raises(ConfigError, match=r"model.decoder: expected rnn \| gru .*; received 3. Choose one of these."):
        read_config({"model": {"decoder": 3}})


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("own_minimal:Minimal", "expected a class Minimal in .*Did you mean 'MinimalGated'"),
        ("own_minimal:F", r"expected a Cell; received no class at all. Write class F\(regard.networks.cells.Cell\)"),
        ("own_minimal:Deep", r"expected own_minimal:Deep\(depth\); received"),
        ("own_minimal:MinimalGated(3)", "expected own_minimal:MinimalGated, which takes no numbers"),
        ("own_minimal:Sized(1, size=3)", r"expected own_minimal:Sized\(leak\?, seen\?\)"),
    ],
)
def test_what_cannot_be_had(beside: str, word: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_cell(mechanisms.cell(word), 3, 4)


def test_what_a_constructor_gets(beside: str) -> None:
    cell = make_cell(mechanisms.cell("own_minimal:Sized(0.5, seen=2)"), 3, 4)
    assert isinstance(cell, OwnCell) and (cell.input_size, cell.size, cell.leak, cell.seen) == (3, 4, 0.5, 2)


def test_a_run_from_end_to_end(beside: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Trained; its code runs only where it is trusted; goes on; answers the same in each door, and in bytes."""
    pairs, _ = dates(3, 40)
    Path("t.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    Path("c.yaml").write_text(
        "data: {train: t.tsv}\n"
        f"model: {{encoder: bi-{beside}:MinimalGated, decoder: '{beside}:Sized(0.5)', size: 80, embedding: 4, encoder_layers: 2}}\n"
        "train: {epochs: 1, samples: 0, schedule: constant}\ndecode: {min_length: 3}\n",
        encoding="utf-8",
    )
    assert run(["train", "c.yaml", "--out", "run"]) == 0
    assert f"note: model.encoder names {beside}:MinimalGated, code that is not Regard's" in capfd.readouterr().err
    for command in (["predict", "run", "t.tsv"], ["train", "--resume", "--out", "run", "train.epochs=2"]):
        del sys.modules[beside]
        assert run(command) == 2 and beside not in sys.modules
        assert f"add --trust {beside} " in capfd.readouterr().err
        assert run([*command, "--trust", beside]) == 0
        capfd.readouterr()
    with pytest.raises(RunFolderError, match=f'trust=\\("{beside}",\\)'):
        regard.load("run")
    model = regard.load("run", trust=(beside,))
    kinds = {type(m).__name__ for m in model.network.modules()}
    assert {"MinimalGated", "Sized"} <= kinds and not any(isinstance(m, torch.nn.RNNBase) for m in model.network.modules())
    texts = [p.text for p in model.predict([a for a, _ in pairs[:5]])]
    for precision in ("float32", "int8"):
        same = regard.load("run", trust=(beside,), precision=precision).predict([a for a, _ in pairs[:5]])
        assert [len(p.text) > 0 for p in same] == [True] * 5 and (precision != "float32" or [p.text for p in same] == texts)
