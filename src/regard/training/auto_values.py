"""What the keys that are left out become, from sizes of the data alone.

Each rule has beside it the figures that it rests on, all of them from the recipes in configs/ and from studies/defaults.py; in between they
go by powers, so that no file falls off an edge.  Keys of one decision go together: whoever sets one of a line of `TOGETHER`, or of the keys
of the task's own section, decides the others of it too, which then have their plain defaults.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from regard.config.auto import left_out
from regard.config.base import fits
from regard.config.schema import Config
from regard.data.batching import Batches

LEAST_BATCH, MOST_BATCH = 80, 4000  # tokens
WRITTEN = 10 / 7  # how much larger are batches, and how much fewer the updates, of nets that write: see `fit_writing`
SENTENCE = 4.0  # words of a target, on average, from which few are right as a whole: BLEU, which counts four in a row, tells models apart
SAMPLE = 20_000  # items, about, of which lengths are taken
VALIDATIONS = 15  # in a training; each costs about as much as reading the validation items once, and writing them
RATES = ("train.learning_rate", "train.schedule", "train.warmup")
LENGTH = ("train.epochs", "train.validate_every", "train.patience", "train.average")
KIND = ("model.attention", "model.order", "model.input_feeding")
BOUND = ("decode.max_ratio", "decode.max_extra")
TOGETHER = (RATES, LENGTH, KIND, BOUND)
T = TypeVar("T")


@dataclass(frozen=True)
class Sizes:
    """Of the data that is learnt from.  what: its items in the plural; counted: what tokens are counted; sources, targets: lengths in
    tokens of some of the items, ends included; targets are () where nothing is written; words: between the blanks of a target,
    on average."""

    items: int
    what: str
    counted: str
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    words: float = 0.0

    @property
    def tokens(self) -> int:
        """Of all items together, those by which batches are measured."""
        lengths = self.targets if len(self.targets) else self.sources
        return round(float(lengths.mean()) * self.items)

    def updates(self, batch: int) -> int:
        """Of one pass over the data, in batches of so many tokens."""
        lengths = self.targets if len(self.targets) else self.sources
        found = len(Batches(self.sources, lengths, tokens=batch, seed=1).epoch(0))
        return max(1, round(found * self.items / len(self.sources)))


class EvenSample(Generic[T]):
    """Items at equal distances, at most 2 x `most` of those that went by, and how many did: taken while somebody reads them for another
    reason, since a file of millions takes long to read."""

    def __init__(self, most: int = SAMPLE) -> None:
        self.kept: list[T] = []
        self.count, self._most, self._step = 0, most, 1

    def watch(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each seen as it goes by."""
        for item in items:
            if self.count % self._step == 0:
                self.kept.append(item)
                if len(self.kept) == 2 * self._most:
                    self.kept, self._step = self.kept[::2], 2 * self._step
            self.count += 1
            yield item

    def see_all(self, items: Iterable[T]) -> EvenSample[T]:
        """This sample, once all items went by."""
        deque(self.watch(items), maxlen=0)
        return self


def free(config: Config) -> frozenset[str]:
    """The keys that may be fitted: left out, and none of those that go together with them was set."""
    left = left_out(config)
    keys = type(config.own).model_fields if config.own is not None else {}
    own = {f"{config.spec.name}.{key}" for key, field in keys.items() if fits(field)}
    bound = {key for line in (*TOGETHER, own) if not left.issuperset(line) for key in line}
    if config.train.updates is not None:
        bound.update(LENGTH)
    if not _plain_net(config):
        bound.update((*KIND, "model.size", "model.tie", *own))
    return left - bound


def _plain_net(config: Config) -> bool:
    """Whether nothing was said of the net but its widths."""
    model = config.model
    keys = {"family", "encoder", "decoder", "context", "context_use", "past", "head", "tie", "pretrained"}
    said = keys & model.model_fields_set
    return not said - {"encoder", "decoder"} and (model.encoder, model.decoder) == ("bilstm", "lstm") and model.pretrained is None


def batch(tokens: int, times: float = 1) -> int:
    """350 tokens for the 33,000 of 3,600 pronunciations, 600 for the 130,000 of 10,000 inflections, 950 for Multi30k's 400,000: a power of
    0.4.  A net takes some hundred updates to learn, whatever it learns: 1,546 French words reach .62 in batches of 300 where they reach .16
    in batches of 2,000, with all else equal.  Below 100 tokens an update costs no less, so that few are made of them."""
    return _rounded(min(MOST_BATCH, max(LEAST_BATCH, times * 350 * (tokens / 33_000) ** 0.4)))


def updates(tokens: int, times: float = 1) -> int:
    """2,200 for 33,000 tokens: with a rate that falls to 0 they do what the recipe's 3,700 do with one that stays high.  With 1,400 ten
    languages of SIGMORPHON 2020 had a mean error of .160 (recipe .149); with half as many more Greek fell from .193 to .164, Bulgarian
    from .324 to .307, Hindi from .080 to .069, Armenian from .171 to .162 (seed 1).  More data, more updates, by a power of 0.5, which is
    some 19 passes whatever the size; at least 700."""
    return round(max(700.0, times * 2200 * (tokens / 33_000) ** 0.5))


def width(tokens: int) -> int:
    """160 up to 33,000 tokens, 192 for 130,000: a power of 0.13; a multiple of 16.  Narrower nets are no better on less: 1,546 French words
    have a loss of 0.201 with 144 and of 0.182 with 160 (and a rate of 0.0045 for 0.0035)."""
    return 16 * round(min(320.0, max(160.0, 160 * (tokens / 33_000) ** 0.13)) / 16)


