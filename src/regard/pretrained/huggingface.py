"""BERT in folders as Hugging Face lays them out: config.json, model.safetensors, vocab.txt.  Read and written; nothing is unpickled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from regard.core.errors import RunFolderError, message
from regard.core.plural import many
from regard.data.wordpiece import WordPieces
from regard.networks.bert import Bert, BertEmbedding, BertShape, MaskedWords
from regard.pretrained.bert_folder import CONFIG as CONFIG
from regard.pretrained.bert_folder import FOLDER as FOLDER
from regard.pretrained.bert_folder import NAMES, read_bert
from regard.pretrained.bert_folder import Folder as Folder
from regard.tasks import registry
from regard.training import run_files
from regard.training.checkpoint import MODEL
from regard.training.checksums import BERT, EXPORTED, refuse_damaged
from regard.training.checksums import CONFIG as RUN_CONFIG

PICKLED, INDEX = "pytorch_model.bin", "model.safetensors.index.json"
WORDS, NEXT = "cls.predictions", "cls.seq_relationship"  # heads, by the names that their tensors begin with
HEADS = (WORDS, NEXT, "classifier", "qa_outputs")
POOLER = "bert.pooler"
NO_POOLER = ("BertForTokenClassification", "BertForQuestionAnswering", "BertForMaskedLM", "BertLMHeadModel")
ANYWAY = ("bert.embeddings.position_ids", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")  # copies, or counted

Heads = Mapping[str, nn.Module]


def source(place: str | Path) -> Path:
    """The folder in Hugging Face's layout that a run folder holds, or that a path is.  RunFolderError where there is none."""
    path = Path(place)
    if (path / RUN_CONFIG).is_file():
        if not (path / FOLDER / MODEL).is_file():
            do = f"Let a run of task {registry.makes_readers()} come to its end (--resume), or name a folder in Hugging Face's layout."
            expected = f"a run of task {registry.makes_readers()}, with {FOLDER}/{MODEL}"
            raise RunFolderError(message(str(path), expected, "a run without", do))
        refuse_damaged(path, (*BERT, EXPORTED))
        return path / FOLDER
    if not (path / CONFIG).is_file():
        received = "a folder without" if path.is_dir() else "no such folder"
        do = f"Name a run of task {registry.makes_readers()}, or a folder of a BERT in Hugging Face's layout."
        raise RunFolderError(message(str(path), f"a pre-trained BERT ({CONFIG}, {MODEL}, vocab.txt)", received, do))
    return path


def read(folder: Path, *, weights: bool = True) -> Folder:
    """Read a folder.  RunFolderError or DataError where it is no whole BERT."""
    found = read_bert(folder)
    return replace(found, tensors=_tensors(folder)) if weights else found


def fill(folder: Folder, bert: Bert, heads: Heads) -> list[str]:
    """Put the weights of a folder into a network, and hand over the names of the parts that it has none for: they stay as drawn.

    heads: by the names of `HEADS`.  RunFolderError names all tensors that are missing, are no part of a BERT, or have another shape.
    """
    assert folder.tensors is not None
    own, theirs = dict(tensors(bert, heads)), folder.tensors
    parts = {name: [n for n in own if n.startswith(f"{name}.")] for name in (POOLER, *heads)}
    absent = [name for name, names in parts.items() if not any(n in theirs for n in names)]
    drawn = [n for name in absent for n in parts[name]]
    wrong = [f"{n} is missing" for n in own if n not in theirs and n not in drawn and n not in ANYWAY]
    known = {*own, *ANYWAY, *(n for n in theirs if n.startswith((*(f"{h}." for h in HEADS), f"{POOLER}.")))}
    wrong += [f"{n} is no part of a BERT with {many(bert.shape.layers, 'layer')}" for n in theirs if n not in known]
    for n in (n for n in own if n in theirs):
        mine, given = tuple(own[n].shape), tuple(theirs[n].shape)
        wrong += [f"{n} is {given} and should be {mine}"] if mine != given else []
    if wrong:
        do = "Name a whole folder of a BERT, with the config.json that belongs to it."
        raise RunFolderError(message(str(folder.place / MODEL), "the weights of a BERT", "; ".join(wrong), do))
    with torch.no_grad():
        for n, tensor in own.items():
            if n in theirs:
                tensor.copy_(theirs[n])
    return absent


