"""BERT in folders as Hugging Face lays them out: config.json, model.safetensors, vocab.txt.  Read and written; nothing is unpickled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from regard.build.bert import ACTIVATIONS
from regard.core.errors import RunFolderError, did_you_mean, message
from regard.core.plural import many
from regard.data.wordpiece import WordPieces
from regard.networks.bert import Bert, BertEmbedding, BertShape, MaskedWords
from regard.tasks import registry
from regard.training import run_files
from regard.training.checkpoint import MODEL
from regard.training.checksums import BERT, EXPORTED, refuse_damaged
from regard.training.checksums import CONFIG as RUN_CONFIG

CONFIG, PICKLED, INDEX = "config.json", "pytorch_model.bin", "model.safetensors.index.json"
FOLDER = "bert"  # in a run folder: the layout of Hugging Face
WORDS, NEXT = "cls.predictions", "cls.seq_relationship"  # heads, by the names that their tensors begin with
HEADS = (WORDS, NEXT, "classifier", "qa_outputs")
POOLER = "bert.pooler"
NO_POOLER = ("BertForTokenClassification", "BertForQuestionAnswering", "BertForMaskedLM", "BertLMHeadModel")
ANYWAY = ("bert.embeddings.position_ids", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")  # copies, or counted

MOST = 10**10  # numbers of a net: some thirty times BERT-large

Heads = Mapping[str, nn.Module]
NAMES = {  # of config.json, by ours
    "words": "vocab_size",
    "size": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "feedforward": "intermediate_size",
    "positions": "max_position_embeddings",
    "segments": "type_vocab_size",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "activation": "hidden_act",
    "epsilon": "layer_norm_eps",
    "padding": "pad_token_id",
    "causal": "is_decoder",
}
DEFAULTS = {"attention_dropout": 0.1}  # where a folder leaves it out; what else it leaves out is as in `BertShape`


@dataclass(frozen=True)
class Folder:
    """A folder, read.  tensors: by Hugging Face's names, all with the prefix `bert.`; None where only its shape was asked for."""

    place: Path
    shape: BertShape
    pieces: WordPieces
    architecture: str
    tensors: Mapping[str, Tensor] | None


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
    shape, architecture = _shape(folder)
    pieces = WordPieces.read(folder)
    if len(pieces) > shape.words:  # fewer are well: tables are filled up to a round number
        do = "Name a folder whose vocab.txt is the one that the network was trained with."
        expected = f"{shape.words:,} pieces in vocab.txt ({CONFIG}: vocab_size), or fewer"
        raise RunFolderError(message(str(folder), expected, f"{len(pieces):,}", do))
    return Folder(folder, shape, pieces, architecture, _tensors(folder) if weights else None)


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


def _shape(folder: Path) -> tuple[BertShape, str]:
    path = folder / CONFIG
    config = run_files.read_json(path)
    config = config if isinstance(config, dict) else {}
    kind = config.get("model_type", "bert" if "BertModel" in str(config.get("architectures")) else None)
    if kind != "bert":
        do = "Name a folder of a BERT: other architectures are not read."
        raise RunFolderError(message(str(path), "model_type: bert", f"{kind}" if kind else "none", do))
    wrong = list(_foreign(config))
    given = {ours: config[theirs] for ours, theirs in NAMES.items() if config.get(theirs) is not None}
    wrong += [f"{NAMES[name]}: {value!r}" for name, value in given.items() if not _is_of(name, value)]
    wrong += [] if wrong else _unfit({name: x for name, x in given.items() if not isinstance(x, bool | str)})
    wrong += [f"no {NAMES[name]}" for name in ("words", "size", "layers", "heads", "feedforward") if name not in given]
    if wrong:
        raise RunFolderError(message(str(path), "the config of a BERT", "; ".join(wrong), "Name a folder of a BERT."))
    architecture = (config.get("architectures") or ["BertModel"])[0]
    return BertShape(**{**DEFAULTS, **given}), str(architecture)


def _foreign(config: Mapping[str, Any]) -> Iterator[str]:
    """What a config asks for that no reader has."""
    if config.get("position_embedding_type", "absolute") != "absolute":
        yield f"position_embedding_type: {config['position_embedding_type']}, where only absolute is known"
    if str(config.get("hidden_act", "gelu")) not in ACTIVATIONS:
        near = did_you_mean(str(config["hidden_act"]), ACTIVATIONS)
        yield f"hidden_act: {config['hidden_act']}, where only {', '.join(ACTIVATIONS)} are known{near}"
    if config.get("add_cross_attention"):
        yield "add_cross_attention, which a reader has not"
    named = config.get("architectures")
    if named is not None and not (isinstance(named, list) and all(isinstance(name, str) for name in named)):
        yield f"architectures: {named!r}"


def _is_of(name: str, value: Any) -> bool:
    """Whether a value is of the kind that its name has; a truth is no number, and neither is what is not finite."""
    if name in ("activation", "causal"):
        return isinstance(value, str if name == "activation" else bool)
    broken = name in ("dropout", "attention_dropout", "epsilon")
    return isinstance(value, int | float if broken else int) and not isinstance(value, bool) and abs(value) < float("inf")


def _unfit(numbers: Mapping[str, float]) -> list[str]:
    """Numbers of which no net can be made."""
    least = {"padding": 0, "dropout": 0, "attention_dropout": 0, "epsilon": 0}
    wrong = [f"{NAMES[name]}: {value}, which is too small" for name, value in numbers.items() if value < least.get(name, 1)]
    wrong += [
        f"{NAMES[name]}: {numbers[name]}, which is too large"
        for name in ("dropout", "attention_dropout")
        if numbers.get(name, 0) >= 1
    ]
    words, padding, size, heads = (numbers.get(name, 1) for name in ("words", "padding", "size", "heads"))
    if "padding" in numbers and padding >= words:
        wrong.append(f"{NAMES['padding']}: {padding}, where there are {words} words")
    if heads > 0 and size % heads:
        wrong.append(f"{NAMES['size']}: {size}, which {many(int(heads), 'head')} cannot share")
    layers, wide, places, kinds = (numbers.get(name, 1) for name in ("layers", "feedforward", "positions", "segments"))
    if size * (words + places + kinds + layers * (4 * size + 2 * wide + 16)) > MOST:
        wrong.append(f"a net of more than {MOST:,} numbers")
    return wrong


def describe(folder: Folder) -> str:
    """A line on a folder, for people."""
    shape = folder.shape
    one = "" if shape.segments > 1 else ", which knows one text at a time: two that are read together are one text to it"
    layers = many(shape.layers, "layer")
    return f"{json.dumps(str(folder.place))}: a BERT of {layers}, {shape.size} wide, {len(folder.pieces):,} pieces{one}"
