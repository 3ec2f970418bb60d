"""A model that writes needs no PyTorch between a text and its network, and between the network and the answer."""

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
from tests.architecture import replayed
from tests.laws.cases import CASES, SHORT, Case

SOURCE = Path(__file__).resolve().parents[2] / "src"
SHARED = ("generation", "writing", "ensembles")  # modules of what writes
FOLDERS = ("decoding", "data", "metrics", "view")  # of which every module needs neither


def words(folder: Path) -> dict[str, Any]:
    lines = [f"{a}{b}{a}\t{b}{a}{b}" for a in "badek" for b in "fghil"]
    named = {"train": lines[:20], "valid": [*lines[20:], "baxo\toxab"]}
    for name, part in named.items():
        (folder / f"{name}.tsv").write_text("".join(f"{line}\n" for line in part), encoding="utf-8")
    return {name: [str(folder / f"{name}.tsv")] for name in named}


def sources(folder: Path) -> list[str]:
    return [line.partition("\t")[0] for line in (folder / "valid.tsv").read_text("utf-8").splitlines()] + ["", "bab" * 9]


TRAIN = {"epochs": 1, "updates": 1, "samples": 0, "threads": 1}
NET = {"encoder": "bigru", "decoder": "gru", "embedding": 12, "size": 10, "dropout": 0.1}
TRIED = {
    "transduce": ("regard.tasks.transduce.predictor:Transducer", Case(words, {"model": NET, **SHORT}, sources)),
    "transduce-copy": (
        "regard.tasks.transduce.predictor:Transducer",
        Case(words, {"model": {**NET, "head": "copy"}, **SHORT}, sources),
    ),
    "caption": ("regard.tasks.caption.predictor:Captioner", CASES["caption"]),
    "caption-transformer-penalty": ("regard.tasks.caption.predictor:Captioner", CASES["caption-transformer-penalty"]),
    "language": ("regard.tasks.language.predictor:TextGenerator", CASES["language"]),
    "language-transformer-carried": ("regard.tasks.language.predictor:TextGenerator", CASES["language-transformer-carried"]),
}


def without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)


def test_what_writes_is_imported_without_torch():
    paths = [path for folder in FOLDERS for path in sorted((SOURCE / "regard" / folder).rglob("*.py"))]
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    names += [predictor.partition(":")[0] for predictor, _ in TRIED.values()] + [f"regard.tasks.{name}" for name in SHARED]
    barred = f"import sys\nsys.path[:0] = [{str(Path(__file__).parent)!r}, {str(SOURCE)!r}]\nimport replayed\n"
    barred += "sys.meta_path.insert(0, replayed.Bar())\nfrom importlib import import_module\n"
    done = without_torch("-c", f"{barred}for name in {names!r}:\n    import_module(name)\n")
    assert done.returncode == 0, done.stderr[-3000:]
    planted = without_torch("-c", f"{barred}import regard.networks.base")
    assert "torch is barred here" in planted.stderr, "the bar is not at work"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """Of each case what its predictor says of the network, and of what the network said."""
    made = {}
    for name, (predictor, case) in TRIED.items():
        folder = tmp_path_factory.mktemp(name)
        values = {"data": case.data(folder), **case.more, "train": TRAIN}
        config = read_config(values)
        runs.train(config, folder / "run", say=lambda line: None)
        opened, items = load_run(folder / "run"), case.items(folder)
        recording = replayed.Recording(getattr(opened, "networks", [getattr(opened, "reader", None)])[0])
        model = type(opened).load(opened.config, opened.folder, recording)  # type: ignore[attr-defined]
        files = values["data"]["valid"]
        made[name] = folder, replayed.told(model, items, files)
        plain = [item.tolist() if hasattr(item, "tolist") else item for item in items]
        replayed.keep(folder, recording, predictor=predictor, items=plain, files=files)
    done = without_torch(replayed.__file__, str(SOURCE), *(str(folder) for folder, _ in made.values()))
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: (told, json.loads((folder / "replayed.json").read_text("utf-8"))) for name, (folder, told) in made.items()}


@pytest.mark.parametrize("name", TRIED)
def test_it_writes_the_same_without_torch(said, name):
    """To the last bit: texts by greedy search, beam and draws, scores, attention, notes, scores of what is right, figures."""
    with_torch, without = said[name]
    assert any(p["text"] for best in with_torch["answers"] for p in best) and with_torch["figures"]["metrics"]
    assert without == with_torch
