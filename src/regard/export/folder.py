"""A trained run as a folder that needs no PyTorch: traced, written beside its place, opened again, proved, and only then put there."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel
from safetensors.numpy import save

from regard.config.train import DecodeSection
from regard.config.trust import find_user_classes
from regard.core.arrays import to_tensors
from regard.core.atomic_files import explain_error
from regard.core.checksum import checksum
from regard.core.errors import RegardError, RunFolderError, message
from regard.core.say import Say
from regard.core.user_module import failure
from regard.export.bytes import in_bytes, multiply_in_bytes
from regard.export.functions import (
    ROWS,
    LanguageFunctions,
    WritingFunctions,
    names_of,
    prefix_looks,
    sources,
    trace_answer,
    trace_steps,
)
from regard.export.proof import Proof, join, prove, refuse
from regard.export.trace import Arrays, Unexportable
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.language_model import LanguageNet
from regard.runtime.folder import CONFIG, FORMAT, GRAPHS, MANIFEST, WEIGHTS
from regard.runtime.graph import Graph, to_json
from regard.runtime.ready import checksums
from regard.tasks.array_predictor import ArrayPredictor
from regard.tasks.base import Predictor
from regard.tasks.generation import Seq2SeqPredictor
from regard.tasks.load_exported import load_exported
from regard.tasks.load_run import load_run
from regard.training.checksums import BERT, LEARNT
from regard.training.objective import AnsweringNetwork

Precision = Literal["float32", "int8"]
SEED, MADE_UP = 20261130, 1000  # items that the proof makes up
SIZES = ((3, 4), (5, 7), (7, 12), (11, 9), (13, 17))  # rows and tokens of the batches that answering nets are recorded on


def export_run(
    run: Path,
    out: Path,
    *,
    precision: Precision = "float32",
    multiplied: bool = True,
    items: Sequence[Any] = (),
    trust: Iterable[str] = (),
    say: Say,
) -> Proof:
    """Export `run` to the new folder `out`, and say what was proved.

    multiplied: with int8, large matrices are multiplied in bytes, not only kept so.  items: to be compared besides those that are made up,
    such as the validation data.
    Errors: RunFolderError where `run` cannot be opened or exported, or `out` is there; RegardError where the proof fails: then nothing is
    written.
    """
    if out.exists() or out.is_symlink():
        raise RunFolderError(message(str(out), "a folder that is not there yet", "something that exists", "Choose another name."))
    trained = load_run(run, trust=trust)
    own = " and ".join(dict.fromkeys(named.word for named in find_user_classes(trained.config)))
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        if trained.config.spec.predictor is None:
            raise Unexportable(f"is of the task {trained.config.task}, which is not one of Regard's")
        with explain_error(out), _told_of_classes(own):
            beside.mkdir(parents=True)
            write(trained, beside, precision, multiplied)
            exported = load_exported(beside)
            proof = join(prove(trained, exported, items), prove(trained, exported, make_up_items(trained)))
        if precision == "float32":
            refuse(proof, out, own)
        _tell(beside, proof)
        beside.rename(out)
        say(str(proof))
        return proof
    except Unexportable as error:
        do = f"{_what_to_do(own)} docs/export.md lists what can be exported."
        raise RunFolderError(message(str(run), "a net that can be written as a graph", f"one that {error}", do)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _told_of_classes(own: str) -> Iterator[None]:
    """What a class of the user's raises while it is recorded and compared, of inputs that it may never have met, is his to correct."""
    try:
        yield
    except (RegardError, Unexportable, OSError):
        raise
    except Exception as error:
        if not own:
            raise
        raise Unexportable(f"fails on made-up inputs: {failure(error)}") from error


def _what_to_do(own: str) -> str:
    if not own:
        return "Name a run of another kind;"
    return f"Look at {own}: its arithmetic must be the same whatever the numbers are; or name a run without it."


def make_up_items(model: Predictor) -> list[Any]:
    """Items for trials, of one token and of many, some with symbols that training never saw."""
    by = random.Random(SEED)
    return [model.make_up(by, 1 + i % 24) for i in range(MADE_UP)]


