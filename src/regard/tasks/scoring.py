"""How likely given targets are, of models that write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.data.batching import Batches, collate
from regard.data.examples import Place
from regard.data.line_stream import taken
from regard.data.plain_text import PlainText
from regard.data.python_items import pair_of
from regard.data.row_parser import RecordError
from regard.tasks.base import Scored
from regard.tasks.caption.data import CaptionedImage
from regard.tasks.decode_options import ahead, decided
from regard.tasks.language.section import carries
from regard.tasks.language.windows import TokenWindows
from regard.tasks.seq2seq import cross_entropies

if TYPE_CHECKING:
    from regard.tasks.batch_predictor import BatchPredictor
    from regard.tasks.caption.predictor import Captioner
    from regard.tasks.generation import Transducer
    from regard.tasks.language.predictor import TextGenerator

ROWS = 64  # pairs of a batch
Likely = tuple[Sequence[str], Sequence[float], float]  # tokens; their log-probabilities, where each has one; that of the whole
Pair = tuple[Sequence[int], Sequence[int]]
T = TypeVar("T")


def unspoilt(found: Iterable[T | RecordError]) -> Iterator[T]:
    """Items in order; one at fault is refused, whatever the config says, for each has its score."""
    for item in found:
        if isinstance(item, RecordError):
            raise item
        yield item


@torch.no_grad()
def nats(model: Transducer, pairs: Sequence[Pair]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Of each pair in tokens its number, and the cross-entropy of each target token, the end included; batch by batch, in no order."""
    for rows in Batches.sequential([max(len(source), len(target)) for source, target in pairs], rows=ROWS):
        found = cross_entropies(model.networks, collate([pairs[i] for i in rows], rows)).double().cpu().numpy()
        yield from zip(rows, np.split(found, np.cumsum([len(pairs[i][1]) for i in rows])[:-1]), strict=True)


def scores(model: Transducer, items: Iterable[Any], batch_size: int | None) -> Iterator[Scored]:
    """See `Model.scores`; items: see `data.python_items.pair_of`."""
    rows = ahead(decided(model.config, batch_size=batch_size).decode)
    each = (pair_of(item, model.layout) for item in items)
    writer, room = model.tokenizers[1], model.room.target
    while chunk := taken(each, rows):
        targets = [model.layout.clean(str(item.target)) for item in chunk]
        ids = writer.encode_all(targets)
        for item, target in zip(chunk, ids, strict=True):
            if room and len(target) > room:
                do = "Score shorter ones."
                expected = f"a target of at most {room} tokens, which is what this model writes"
                raise DataError(message(str(item.place), expected, f"{len(target)}", do))
        found: list[Scored | None] = [None] * len(chunk)
        for i, costs in nats(model, model.in_tokens(list(zip(chunk, targets, strict=True)))):
            tokens, unknown = tuple(writer.tokens(ids[i])), tuple(writer.unknown(targets[i]))
            log_p = tuple((-costs).tolist())
            found[i] = Scored(chunk[i].source, targets[i], sum(log_p), tokens, log_p, chunk[i].features, unknown)
        yield from (scored for scored in found if scored is not None)


@torch.no_grad()
def of_captions(model: Captioner, items: Iterable[CaptionedImage], batch_size: int | None) -> Iterator[Scored]:
    """See `Model.scores`; each caption of an image by itself."""
    rows = decided(model.config, batch_size=batch_size).decode.batch_size
    each = ((item, caption) for item in items for caption in item.captions)
    while chunk := taken(each, rows):
        ids = model.words.encode_all([caption for _, caption in chunk])
        batch = model.collated([item for item, _ in chunk], range(len(chunk)), ids)
        found = cross_entropies(model.networks, batch).double().cpu().numpy()
        for (item, caption), target, costs in zip(
            chunk, ids, np.split(found, np.cumsum([len(t) for t in ids])[:-1]), strict=True
        ):
            log_p, unknown = tuple((-costs).tolist()), tuple(model.words.unknown(caption))
            yield Scored(item.source, caption, sum(log_p), tuple(model.words.tokens(target)), log_p, (), unknown)


