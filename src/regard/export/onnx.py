"""An exported folder as models of ONNX, for onnxruntime in whichever language: the graphs, what the host must know, the vocabularies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from regard.core.atomic_files import explain_error
from regard.core.checksum import checksum
from regard.core.errors import RegardError, RunFolderError, message
from regard.data.tokenizer_kinds import BOS, EOS, PAD, UNK
from regard.export.recorder import Unexportable
from regard.runtime.folder import CONFIG, GRAPHS, MANIFEST, WEIGHTS, read_weights
from regard.runtime.graph import Graph, from_json
from regard.runtime.networks import STATE
from regard.runtime.player import NAMES
from regard.tasks.load_exported import load_exported
from regard.tasks.writing import NEVER

FILES = {"start": "encode.onnx", "step": "step.onnx", "answer": "answer.onnx"}
TOLD, ONNX_FORMAT = "manifest.json", 1
LOWEST = "1.20"  # of onnxruntime: what older ones give for a product over no places is what lay in memory


def write_onnx(folder: Path, out: Path) -> None:
    """Write the graphs of an exported folder as ONNX to the new folder `out`, once onnxruntime has said what they say.

    `encode.onnx` and `step.onnx` of a task that writes, `answer.onnx` of one that answers; `manifest.json`; the settings and vocabularies.
    Errors: RunFolderError where `out` is there, or a graph has no form in ONNX; RegardError where onnxruntime is not installed, or says
    something else: then nothing is written.
    """
    if out.exists() or out.is_symlink():
        raise RunFolderError(message(str(out), "a folder that is not there yet", "something that exists", "Choose another name."))
    try:
        from regard.export.onnx_model import to_onnx
        from regard.export.onnx_proof import name_sizes, refuse_other
    except ImportError as error:
        do = "Install the extra: pip install -e '.[onnx]' in the checkout."
        received = f"no {error.name}" if isinstance(error, ModuleNotFoundError) else str(error)
        raise RegardError(message("export to ONNX", "the packages onnx and onnxruntime", received, do)) from error
    kept, model = load_file(folder / WEIGHTS), load_exported(folder)
    graphs = {name: from_json(told, NAMES, name) for name, told in _read(folder / GRAPHS).items()}
    axes = name_sizes(graphs, read_weights(folder / WEIGHTS))
    try:
        models = {name: to_onnx(graph, kept, axes) for name, graph in graphs.items()}
    except Unexportable as error:
        do = "Export it in Regard's own format: --format regard."
        raise RunFolderError(message(str(out), "a net that ONNX can hold", f"one that {error}", do)) from error
    refuse_other(model, graphs, read_weights(folder / WEIGHTS), models, out)
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with explain_error(out):
            beside.mkdir(parents=True)
            for name, made in models.items():
                (beside / FILES[name]).write_bytes(made.SerializeToString())
            manifest = _read(folder / MANIFEST)
            for name in manifest["files"].keys() - {GRAPHS, WEIGHTS}:
                (beside / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(folder / name, beside / name)
            told = _describe(manifest, graphs, models, beside, _read(folder / CONFIG))
            (beside / TOLD).write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
            beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _describe(
    manifest: Mapping[str, Any], graphs: Mapping[str, Graph], models: Mapping[str, Any], folder: Path, settings: Any
) -> dict[str, Any]:
    """What a host must know: the files, what each reads and gives, which output is the next state, the signs and the limits."""
    from regard.export.onnx_model import OPSET, describe_ports, output_name

    told = {
        "format": ONNX_FORMAT,
        **{key: manifest[key] for key in ("regard", "task", "precision")},
        "opset": OPSET,
        "onnxruntime": f">={LOWEST}",
        "models": {FILES[name]: describe_ports(model) for name, model in models.items()},
        "room": dict(zip(("source", "target"), manifest["room"], strict=True)),
        "network": manifest["network"],
    }
    if "step" in graphs:
        step = graphs["step"]
        common = set(manifest["network"]["common"])
        states = [port.name for port in step.inputs if port.name.startswith(STATE)]
        told["state"] = [
            {"input": name, "first": name, "next": output_name(name, step), "common": i in common}
            for i, name in enumerate(states)
        ]
        told["signs"] = {"padding": PAD, "start": BOS, "end": EOS, "unknown": UNK, "never": list(NEVER)}
        told["decode"] = settings["decode"]
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return {**told, "files": {name: checksum(folder / name) for name in files}}


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