def write(model: Predictor, folder: Path, precision: Precision, multiplied: bool = True) -> None:
    """The files of an export, the proof aside."""
    weights: Arrays = {}
    graphs, told = graphs_of(model, weights)
    kept = weights
    if precision == "int8":
        kept = in_bytes(weights)
        graphs = {name: multiply_in_bytes(graph, kept) if multiplied else graph for name, graph in graphs.items()}
    # `save_file` would make a file that nobody but its owner may read: no server with a user of its own
    (folder / WEIGHTS).write_bytes(save({name: np.ascontiguousarray(array) for name, array in kept.items()}))
    _write(folder / GRAPHS, {name: to_json(graph) for name, graph in graphs.items()})
    _write(folder / CONFIG, settings_to_hand_on(model.config))
    for name in (*LEARNT, *BERT):
        if (model.folder / name).is_file():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(model.folder / name, folder / name)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    manifest = {
        "format": FORMAT,
        "regard": version("regard"),
        "task": model.config.task,
        "precision": precision,
        "files": {name: checksum(folder / name) for name in files},
        "network": told,
        "made_of": checksums(model.folder),
        "room": list(model.config.room),
        "decode": {key: kind for key, kind in DecodeSection.model_json_schema()["properties"].items() if "type" in kind},
    }
    _write(folder / MANIFEST, manifest)


def settings_to_hand_on(config: Any) -> dict[str, Any]:
    """The settings of a run, without the folders where its data lay."""
    settings: dict[str, Any] = settings_of(config)
    for part in ("train", "valid"):
        settings["data"][part] = [Path(each).name for each in settings["data"][part]]
    return settings


def settings_of(section: Any) -> Any:
    """What a config says, and what its sections make of it (their properties), in what JSON holds."""
    if isinstance(section, tuple | list):
        return [settings_of(part) for part in section]
    if not isinstance(section, BaseModel):
        return section if section is None or isinstance(section, str | int | float) else str(section)
    kind = type(section)
    told = {name: settings_of(getattr(section, name)) for name in kind.model_fields}
    made = {name: getattr(section, name) for name in dir(kind) if isinstance(getattr(kind, name), property) and name[0] != "_"}
    return told | {name: value for name, value in made.items() if value is None or isinstance(value, str | int | float)}


def graphs_of(model: Predictor, weights: Arrays) -> tuple[dict[str, Graph], dict[str, Any]]:
    """The graphs of a model, and what else its net says of itself (`runtime.folder.network`).  weights: takes those that they read."""
    network, by = model.network, random.Random(SEED)
    if isinstance(network, AnsweringNetwork):
        assert isinstance(model, ArrayPredictor)
        batches = [_collated(model, by, rows, length) for rows, length in SIZES]
        graph, answers = trace_answer(network.infer, batches, names_of(network), weights)
        return {"answer": graph}, {"answers": answers}
    draw = torch.Generator().manual_seed(SEED)
    if isinstance(network, LanguageNet):
        starts = [{"words": torch.ones(rows, dtype=torch.long)} for rows in ROWS]
        start, step, common = trace_steps(
            LanguageFunctions(network), starts, model.config.room.target, names_of(network), weights
        )
        return {"start": start, "step": step}, {"common": common, "prefix": prefix_looks(network)}
    assert isinstance(network, EncoderDecoder) and isinstance(model, Seq2SeqPredictor)
    writer, room = model.networks[0], model.config.room
    starts = sources(writer.source_words, room.source, draw) if writer.source_words else _cells(model, by)
    start, step, common = trace_steps(WritingFunctions(network), starts, room.target, names_of(network), weights)
    told = {"source_words": writer.source_words, "target_words": writer.target_words, "extends": writer.extends, "common": common}
    return {"start": start, "step": step}, told | {"prefix": prefix_looks(network)}


def _collated(model: ArrayPredictor[Any], by: random.Random, rows: int, length: int) -> Any:
    """So many items side by side, the first of about this length."""
    items = [model.encode(model.make_up(by, length if i == 0 else by.randint(1, length))) for i in range(rows)]
    return model.graph_batch(items, by)


def _cells(model: Seq2SeqPredictor, by: random.Random) -> list[dict[str, torch.Tensor]]:
    """Images side by side, in cells: of one size each, as the net takes no other."""
    made = []
    for rows in ROWS:
        batch = to_tensors(model.collate([model.make_up(by, 1) for _ in range(rows)], range(rows)))
        made.append({"source": batch.source, "valid": batch.source_valid})
    return made


def _write(path: Path, told: Any) -> None:
    path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def _tell(folder: Path, proof: Proof) -> None:
    """Writes down what was proved."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    _write(folder / MANIFEST, {**manifest, "proof": asdict(proof)})
