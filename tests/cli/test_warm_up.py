"""`regard warm-up`: a run then answers without PyTorch, as it did with it; of other weights nobody asks what was made of the old ones."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import regard
from regard.cli.main import run as command
from regard.export import folder as exports
from regard.runtime.ready import READY, find_ready
from tests.architecture.test_torch_free import SOURCE

from . import small

BARRED = f"""
import sys
sys.path[:0] = [{str(SOURCE.parent / "tests" / "architecture")!r}, {str(SOURCE)!r}]
import playback
sys.meta_path.insert(0, playback.Barrier())
from regard.cli.main import main
main()
"""


@pytest.fixture(scope="module", params=["transducer", "tagger", "classifier"])
def warm(request, tmp_path_factory):
    run = getattr(small, request.param)(tmp_path_factory.mktemp(request.param))
    patch = pytest.MonkeyPatch()
    patch.setattr(exports, "MADE_UP", 40)
    assert command(["warm-up", str(run), "--quiet"]) == 0
    patch.undo()
    return run


def ask(*words: object, text: str = "bada\n") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BARRED, *map(str, words)], input=text, capture_output=True, text=True)


def test_it_answers_without_torch_as_with_it(warm):
    words = [w if warm.parent.name.startswith("trans") else f"{w} to {w[::-1]}" for w in small.words()]
    done = ask("predict", warm, "-", text="".join(f"{w}\n" for w in words))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [p.text for p in regard.load(warm).predict(words)]
    shown = ask("view", warm, "--text", words[0])
    assert shown.returncode == 0 and words[0].split()[0][0] in shown.stdout, shown.stderr


def test_without_an_export_the_barrier_is_met(warm, tmp_path):
    (warm / READY).rename(tmp_path / "elsewhere")
    try:
        assert "torch is barred here" in ask("predict", warm, "-").stderr
    finally:
        (tmp_path / "elsewhere").rename(warm / READY)


def test_an_export_of_other_weights_is_not_asked(warm):
    path = warm / "model.safetensors"
    kept = path.read_bytes()
    weights = load_file(path)
    name = next(name for name, array in weights.items() if array.dtype == np.float32)
    try:
        weights[name][...] += 1
        save_file(weights, path)
        assert find_ready(warm) is None
    finally:
        path.write_bytes(kept)
    assert find_ready(warm) == warm / READY


def test_it_can_be_called_again_and_leaves_nothing_else(warm, monkeypatch):
    monkeypatch.setattr(exports, "MADE_UP", 10)
    (warm / f"{READY}.new").mkdir()  # of a process that was killed
    assert command(["warm-up", str(warm), "--quiet"]) == 0
    assert find_ready(warm) and [p.name for p in warm.glob(f"*{READY}*")] == [READY]


def test_batches_never_show(warm):
    """To the last bit, so that a server may compute requests side by side."""
    model = regard.load(warm / READY)
    if not model.network.rows_alike:
        pytest.skip("no compiled loops: there was no C compiler when Regard was installed")
    words = [
        w if warm.parent.name.startswith("trans") else f"{w} to {w[::-1] * (i % 3 + 1)}" for i, w in enumerate(small.words())
    ]
    many, alone = (model.predict(words, batch_size=size) for size in (64, 1))
    for one, other in zip(many, alone, strict=True):
        assert (one.text, one.score) == (other.text, other.score)
        for name, look in one.attention.items():
            np.testing.assert_array_equal(look, other.attention[name])
    assert model.network.rows_alike, "numpy was asked"


def test_a_folder_does_not_tell_where_its_data_lay(warm):
    assert str(warm.parent) not in (warm / READY / "config.json").read_text("utf-8")
