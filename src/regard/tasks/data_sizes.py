"""Sizes of pairs, and what keys that are left out become by them: tasks that write, before their training."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from regard.config import Config, DecodeSection
from regard.config.auto import left_out, settle
from regard.data.examples import Item
from regard.data.tokenizer import Tokenizer
from regard.data.tokenizer_guess import cut_of, short_symbols
from regard.decoding.limits import Limits
from regard.training.auto_values import EvenSample, Sizes, describe_values, fit_reading, fit_writing

CUT = ("data.source_tokenizer", "data.target_tokenizer", "data.unicode")
Recipe = Callable[[Config, Sizes], Mapping[str, Any]]  # what keys become in a task, otherwise than in most
LEARNT = 5000  # texts from which a tokenizer is learnt, to see how long they become


def fit_to_pairs(config: Config, sample: EvenSample[Item]) -> tuple[Config, str]:
    """A config whose keys are all settled by a sample of the pairs, and a line on it; "" where all were set."""
    if not left_out(config):
        return config, ""
    pairs, count = sample.kept, sample.count
    if not pairs:
        return settle(config, {}), ""
    values = _cut(config, pairs, count)
    sizes = _measured(config, values, pairs, count)
    config = settle(config, values | fit_writing(config, sizes, target_tokenizer=values["data.target_tokenizer"]))
    return config, describe_values(config, sizes)


def _cut(config: Config, pairs: Sequence[Item], count: int) -> dict[str, Any]:
    """How both sides become tokens; what was set stays."""
    data, left = config.data, left_out(config)
    sources, targets = [pair.source for pair in pairs], [str(pair.target) for pair in pairs]
    words = dict(zip(CUT, (data.source_tokenizer, data.target_tokenizer, data.unicode), strict=True))
    found = dict(zip(CUT[:2], cut_of(sources, targets, count), strict=True))
    if data.joint:  # one vocabulary: both sides are cut alike
        found = dict.fromkeys(CUT[:2], max(found.values()) if all(word.startswith("bpe") for word in found.values()) else "char")
        left = left if left.issuperset(CUT[:2]) else left - set(CUT[:2])
    words |= {key: word for key, word in found.items() if key in left}
    phones = words[CUT[1]] == "space" and short_symbols(targets) and words[CUT[0]] == "char"
    if CUT[2] in left and phones and _made_of_parts(sources):
        words[CUT[2]] = "nfd"
    return words


def _made_of_parts(texts: Sequence[str]) -> bool:
    """Whether most characters are made of others that they share, as Korean syllables are: half as many are left when all are parted.  Each
    is then rare, and its sound learnt again and again: Korean has .79 exact parted; the published LSTM has .53 in syllables."""
    return 2 * len({*unicodedata.normalize("NFD", "".join(texts))}) <= len({*"".join(texts)})


def _measured(config: Config, words: dict[str, Any], pairs: Sequence[Item], count: int) -> Sizes:
    """How long pairs become in tokens; those that are too long to be learnt from are not counted, unless all are."""

    def clean(text: str) -> str:
        return text if words[CUT[2]] == "none" else unicodedata.normalize(words[CUT[2]].upper(), text)

    sources, targets = [clean(pair.source) for pair in pairs], [clean(str(pair.target)) for pair in pairs]
    features = [pair.features for pair in pairs]
    reader = Tokenizer.train(words[CUT[0]], sources[:LEARNT], features=[name for names in features for name in names])
    writer = Tokenizer.train(words[CUT[1]], targets[:LEARNT])
    read = np.array([len(ids) for ids in reader.encode_all(sources, features)])
    written = np.array([len(ids) for ids in writer.encode_all(targets)])
    fit = (read <= config.data.max_source_length) & (written <= config.data.max_target_length)
    if fit.any() and config.data.on_long == "skip":
        read, written = read[fit], written[fit]
    mean = sum(len(target.split()) for target in targets) / len(targets)
    return Sizes(count, "pairs", "target tokens", read, written, mean)


def fit_to_texts(
    config: Config, items: Sequence[Any], text: Callable[[Any], str], what: str, recipe: Recipe
) -> tuple[Config, str]:
    """The same for items of which a net says something.  text: what it reads of an item; what: items in the plural; recipe: the task's."""
    if not left_out(config) or not items or config.model.pretrained is not None:
        return settle(config, {}), ""
    texts = [text(item) for item in EvenSample[Any]().see_all(items).kept]
    cut = config.data.source_tokenizer if "data.source_tokenizer" in config.spec.uses else "space"
    reader = Tokenizer.train(cut, texts[:LEARNT])
    lengths = np.array([max(1, len(ids)) for ids in reader.encode_all(texts)])
    sizes = Sizes(len(items), what, "tokens", np.minimum(lengths, config.data.max_source_length), np.array([], np.int64))
    config = settle(config, fit_reading(config, sizes, recipe(config, sizes)))
    return config, describe_values(config, sizes)


def beyond_the_bound(decode: DecodeSection, sources: ArrayLike, targets: ArrayLike) -> str:
    """A note where targets to learn from are longer than an answer may be, for such answers can only be cut or replaced; "" where none is.
    sources, targets: lengths in tokens, ends included."""
    read, written = np.asarray(sources), np.asarray(targets) - 1
    many, extra = Limits(decode.min_length, decode.max_ratio, decode.max_extra).beyond(read, written)
    if not many:
        return ""
    longer = "training targets are longer than decode.max_ratio and decode.max_extra let be written"
    return f"note: {many:,} of {len(read):,} {longer}; max_extra: {extra} would do."