def write(
    folder: Path, bert: Bert, pieces: WordPieces, heads: Heads, *, architecture: str, labels: Mapping[int, str] | None = None
) -> None:
    """Write a folder that `transformers` reads.  architecture: such as BertForPreTraining; labels: of a classifier, by number."""
    folder.mkdir(parents=True, exist_ok=True)
    write_shape(folder, bert.shape, pieces, architecture=architecture, labels=labels)
    run_files.write_tensors(folder / MODEL, {name: tensor.float() for name, tensor in tensors(bert, heads) if name not in ANYWAY})


def write_shape(
    folder: Path, shape: BertShape, pieces: WordPieces, *, architecture: str, labels: Mapping[int, str] | None = None
) -> None:
    """All of a folder but its weights."""
    config: dict[str, Any] = {"architectures": [architecture], "model_type": "bert"}
    config |= {theirs: getattr(shape, ours) for ours, theirs in NAMES.items()}
    config |= {"position_embedding_type": "absolute", "initializer_range": 0.02, "torch_dtype": "float32"}
    if labels is not None:
        config |= {"id2label": {str(n): name for n, name in labels.items()}, "label2id": {name: n for n, name in labels.items()}}
    run_files.write_json(folder / CONFIG, config)
    pieces.save(folder)


def tensors(bert: Bert, heads: Heads) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a network by Hugging Face's names: the one table, for both ways."""
    embed = bert.embed
    assert isinstance(embed, BertEmbedding)
    parts: dict[str, nn.Module] = {
        "embeddings.word_embeddings": embed.table,
        "embeddings.position_embeddings": embed.positions.table,
        "embeddings.token_type_embeddings": embed.segments,
        "embeddings.LayerNorm": embed.norm,
        "pooler.dense": bert.pooler,
    }
    layers: Any = bert.get_submodule("encoder.layers")
    for i, layer in enumerate(layers):
        here, look, (first, second) = f"encoder.layer.{i}", layer.attention, layer.residuals
        parts |= {f"{here}.attention.self.{name}": getattr(look, name) for name in ("query", "key", "value")}
        parts |= {f"{here}.attention.output.dense": look.out, f"{here}.attention.output.LayerNorm": first.norm}
        parts |= {f"{here}.intermediate.dense": layer.feedforward.net[0], f"{here}.output.dense": layer.feedforward.net[3]}
        parts[f"{here}.output.LayerNorm"] = second.norm
    named = {f"bert.{name}": part for name, part in parts.items()}
    for name, head in heads.items():
        if isinstance(head, MaskedWords):
            named |= {f"{name}.transform.dense": head.transform, f"{name}.transform.LayerNorm": head.norm}
            yield f"{name}.bias", head.bias.data
        else:
            named[name] = head
    for name, part in named.items():
        for short, tensor in part.named_parameters(recurse=False):
            yield f"{name}.{short}", tensor.data


def _tensors(folder: Path) -> dict[str, Tensor]:
    """By today's names: `weight` and `bias` of norms where they were `gamma` and `beta`, with the prefix `bert.`."""
    path = folder / MODEL
    if not path.is_file():
        do = "Name a folder with model.safetensors."
        received = "no such file"
        if (folder / PICKLED).is_file():
            received = f"{PICKLED}, which is a pickle: it can run any code, and is never opened"
            do = "Where you trust it, convert it: transformers.AutoModel.from_pretrained(DIR).save_pretrained(NEW); copy vocab.txt, too."
        elif (folder / INDEX).is_file():
            received, do = "weights in several files", 'Save them in one: model.save_pretrained(NEW, max_shard_size="100GB").'
        raise RunFolderError(message(str(path), "weights as safetensors", received, do))
    found = {}
    for name, tensor in run_files.read_tensors(path).items():
        name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
        found[f"bert.{name}" if name.startswith(("embeddings.", "encoder.", "pooler.")) else name] = tensor
    return found


def describe(folder: Folder) -> str:
    """A line on a folder, for people."""
    shape = folder.shape
    one = "" if shape.segments > 1 else ", which knows one text at a time: two that are read together are one text to it"
    layers = many(shape.layers, "layer")
    return f"{json.dumps(str(folder.place))}: a BERT of {layers}, {shape.size} wide, {len(folder.pieces):,} pieces{one}"
