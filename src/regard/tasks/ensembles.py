"""Models that were trained apart and answer together: whether they know the same symbols, and their words in one order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from regard.core.errors import RunFolderError, message
from regard.data.tokenizer import Tokenizer
from regard.decoding.ensemble import RenumberedNetwork
from regard.decoding.networks import WritingNetwork
from regard.tasks.base import Predictor

NAMED = 5  # symbols that only one of two vocabularies has, in a message


def make_ensemble(models: Sequence[Predictor]) -> Predictor:
    """Several models that answer together.  Raises RunFolderError where they cannot: other tasks, vocabularies or texts."""
    first = models[0]
    for other in models[1:]:
        if other.config.task != first.config.task:
            expected, received = f"a run of task {first.config.task}, as {first.folder} is", f"one of {other.config.task}"
            raise RunFolderError(message(str(other.folder), expected, received, "Name runs of one task."))
    return first.together(models[1:])


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


def renumber(network: WritingNetwork, source: Sequence[int] | None, target: Sequence[int]) -> WritingNetwork:
    """The network with the words of its vocabularies in another order: word i is what word `source[i]` (`target[i]`) was.  None: its source
    is no text."""
    if all(list(words) == list(range(len(words))) for words in (source, target) if words is not None):
        return network
    return RenumberedNetwork(network, source, target)


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
