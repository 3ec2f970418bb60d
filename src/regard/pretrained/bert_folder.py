"""The folder of a BERT as Hugging Face lays it out, but for its weights: config.json to a shape, and its vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.core.errors import RunFolderError, did_you_mean, message
from regard.core.plural import many
from regard.core.shapes import Array
from regard.data.wordpiece import WordPieces
from regard.networks.bert_shape import ACTIVATIONS, BertShape
from regard.training.json_files import read_json

CONFIG = "config.json"
FOLDER = "bert"  # in a run folder: the layout of Hugging Face
MOST = 10**10  # numbers of a net: some thirty times BERT-large

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
    tensors: Mapping[str, Array] | None


def read_bert(folder: Path) -> Folder:
    """Read a folder without its weights.  RunFolderError or DataError where it is no whole BERT."""
    shape, architecture = _shape(folder)
    pieces = WordPieces.read(folder)
    if len(pieces) > shape.words:  # fewer are well: tables are filled up to a round number
        do = "Name a folder whose vocab.txt is the one that the network was trained with."
        expected = f"{shape.words:,} pieces in vocab.txt ({CONFIG}: vocab_size), or fewer"
        raise RunFolderError(message(str(folder), expected, f"{len(pieces):,}", do))
    return Folder(folder, shape, pieces, architecture, None)


def keep_bert(folder: Path) -> Folder:
    """Shape and vocabulary of the BERT of a run.  RunFolderError or DataError where they are missing or damaged."""
    return read_bert(folder / FOLDER)


def _shape(folder: Path) -> tuple[BertShape, str]:
    path = folder / CONFIG
    config = read_json(path)
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