def bound_length(sources: NDArray[np.int64], targets: NDArray[np.int64]) -> tuple[float, int]:
    """How long an answer may be: max_ratio and max_extra that hold every target of these pairs with a quarter to spare, but for one in a
    thousand where that is four times as long as the rest."""
    words = targets - 1  # the end sign needs no room
    ratio = math.ceil(120 * float(np.quantile(words / sources, 0.9))) / 100
    beyond = words - np.floor(sources * ratio)
    most, usual = float(beyond.max()), float(np.quantile(beyond, 0.999))
    return ratio, max(10, math.ceil(1.25 * (usual if most > 4 * max(usual, 10.0) else most)) + 5)


def fit_writing(config: Config, sizes: Sizes, *, target_tokenizer: str) -> dict[str, Any]:
    """For nets that read and write.  Letters and phones: Luong's order without input feeding, whose steps train all at once (a quarter of
    the time of Bahdanau's, and no worse: the g2p and inflection recipes).  Pieces of words: Bahdanau's, as in translate-rnn.yaml, and
    their table of vectors is the output layer too, or three quarters of the products of a step would be there.

    Much of an update is what every update costs, so that batches of 500 tokens are read where `batch` says 350, as many fewer times:
    six languages (arm bul fre geo ice kor) have .184 wrong words for .182, greedy, seed 1, in 91 seconds of CPU for 114.  Who sets
    `train.batch_tokens` has the updates of that batch, so that 350 of them is the other side.

    20,000 pairs of Multi30k, twelve minutes of one thread: BLEU 28.5 so, 23.1 with smaller batches, nothing tied and the model chosen by
    `exact`; the recipe 27.1 (valid, seed 1, beam 5)."""
    may = free(config)
    letters = not target_tokenizer.startswith(("bpe", "unigram", "word"))
    tokens = sizes.tokens
    size = width(tokens) if letters else 256
    chosen: dict[str, Any] = {
        "train.batch_tokens": batch(tokens, WRITTEN),
        "model.size": size,
        "model.embedding": min(128, size) if letters else 256,
        "model.dropout": 0.3,
        "model.embedding_dropout": 0.3 if tokens < 100_000 or not letters else 0.2,
        "train.metric": "exact" if letters or sizes.words < SENTENCE else "bleu",
    }
    if letters:
        chosen |= {"model.attention": "general", "model.order": "luong", "model.input_feeding": False}
    else:
        chosen["model.tie"] = "all" if config.data.joint else "output"
    chosen["decode.max_ratio"], chosen["decode.max_extra"] = bound_length(sizes.sources, sizes.targets)
    own = "train.batch_tokens" not in may
    each = math.ceil(sizes.updates(config.train.batch_tokens if own else chosen["train.batch_tokens"]) / config.train.accumulate)
    planned = updates(tokens, 1 if own else 1 / WRITTEN)
    chosen |= course(each, planned, peak=0.0045 if letters else 0.0015, given=_length(config, may, each))
    return {key: value for key, value in chosen.items() if key in may}


def fit_reading(config: Config, sizes: Sizes, own: Mapping[str, Any]) -> dict[str, Any]:
    """For nets that read and say something of it, by the recipes of their tasks: questions (TREC, 50,000 tokens), slots (SNIPS, 120,000),
    pairs (SICK, 90,000) and passages with a question (CMRC, 1,200,000).  A net that reads texts forgets half of what it reads, so that it
    does not learn them by heart; one that begins with a pre-trained reader is left as it is.  own: what is otherwise in the task."""
    may = free(config)
    net = {"model.size": 128, "model.embedding": 100, "model.dropout": 0.5, "model.embedding_dropout": 0.4}
    chosen = {"train.batch_tokens": batch(sizes.tokens), "train.updates": updates(sizes.tokens), **net, **own}
    held = chosen["train.batch_tokens"] if "train.batch_tokens" in may else config.train.batch_tokens
    each = math.ceil(sizes.updates(held) / config.train.accumulate)
    chosen |= course(each, chosen["train.updates"], peak=0.003, given=_length(config, may, each))
    return {key: value for key, value in chosen.items() if key in may}


def _length(config: Config, may: Container[str], each: int) -> int | None:
    """The updates of a training whose length somebody set.  each: of an epoch."""
    if "train.epochs" in may:
        return None
    passes = config.train.epochs * each
    return min(passes, config.train.updates or passes)


def course(each: int, planned: int, *, peak: float, given: int | None = None) -> dict[str, Any]:
    """How long a training is, and its rate.  each: updates of an epoch; planned: of the training, which ends with an epoch; given: of one
    whose length was set, which its rate goes by.  The rate rises over a twentieth of the updates and falls in equal steps to 0, so that
    a run has no need to be stopped early; patience ends those that gained nothing through half of it."""
    epochs = max(1, math.ceil(planned / each))
    every = max(1, round(epochs * each / VALIDATIONS))
    return {
        "train.epochs": epochs,
        "train.validate_every": every if epochs * each > every else None,
        "train.patience": math.ceil(VALIDATIONS / 2),
        "train.average": 3,
        "train.learning_rate": peak,
        "train.schedule": "linear",
        "train.warmup": max(1, round((given or epochs * each) / 20)),
    }


def describe_values(config: Config, sizes: Sizes) -> str:
    """What was made of which sizes, in a line.  config: with every key settled."""
    each = math.ceil(sizes.updates(config.train.batch_tokens) / config.train.accumulate)
    total = min(config.train.epochs * each, config.train.updates or math.inf)
    return (
        f"{sizes.items:,} {sizes.what}, {_rounded(sizes.tokens):,} {sizes.counted}: size {config.model.size}, "
        f"batches of {config.train.batch_tokens:,} tokens, {_rounded(total):,} updates at most"
    )


def _rounded(number: float) -> int:
    """To two figures."""
    return int(float(f"{number:.2g}"))
