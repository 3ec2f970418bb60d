"""What lies between a text and a network, and between the network and the answer, needs no PyTorch: it is imported where
neither can be, and answers there as it does with PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.config import read_config
from regard.tasks.load_run import load_run
from tests.architecture import playback
from tests.laws.cases import CASES, TRAIN

SOURCE = Path(__file__).resolve().parents[2] / "src"
FREE = ("decoding", "data", "metrics", "view")  # folders of which every module needs neither
PREDICTORS = {  # of each task whose predictor needs neither, and the cases that it is tried on
    "regard.tasks.classify.predictor:Classifier": ("classify-structured-letters", "classify-begun"),
    "regard.tasks.tag.predictor:Tagger": ("tag-softmax-transformer", "tag-begun"),
    "regard.tasks.pair.predictor:PairPredictor": ("pair", "pair-transformer-number", "pair-apart-square"),
    "regard.tasks.read.predictor:Answerer": ("read", "read-over", "read-begun"),
    "regard.tasks.forecast.predictor:Forecaster": ("forecast", "forecast-flat-aaren"),
    "regard.tasks.pretrain.predictor:MaskedLMPredictor": ("pretrain", "pretrain-left-to-right"),
}
TRIED = [(predictor, name) for predictor, names in PREDICTORS.items() for name in names]


def modules() -> list[str]:
    paths = [path for folder in FREE for path in sorted((SOURCE / "regard" / folder).rglob("*.py"))]
    found = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return [*found, *(predictor.partition(":")[0] for predictor in PREDICTORS)]


def without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)


def test_what_needs_no_torch_is_imported_without():
    imports = f"import importlib\nfor name in {modules()!r}:\n    importlib.import_module(name)\n"
    barred = f"import sys\nsys.path[:0] = [{str(Path(__file__).parent)!r}, {str(SOURCE)!r}]\nimport playback\n"
    done = without_torch("-c", f"{barred}sys.meta_path.insert(0, playback.Barrier())\n{imports}")
    assert done.returncode == 0, done.stderr[-3000:]
    planted = without_torch("-c", f"{barred}sys.meta_path.insert(0, playback.Barrier())\nimport regard.networks.base")
    assert "torch is barred here" in planted.stderr, "the barrier is not at work"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """Of each case what its predictor says of the network, and of what the network said."""
    made = {}
    for predictor, name in TRIED:
        case, folder = CASES[name], tmp_path_factory.mktemp(name)
        values = {"data": case.data(folder), **case.more, "train": TRAIN | {"epochs": 1, "updates": 1}}
        runs.train(read_config(values), folder / "run", say=lambda line: None)
        model, items = load_run(folder / "run"), case.items(folder)
        model.network = recorder = playback.Recorder(model.network)
        items = [item.tolist() if hasattr(item, "tolist") else item for item in items]
        made[name] = folder, playback.told(model, items, values["data"]["valid"])
        kept = {"items": items, "tuples": isinstance(items[0], tuple), "files": values["data"]["valid"]}
        playback.keep(folder, recorder, predictor=predictor, **kept)
    done = without_torch(playback.__file__, str(SOURCE), *(str(folder) for folder, _ in made.values()))
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: (with_torch, json.loads((folder / "played.json").read_text("utf-8"))) for name, (folder, with_torch) in made.items()
    }


@pytest.mark.parametrize("name", [name for _, name in TRIED])
def test_it_answers_the_same_without_torch(played, name):
    """To the last bit: text, score, attention, details, notes, scores of what is right, figures."""
    with_torch, without = played[name]
    assert any(p["text"] for best in with_torch["answers"] for p in best) and with_torch["figures"]["metrics"]
    assert without == with_torch
