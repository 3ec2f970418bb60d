"""What a network was asked and said, kept in a file, and played back to a predictor where there is no PyTorch.

As a program: `playback.py SOURCE FOLDER...` plays every folder that `keep` wrote, and writes `played.json` there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

BARRED = ("torch", "triton")


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of dataclasses, tuples and dicts, by their places."""
    if isinstance(tree, np.ndarray):
        yield path, tree
        return
    parts: Any = ()
    if is_dataclass(tree):
        parts = ((x.name, getattr(tree, x.name)) for x in fields(tree))
    elif isinstance(tree, dict):
        parts = tree.items()
    elif isinstance(tree, tuple):
        parts = zip(getattr(tree, "_fields", map(str, range(len(tree)))), tree, strict=True)
    for name, part in parts:
        yield from leaves(part, f"{path}/{name}")


class Recorder:
    """Stands before a network, and keeps what it was asked and said."""

    def __init__(self, network: Any) -> None:
        self.network, self.asked, self.said = network, [], []

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        self.asked.append({name: array.copy() for name, array in leaves(batch)})
        self.said.append(self.network.answer(batch, weights=weights))
        return self.said[-1]


class Player:
    """Says again what a network said; AssertionError where it is asked for anything else."""

    def __init__(self, asked: list[dict[str, np.ndarray]], said: list[Any]) -> None:
        self.asked, self.said = asked, said

    def answer(self, batch: Any, *, weights: bool = False) -> Any:
        asked, given = self.asked.pop(0), dict(leaves(batch))
        assert asked.keys() == given.keys(), (asked.keys(), given.keys())
        for name, array in asked.items():
            assert array.dtype == given[name].dtype and np.array_equal(array, given[name]), name
        return self.said.pop(0)


def keep(folder: Path, recorder: Recorder, **more: Any) -> None:
    """Write what was recorded.  more: what `play` needs besides, in what JSON holds."""
    kinds = [f"{type(answer).__module__}:{type(answer).__qualname__}" for answer in recorder.said]
    said = {f"said/{i}{path}": x for i, answer in enumerate(recorder.said) for path, x in leaves(answer)}
    asked = {f"asked/{i}{path}": x for i, batch in enumerate(recorder.asked) for path, x in batch.items()}
    np.savez(folder / "kept.npz", **said, **asked)
    (folder / "kept.json").write_text(json.dumps({"kinds": kinds, **more}), encoding="utf-8")


def replay(folder: Path, kinds: list[str]) -> Player:
    """What `keep` wrote, as a network."""
    kept, asked, said = dict(np.load(folder / "kept.npz")), [], []
    for i, kind in enumerate(kinds):
        asked.append({name.removeprefix(f"asked/{i}"): x for name, x in kept.items() if name.startswith(f"asked/{i}/")})
        module, _, name = kind.partition(":")
        made, parts = getattr(import_module(module), name), {}
        for field in made._fields:
            looks = {n.removeprefix(f"said/{i}/{field}/"): x for n, x in kept.items() if n.startswith(f"said/{i}/{field}/")}
            parts[field] = kept.get(f"said/{i}/{field}", looks if field == "looks" else None)
        said.append(made(**parts))
    return Player(asked, said)


def told(model: Any, items: list[Any], files: list[str]) -> dict[str, Any]:
    """All that a model says of items and of files, in what JSON holds."""
    notes: list[str] = []
    found = [[asdict(p) for p in best] for best in model.stream(items, model.answer_options({"batch_size": 3}), say=notes.append)]
    scores = [asdict(s) for s in model.scores(model.pairs(files))] if getattr(model, "likely", False) else []
    plain = lambda x: x.tolist() if isinstance(x, np.ndarray | np.generic) else str(x)
    everything = {"answers": found, "notes": notes, "scores": scores, "figures": model.evaluate(files)}
    return json.loads(json.dumps(everything, default=plain))


class Barrier:
    """Lets nobody import what is barred."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in BARRED:
            raise ImportError(f"{name} is barred here")


def play(folder: Path) -> None:
    """Let a predictor answer by what was kept, and write what it says."""
    from regard.config import load_config

    kept = json.loads((folder / "kept.json").read_text("utf-8"))
    module, _, name = kept["predictor"].partition(":")
    run = folder / "run"
    model = getattr(import_module(module), name)(load_config(run / "config.yaml", []), run, replay(folder, kept["kinds"]))
    items = [tuple(item) if kept["tuples"] else item for item in kept["items"]]
    (folder / "played.json").write_text(json.dumps(told(model, items, kept["files"])), encoding="utf-8")


if __name__ == "__main__":
    sys.meta_path.insert(0, Barrier())  # type: ignore[arg-type]
    sys.path.insert(0, sys.argv[1])
    for each in sys.argv[2:]:
        play(Path(each))
    assert not set(BARRED) & set(sys.modules)
