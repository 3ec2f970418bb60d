"""What a network that writes was asked and said, kept in a file, and said again where there is no PyTorch.

As a program: `replayed.py SOURCE FOLDER...` lets the predictor of each folder answer by what was kept, and writes `replayed.json` there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

BARRED = ("torch", "triton")
PLAIN = ("extends", "source_words", "target_words")  # what is no call


class Recording:
    """Stands before a network, and keeps each call: its name, the arrays that it was given, and what was said."""

    def __init__(self, network: Any, calls: list[tuple[str, Any, Any]] | None = None) -> None:
        self._network, self.calls = network, [] if calls is None else calls

    def prepare(self, rows: int) -> Recording:
        return Recording(self._network.prepare(rows), self.calls)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._network, name)
        return self._kept(name, found) if callable(found) and name not in ("network",) else found

    def _kept(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*given: Any) -> Any:
            asked, said = copied(given), call(*given)
            self.calls.append((name, asked, copied(said)))  # what was said may be written into
            return said

        return ask


class Replay:
    """Says again what a network said; AssertionError where it is asked for anything else.  A state is nothing here."""

    def __init__(self, calls: list[tuple[str, Any, Any]], plain: dict[str, Any]) -> None:
        self._calls = iter(calls)
        vars(self).update(plain)

    def prepare(self, rows: int) -> Replay:
        return self

    def __getattr__(self, name: str) -> Any:
        def ask(*given: Any) -> Any:
            called, asked, said = next(self._calls)
            assert called == name and alike(asked, copied(given)), f"{name} was asked otherwise"
            return said

        if name.startswith("_"):
            raise AttributeError(name)
        return ask


def copied(tree: Any) -> Any:
    """Arrays, in tuples, lists and dicts; the fields of a batch; None in the place of a state."""
    if isinstance(tree, np.ndarray):
        return tree.copy()
    if isinstance(tree, dict):
        return {name: copied(part) for name, part in tree.items()}
    if isinstance(tree, tuple | list) and not hasattr(tree, "_fields"):
        return [copied(part) for part in tree]
    if is_dataclass(tree) and type(tree).__name__ == "LanguageBatch":
        return [copied(getattr(tree, x.name)) for x in fields(tree)]
    return None


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    return len(one) == len(other) and all(map(alike, one, other)) if isinstance(one, list) else True


def keep(folder: Path, recording: Recording, **more: Any) -> None:
    """Write what was recorded.  more: what `replay` needs besides, in what JSON holds."""
    arrays: list[np.ndarray] = []

    def numbered(tree: Any) -> Any:
        if isinstance(tree, np.ndarray):
            arrays.append(tree)
            return {"": len(arrays) - 1}
        if isinstance(tree, dict):
            return {name: numbered(part) for name, part in tree.items()}
        return [numbered(part) for part in tree] if isinstance(tree, list) else None

    calls = [(name, numbered(asked), numbered(said)) for name, asked, said in recording.calls]
    np.savez(folder / "kept.npz", **{str(i): x for i, x in enumerate(arrays)})
    plain = {name: getattr(recording, name) for name in PLAIN if hasattr(recording, name)}
    (folder / "kept.json").write_text(json.dumps({"calls": calls, "plain": plain, **more}), encoding="utf-8")


def replay(folder: Path, kept: dict[str, Any]) -> Replay:
    arrays = np.load(folder / "kept.npz")

    def found(tree: Any) -> Any:
        if isinstance(tree, dict):
            return arrays[str(tree[""])] if "" in tree else {name: found(part) for name, part in tree.items()}
        return [found(part) for part in tree] if isinstance(tree, list) else None

    return Replay([(name, found(asked), found(said)) for name, asked, said in kept["calls"]], kept["plain"])


def told(model: Any, items: list[Any], files: list[str]) -> dict[str, Any]:
    """All that a model says of items and of files, in what JSON holds."""
    notes: list[str] = []
    found = []
    for given in ({"batch_size": 3, "beam": 1}, {"beam": 3, "n_best": 2}, {"sample": True, "n_best": 2}):
        found += [[asdict(p) for p in best] for best in model.stream(items, model.answer_options(given), say=notes.append)]
    scores = [asdict(s) for s in model.scores(model.pairs(files))]
    plain = lambda x: x.tolist() if isinstance(x, np.ndarray | np.generic) else str(x)
    return json.loads(
        json.dumps({"answers": found, "notes": notes, "scores": scores, "figures": model.evaluate(files)}, default=plain)
    )


class Bar:
    """Lets nobody import what is barred."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in BARRED:
            raise ImportError(f"{name} is barred here")


def answer(folder: Path) -> None:
    """Let a predictor answer by what was kept, and write what it says."""
    from regard.config import load_config

    kept = json.loads((folder / "kept.json").read_text("utf-8"))
    module, _, name = kept["predictor"].partition(":")
    run = folder / "run"
    model = getattr(import_module(module), name).load(load_config(run / "config.yaml", []), run, replay(folder, kept))
    items = [np.array(item, np.float32) if isinstance(item, list) else item for item in kept["items"]]
    (folder / "replayed.json").write_text(json.dumps(told(model, items, kept["files"])), encoding="utf-8")


if __name__ == "__main__":
    sys.meta_path.insert(0, Bar())  # type: ignore[arg-type]
    sys.path.insert(0, sys.argv[1])
    for each in sys.argv[2:]:
        answer(Path(each))
    assert not set(BARRED) & set(sys.modules)
