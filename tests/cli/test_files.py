"""Files that are whole or as before, and the figures that a run says."""

from __future__ import annotations

import errno
import io
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from regard.cli import lines
from regard.core import atomic_files
from regard.core.errors import RegardError
from regard.training import reporting, run_files
from regard.training.checkpoint import load_network, save_network


def parts(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.name.endswith(atomic_files.PART)]


def test_an_atomic_file_is_whole_or_as_before(tmp_path):
    path = tmp_path / "x"
    atomic_files.write_text(path, "old")
    with pytest.raises(KeyError), atomic_files.atomic(path) as file:
        file.write(b"new")
        raise KeyError
    assert path.read_text() == "old" and not parts(tmp_path)
    with atomic_files.atomic(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and not parts(tmp_path)


def test_json_is_read_as_written_and_never_nan(tmp_path):
    value = {"ein": [0.1, 1e-300, None, True, "Ü 中"], "zwei": {}}
    run_files.write_json(tmp_path / "x.json", value)
    assert run_files.read_json(tmp_path / "x.json") == value
    with pytest.raises(ValueError, match="JSON"):
        run_files.write_json(tmp_path / "x.json", math.nan)
    assert run_files.read_json(tmp_path / "x.json") == value


def test_tied_weights_and_views_are_saved_once_and_read_back(tmp_path):
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
            self.b.weight = self.a.weight
            big = torch.randn(4, 6)
            self.register_buffer("left", big[:, :2])
            self.register_buffer("right", big[:, 2:].mT)
            self.register_buffer("none", torch.zeros(0))
            self.register_buffer("nothing", torch.zeros(0))

    one, other = Tied(), Tied()
    for i in (1, 2):
        save_network(one, tmp_path / f"{i}.safetensors")
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()
    assert set(load_file(tmp_path / "1.safetensors")) == {"a.weight", "a.bias", "b.bias", "left", "right", "none", "nothing"}
    load_network(other, tmp_path / "1.safetensors")
    assert other.b.weight is other.a.weight
    assert all(torch.equal(x, y) for x, y in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_pipe_that_breaks_is_no_fault_of_the_file_that_is_written_meanwhile(tmp_path):
    """As in `predict RUN FILE --attention OUT.npz | head`."""
    with pytest.raises(BrokenPipeError), atomic_files.atomic(tmp_path / "x") as file:
        file.write(b"some")
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert not list(tmp_path.iterdir())


def test_predictions_that_cannot_be_written_are_no_fault_of_the_attention_beside_them(tmp_path, monkeypatch):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(RegardError, match=r"^stdout: expected to be able to write; received No space left"):  # noqa: SIM117
        with atomic_files.atomic(tmp_path / "a.npz"):
            lines.write_stdout("x\n")


@pytest.mark.parametrize(("count", "text"), [(7, "7 bytes"), (1_500, "1.5 kB"), (1_500_000, "1.5 MB"), (2_000_000_000, "2.0 GB")])
def test_sizes(count, text):
    assert atomic_files.size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3661, "1:01:01"), (None, "-")])
def test_clock(seconds, text):
    assert reporting.clock(seconds) == text


def test_memory_is_measured():
    held, peak = reporting.memory()
    assert peak is None or peak > 50
    assert held is None or 50 < held < 1e6
