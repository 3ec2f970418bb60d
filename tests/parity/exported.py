"""Small trained runs, and their folders as `regard export` writes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from regard import runs
from regard.config import read_config
from regard.config.length_limits import room
from regard.data.batching import Batch
from regard.export.functions import WritingFunctions, names_of, sources, trace_steps
from regard.export.trace import trace
from regard.runtime.folder import CONFIG, GRAPHS, MANIFEST, WEIGHTS
from regard.runtime.graph import Graph, to_json
from regard.tasks.load_run import load_run
from regard.tasks.tag.network import TagBatch
from regard.training.checksums import LEARNT

Told = tuple[dict[str, Graph], dict[str, np.ndarray], dict[str, Any]]
SETTINGS = {"epochs": 1, "batch_tokens": 300, "learning_rate": 5e-3, "metric": "loss", "samples": 0}


def train(folder: Path, lines: Mapping[str, str], values: Mapping[str, Any]) -> Path:
    """A run that has seen some lines.  lines: the text of each file of training, by its name."""
    for name, text in lines.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = [str(folder / name) for name in lines]
    data = {"train": files, "valid": files, **values.get("data", {})}
    runs.train(read_config({**values, "data": data, "train": SETTINGS}), folder / "run", say=lambda line: None)
    return folder / "run"


def write(run: Path, out: Path) -> Path:
    """The folder of a run's export, the proof aside."""
    model = load_run(run)
    graphs, weights, told = {"transduce": _writing, "tag": _tagging}[model.config.task](model)
    out.mkdir()
    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, out / WEIGHTS)
    for name in LEARNT:
        if (run / name).is_file():
            shutil.copyfile(run / name, out / name)
    manifest = {"task": model.config.task, "network": told, "room": list(room(model.config.model))}
    files = {
        GRAPHS: {name: to_json(graph) for name, graph in graphs.items()},
        CONFIG: model.config.model_dump(mode="json"),
        MANIFEST: manifest,
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return out


def _writing(model: Any) -> Told:
    net, weights = model.networks[0], dict[str, np.ndarray]()
    starts = sources(len(model.tokenizers[0]), None, torch.Generator().manual_seed(1))
    start, step, common = trace_steps(WritingFunctions(net), starts, None, names_of(net), weights)
    return {"start": start, "step": step}, weights, {"extends": net.head.extends, "common": common}


def _tagging(model: Any) -> Told:
    net, weights, random = model.network, dict[str, np.ndarray](), torch.Generator().manual_seed(1)

    def answer(**given: Tensor) -> dict[str, Tensor]:
        words = Batch(source=given["words/source"], source_valid=given["words/source_valid"], rows=())
        scores, label, looks = net(TagBatch(words, given["letters"], given["spelled"]), weights=True)
        told = (
            {"tags": scores.log_softmax(-1)}
            if net.chain is None
            else {"tags": scores, "steps": net.chain.steps + net.chain.barred}
        )
        told |= {} if label is None else {"label": label.log_softmax(-1)}
        return {**told, **{f"looks/{name}": look for name, look in looks.items()}}

    examples = []
    for rows, places, words, letters in ((11, 13, 17, 19), (17, 19, 23, 29), (23, 31, 37, 7), (13, 23, 29, 11), (19, 29, 31, 41)):
        example = {"words/source": torch.randint(4, len(model.words), (rows, places), generator=random)}
        example["words/source_valid"] = torch.arange(places) < torch.randint(1, places + 1, (rows, 1), generator=random)
        example["letters"] = torch.randint(1, len(model.letters), (words, letters), generator=random)
        example["spelled"] = torch.randint(0, words, (rows, places), generator=random)
        examples.append(example)
    with torch.no_grad():
        return {"answer": trace(answer, examples, names_of(net), weights)}, weights, {}
