"""An exported folder: what lies in it, whether it is what was written, and the nets in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from regard.config.length_limits import Room
from regard.core.bounded_json import read_json, require_keys
from regard.core.checksum import checksum
from regard.core.errors import RegardError, RunFolderError, describe_exhaustion, message
from regard.runtime.folding import Arrays
from regard.runtime.graph import Graph, from_json
from regard.runtime.networks import GraphAnswers, GraphReader, GraphWriter
from regard.runtime.player import NAMES
from regard.runtime.settings import Settings
from regard.tasks import registry

Network = GraphWriter | GraphReader | GraphAnswers
FORMAT = 1
MANIFEST, GRAPHS, WEIGHTS, CONFIG = "export.json", "graphs.json", "weights.safetensors", "config.json"
SCALE = ".scale"  # behind the name of a weight in bytes: how much one unit of each of its rows is
_KEYS = {"format": int, "regard": str, "task": str, "precision": str, "files": dict[str, str], "network": dict[str, Any]}
_MORE = {"room": list[int | None], "decode": dict[str, Any], "proof": dict[str, Any]}
_FILE = re.compile(r"(bert/)?[a-z_.]+\.(json|safetensors|txt)")
_AGAIN = "Export the run again, or copy the folder again."


@dataclass(frozen=True)
class Exported:
    """A folder that was opened: its settings, and the net that its task's predictor asks."""

    folder: Path
    manifest: dict[str, Any]
    settings: Settings
    network: Network


def is_exported(folder: Path) -> bool:
    """Whether a folder says that it is one."""
    return (folder / MANIFEST).is_file()


def open_folder(folder: Path) -> Exported:
    """RunFolderError where it is none, is damaged, is of a newer version, or names what this version does not know."""
    with _opening(folder):
        manifest = require_keys(read_json(folder / MANIFEST), {**_KEYS, **_MORE}, lacking=frozenset({"proof"}), others=True)
        _refuse_foreign(folder, manifest)
        for name, digest in manifest["files"].items():
            _refuse_changed(folder / name, digest)
        graphs = {
            name: from_json(told, NAMES, f"{folder / GRAPHS} ({name})")
            for name, told in require_keys(read_json(folder / GRAPHS), {}, others=True).items()
        }
        weights = read_weights(folder / WEIGHTS, {name for graph in graphs.values() for name in graph.weights})
        settings = Settings(
            require_keys(read_json(folder / CONFIG), {"task": str}, others=True), manifest["decode"], Room(*manifest["room"])
        )
        return Exported(folder, manifest, settings, network(graphs, weights, manifest["network"]))


def network(graphs: dict[str, Graph], weights: Arrays, told: dict[str, Any]) -> Network:
    """The net of these graphs.  told: what else it says of itself."""
    if "answer" in graphs:
        return GraphAnswers(graphs["answer"], weights, require_keys(told, {"answers": dict[str, Any]})["answers"])
    steps, later = {"common": list[int], "prefix": list[str]}, frozenset({"prefix"})  # which older folders do not have
    if "source_words" not in told:
        return GraphReader(graphs["start"], graphs["step"], weights, **require_keys(told, steps, lacking=later))
    kinds = {"source_words": int | None, "target_words": int, "extends": bool, **steps}
    return GraphWriter(graphs["start"], graphs["step"], weights, **require_keys(told, kinds, lacking=later))


@contextmanager
def _opening(folder: Path) -> Iterator[None]:
    """A folder may come from anybody: whatever goes wrong while it is opened is the folder's fault, and says so."""
    try:
        yield
    except RegardError:
        raise
    except Exception as error:
        received = describe_exhaustion(error) or f"{type(error).__name__}: {error}"
        raise RunFolderError(
            message(f"{folder} cannot be opened", "a folder as regard export makes it", received, _AGAIN)
        ) from error


def _refuse_foreign(folder: Path, manifest: dict[str, Any]) -> None:
    if manifest["format"] != FORMAT:
        do = "Use the version of Regard that made it, or export the run again."
        raise RunFolderError(
            message(str(folder / MANIFEST), f"format {FORMAT}", f"{manifest['format']}, of Regard {manifest['regard'][:20]}", do)
        )
    if manifest["task"] not in registry.TASKS:
        raise RunFolderError(message(str(folder / MANIFEST), "a task of Regard", repr(manifest["task"])[:40], _AGAIN))
    needed = {GRAPHS, WEIGHTS, CONFIG}
    if strange := [name for name in manifest["files"] if not _FILE.fullmatch(name)] or sorted(needed - manifest["files"].keys()):
        raise RunFolderError(message(str(folder / MANIFEST), "the files of an export", repr(strange[0])[:60], _AGAIN))


def _refuse_changed(path: Path, digest: str) -> None:
    if not path.is_file():
        raise RunFolderError(message(str(path), "a file of the export", "no such file", _AGAIN))
    if checksum(path) != digest:
        raise RunFolderError(message(str(path), "what was exported (SHA-256)", "other bytes", _AGAIN))


def read_weights(path: Path, read: Collection[str] = ()) -> Arrays:
    """The weights of a file; those in bytes as the numbers that they stand for, but where the scales are `read` themselves."""
    kept = load_file(path)
    scales = {name for name in kept if name.endswith(SCALE) and name not in read}
    made = {name: array for name, array in kept.items() if name not in scales}
    for name in scales:
        of = name.removesuffix(SCALE)
        made[of] = made[of].astype(np.float32) * kept[name][..., None]
    return made
