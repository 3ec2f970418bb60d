"""Alignments of the pairs of files: one model or one for each direction, the best look chosen on gold links, figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from regard.core.errors import DataError, RunFolderError, UsageError, message
from regard.core.say import Say
from regard.data.examples import Item
from regard.data.pairs import each_pair
from regard.data.report import refuse_errors
from regard.data.symmetrize import symmetrize
from regard.data.word_links import GoldLinks, Links, read_gold, refuse_outside, turn, words_of
from regard.metrics.alignment import alignment_figures
from regard.tasks.base import Predictor
from regard.tasks.layouts import layout_for
from regard.tasks.word_looks import Chosen, TextPairModel, choose_look, force_looks, links_of

if TYPE_CHECKING:
    from jaxtyping import Float

BEST, MEAN, AUTO = "best", "mean", "auto"


@dataclass(frozen=True)
class AlignedPair:
    """The words of a pair, its links, and how much each target word looked at each source word (of two directions the mean)."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    links: Links
    weights: Float[np.ndarray, "J I"]


@dataclass(frozen=True)
class LookChoice:
    """What is asked for.  look: None, the last one at the source; head: a number, `mean` or `best`; shift: 0, 1 or `auto`; the best head
    and shift have the lowest AER on `gold`, the links of the first pairs."""

    look: str | None = None
    head: int | str = MEAN
    shift: int | str = 0
    gold: Sequence[GoldLinks] = ()


def as_pair_model(model: Predictor) -> TextPairModel:
    """RunFolderError for a model of another task."""
    if not isinstance(model, TextPairModel):
        do = "Align with a run that was trained on pairs of texts."
        raise RunFolderError(
            message("align", "a run that writes a text for a text", f"{model.folder}, of task {model.config.task}", do)
        )
    return model


def read_aligned_pairs(model: TextPairModel, files: Sequence[str]) -> list[Item]:
    """The pairs of files, one for each line but a header.  DataError for lines that hold none, or several: alignments go line for line."""
    passed = Counter[str]()
    items = list(refuse_errors(each_pair(files, layout_for(files, model.config), passed)))
    others = {kind: count for kind, count in passed.items() if kind != "header"}
    if others:
        received = ", ".join(f"{count} of kind {kind}" for kind, count in others.items())
        raise DataError(
            message(" ".join(files), "a pair on every line, as alignments go line for line", received, "Remove them.")
        )
    twice = next((a for a, b in pairwise(items) if a.place == b.place), None)
    if twice is not None:
        raise DataError(message(str(twice.place), "one target", "several", "Give each its line."))
    return items


def read_gold_of(file: str, items: Sequence[Item], *, base: int, first: bool = False) -> list[GoldLinks]:
    """The gold links of pairs; first: of the first of them.  DataError where there are more or fewer lines than pairs, or a link leaves
    its sentences."""
    gold = read_gold(file, base=base)
    if len(gold) > len(items) or (not first and len(gold) < len(items)):
        expected = f"{'at most ' * first}{len(items):,} lines, one for each pair"
        raise DataError(message(file, expected, f"{len(gold):,}", "Give the links of these very pairs."))
    for number, (links, item) in enumerate(zip(gold, items, strict=False), 1):
        sizes = len(words_of(item.source)), len(words_of(str(item.target)))
        refuse_outside(links.possible, f"{file}:{number}", sizes, base=base)
    return gold


def align(model: TextPairModel, items: Sequence[Item], asked: LookChoice, say: Say) -> Iterator[AlignedPair]:
    """The alignment of each pair by one model, from source to target.  say: hears what was chosen."""
    chosen = _choose(model, items, asked, say)
    for pair in force_looks(model, items):
        weights = chosen.weights(pair)
        yield AlignedPair(pair.source, pair.target, links_of(weights), weights)


def align_both(
    forward: TextPairModel, backward: TextPairModel, items: Sequence[Item], asked: LookChoice, way: str, say: Say
) -> Iterator[AlignedPair]:
    """The same by a model of each direction.  way: `data.symmetrize`."""
    back = [replace(item, source=str(item.target), target=item.source, features=()) for item in items]
    gold = [GoldLinks(turn(links.sure), turn(links.possible)) for links in asked.gold]
    there, here = align(forward, items, asked, say), align(backward, back, replace(asked, gold=gold), say)
    for one, other in zip(there, here, strict=True):
        links = symmetrize(one.links, turn(other.links), way)
        yield AlignedPair(one.source, one.target, links, (one.weights + other.weights.T) / 2)


def _choose(model: TextPairModel, items: Sequence[Item], asked: LookChoice, say: Say) -> Chosen:
    """The look that is asked for, or the best of those that it leaves open."""
    look, heads = choose_look(model, asked.look, asked.head if isinstance(asked.head, int) else None)
    every: list[int | None] = (
        [None, *range(heads)] if asked.head == BEST else [asked.head if isinstance(asked.head, int) else None]
    )
    shifts = [0, 1] if asked.shift == AUTO else [int(asked.shift)]
    ways = [Chosen(look, head, shift) for head, shift in product(every, shifts)]
    if len(ways) == 1:
        return ways[0]
    if not asked.gold:
        expected = "gold links to choose by (--valid-gold FILE)"
        raise UsageError(message("--head best, --shift auto", expected, "none", "Name them, or a head and a shift."))
    pairs = list(force_looks(model, items[: len(asked.gold)]))
    rates = [alignment_figures([links_of(way.weights(pair)) for pair in pairs], asked.gold)["aer"] for way in ways]
    best = ways[int(np.argmin(rates))]
    told = f"head {MEAN if best.head is None else best.head}, shift {best.shift}"
    worst = f"of {len(ways)} ways, {max(rates):.3f} the worst"
    say(f"{model.folder}: {look}, {told}: AER {min(rates):.3f} on the first {len(pairs):,} pairs ({worst}).")
    return best