def of_texts(model: TextGenerator, items: Iterable[Any], batch_size: int | None) -> Iterator[Scored]:
    """See `Model.scores`.  items: texts, or (begun, text), of which the text alone is scored, as what follows."""
    each, rows = map(_text, items), ahead(decided(model.config, batch_size=batch_size).decode)
    while chunk := taken(each, rows):
        ids = model.encoded([replace(text, text=begun + text.text) for begun, text in chunk])
        said = model.encoded([replace(text, text=begun) for begun, text in chunk])
        skips = [
            sum(1 for _ in takewhile(lambda ab: ab[0] == ab[1], zip(a, b[:-1], strict=False)))
            for a, b in zip(ids, said, strict=True)
        ]
        for (begun, text), whole, skip, costs in zip(chunk, ids, skips, _of_tokens(model, ids), strict=True):
            log_p = tuple((-costs[skip:]).tolist())
            tokens = tuple(model.texts.tokenizer.tokens(whole[skip:]))
            yield Scored(begun, text.text, sum(log_p), tokens, log_p, (), model.texts.unknown(text.text))


@torch.no_grad()
def of_answers(model: BatchPredictor[Any], items: Iterable[Any], batch_size: int | None) -> Iterator[Scored]:
    """See `Model.scores`.  items: see `BatchPredictor.with_right`."""
    each, rows = map(model.with_right, items), ahead(decided(model.config, batch_size=batch_size).decode)
    while chunk := taken(each, rows):
        numbers = [model.encoded(item) for item in chunk]
        numbers = [model.shortened(x, model.most) if model.most and x.size > model.most else x for x in numbers]
        real = [i for i, x in enumerate(numbers) if x.size and model.told(x)]
        found: dict[int, Likely] = {}
        for part in Batches.sequential([numbers[i].size for i in real], rows=ROWS):
            places = [real[i] for i in part]
            some = [numbers[i] for i in places]
            found |= zip(places, model.likelihoods(some, model.collated(some, places)), strict=True)
        for i, item in enumerate(chunk):
            unknown = tuple(model.unseen([item]))
            if i not in found:
                yield Scored(item.source, model.right(item), None, unknown=unknown)
                continue
            tokens, log_p, score = found[i]
            yield Scored(item.source, model.right(item), score, tuple(tokens), tuple(log_p), (), unknown)


def _of_tokens(model: TextGenerator, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
    """The cross-entropy of each token of each text, read from its beginning: short ones side by side, long ones window by window."""
    assert model.config.language is not None  # the config gives it to its task
    window, carried = model.config.language.window, carries(model.config)
    short = [i for i, ids in enumerate(texts) if len(ids) <= window]
    groups = [short[at : at + ROWS] for at in range(0, len(short), ROWS)] + [
        [i] for i, ids in enumerate(texts) if len(ids) > window
    ]
    found: dict[int, NDArray[np.float64]] = {}
    for group in groups:
        before = window if carried else window // 2  # as where a text is judged
        some, count = [texts[i] for i in group], len(group)
        windows = TokenWindows(some, [False] * count, window=window, streams=count, carried=carried, before=before)
        costs, state = list[NDArray[np.float64]](), None
        for rows in [list(range(len(group)))] if len(group) > 1 else windows.in_order():
            told, state = model.task.costs(model.batch(windows.cut(rows)), state)
            costs.append(told.double().cpu().numpy())
        sizes = [len(texts[i]) for i in group]
        found |= zip(group, np.split(np.concatenate(costs), np.cumsum(sizes)[:-1]), strict=True)
    return [found[i] for i in range(len(texts))]


def _text(item: Any) -> tuple[str, PlainText]:
    """What was said before, and a text.  DataError where an item is neither a text nor two of them."""
    if isinstance(item, PlainText):
        return "", item
    begun, text = item if isinstance(item, tuple | list) and len(item) == 2 else ("", item)
    if not isinstance(begun, str) or not isinstance(text, str):
        do = "Give a text, or (begun, text)."
        raise DataError(message("an item to score", "a text", repr(item)[:60], do))
    return begun, PlainText(text, Place("an item", 1))
