"""Models that were trained apart and answer together: whether they know the same symbols, and their weights in one order of these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from torch import nn

from regard.core.errors import RunFolderError, message
from regard.data.tokenizer import Tokenizer
from regard.inference.batch_invariant import InvariantWeight
from regard.inference.int8 import Int8Weight
from regard.inference.weights import WeightFormat
from regard.networks.copy_head import CopyHead
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.heads import TiedWordHead, WordHead
from regard.tasks.base import Predictor

NAMED = 5  # symbols that only one of two vocabularies has, in a message


def order(first: Predictor, mine: Tokenizer, other: Predictor, theirs: Tokenizer, side: str) -> list[int]:
    """For each id of the first model's vocabulary that of the same symbol in the other's.

    RunFolderError where they are no two orders of one vocabulary, with the cause: symbols are numbered by their frequency, which changes
    with the part that is set aside for validation.
    """
    places = mine.places(theirs)
    if mine.word == theirs.word and sorted(places) == list(range(len(theirs))) and _cuts(mine) == _cuts(theirs):
        return places
    expected = f"the same {side} vocabulary as {first.folder}"
    if mine.word != theirs.word:
        received = f"one of {theirs.word} where that has {mine.word}"
    elif alone := _alone(mine, theirs) + _alone(theirs, mine):
        more = f" and {len(alone) - NAMED:,} more" if len(alone) > NAMED else ""
        received = f"another one: one of both alone has {', '.join(map(repr, alone[:NAMED]))}{more}"
    else:
        received = "one of the same symbols, which cuts texts otherwise"
    raise RunFolderError(message(f"{other.folder}", expected, received, _why(first, other)))


def reorder(
    network: EncoderDecoder, source: Sequence[int] | None, target: Sequence[int], twins: Sequence[int] | None
) -> EncoderDecoder:
    """The network with the rows of its vocabularies in another order: row i is what row `source[i]` (`target[i]`) was.  None: its source
    is no text.  twins: of the vocabularies in that order, see `CopyHead`."""
    if all(list(rows) == list(range(len(rows))) for rows in (source, target) if rows is not None):
        return network
    made, done = deepcopy(network), dict[int, Any]()
    _reorder(made.target.table, "weight", target, done)
    if source is not None:
        _reorder(made.source.table, "weight", source, done)  # type: ignore[arg-type]  # a source of text has a table
    for part in made.head.modules():
        if isinstance(part, WordHead):
            _reorder(part.linear, "weight", target, done)
            _reorder(part.linear, "bias", target, done)
        elif isinstance(part, TiedWordHead):
            _reorder(part, "bias", target, done)
        elif isinstance(part, CopyHead) and twins is not None:
            part.twins.copy_(part.twins.new_tensor(twins))
    return made


def _reorder(module: nn.Module, name: str, rows: Sequence[int], done: dict[int, Any]) -> None:
    """Each weight once, wherever it is used."""
    weight = getattr(module, name)
    if id(weight) not in done:
        places = list(rows)
        if isinstance(weight, Int8Weight):
            done[id(weight)] = Int8Weight(weight.q[places], weight.scale[places])
        elif isinstance(weight, InvariantWeight):
            done[id(weight)] = InvariantWeight(weight.plain[places])
        else:
            done[id(weight)] = nn.Parameter(weight.detach()[places])
        done[id(done[id(weight)])] = done[id(weight)]
    made = done[id(weight)]
    if isinstance(made, WeightFormat):
        module.__dict__[name] = made
    else:
        setattr(module, name, made)


def _cuts(tokenizer: Tokenizer) -> Any:
    """What decides how a text is cut, numbers aside: nothing where each symbol is a piece of the text by itself."""
    model = json.loads(tokenizer.library)["model"]
    if model["type"] == "BPE":
        return model["merges"]
    return sorted(map(tuple, model["vocab"])) if model["type"] == "Unigram" else None


def _alone(some: Tokenizer, others: Tokenizer) -> list[str]:
    return some.tokens(id for id, place in enumerate(some.places(others)) if place < 0)


def _why(first: Predictor, other: Predictor) -> str:
    """What to do about it."""
    one, two = first.config, other.config
    if one.data.train == two.data.train and not one.data.valid and not two.data.valid and one.train.seed != two.train.seed:
        seeds = f"train.seed {one.train.seed} and {two.train.seed}"
        return f"They set different parts of their data aside for validation ({seeds}): train them with the same --valid FILE."
    return "Train them on the same data with the same tokenizers."
