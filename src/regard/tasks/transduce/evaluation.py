"""Judging a model on pairs: figures, and what went wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from regard.core.shared_work import work_through
from regard.data.batching import Batches, collate
from regard.data.examples import Group, group
from regard.data.pairs import Pairs, read_pairs
from regard.data.tokenizer import Tokenizer
from regard.decoding.networks import WritingNetwork
from regard.metrics.edits import EvaluatedAnswer, write_errors
from regard.metrics.item_counts import ItemCounts
from regard.metrics.text_generation import METRICS, count_items, count_unspaced, intervals, judge
from regard.tasks.base import TaskPrediction
from regard.tasks.layouts import layout_for
from regard.tasks.options import AnswerOptions, EvaluationOptions
from regard.tasks.writing import cross_entropies

if TYPE_CHECKING:
    from regard.config import Config

SENTENCES, WORDS, PRONUNCIATIONS = "sentences", "words", "pronunciations"  # what targets are; it chooses the figures
FIGURES = {SENTENCES: METRICS, WORDS: ("exact", "wer", "per", "cer"), PRONUNCIATIONS: ("exact", "wer", "per")}
MOST_PHONE = 2.0  # letters of a symbol between spaces, in the mean: phones have fewer, words of any language have more
MOSTLY = 0.9  # of the items, which may hold a few compounds


ROWS = 64  # pairs of a batch whose loss is taken
TokenPair = tuple[Sequence[int], Sequence[int]]


class PairModel(Protocol):
    """A model of pairs, as it is judged."""

    @property
    def config(self) -> Config: ...
    @property
    def networks(self) -> Sequence[WritingNetwork]: ...
    @property
    def writer(self) -> WritingNetwork: ...
    @property
    def tokenizers(self) -> tuple[Tokenizer, Tokenizer]: ...
    def stream(self, items: Iterable[Any], options: AnswerOptions, *, attention: bool) -> Iterator[list[TaskPrediction]]: ...
    def target_tokens(self, text: str) -> list[str]: ...
    def in_tokens(self, items: Sequence[tuple[Any, str]]) -> list[TokenPair]: ...


def evaluate(model: PairModel, files: Sequence[str], options: EvaluationOptions, *, errors: Path | None = None) -> dict[str, Any]:
    """Figures on files of sources and targets: {"metrics": {...}, "intervals": {...}, "signatures": {...}, "items": n, ...}.

    In files with columns, lines with the same source are one item with several references; of two line-aligned files each line
    is an item.  errors: where to write what went wrong (`metrics/edits.py` describes the tables).
    intervals: of figures that are shares or rates, at 95 %.  by_features: how each bundle of features fared, most errors first.
    DataError as in `read_pairs`.
    """
    layout = layout_for(files, model.config)
    items, report = read_pairs(files, layout, on_bad_line=model.config.data.on_bad_line)
    groups = [Group.of(item) for item in items] if layout.resolved(files).format == "lines" else group(items)
    groups = writable(groups, model.tokenizers[1])
    kind = targets_are(groups)
    predictions, found = judge_predictions(model, groups, options, metrics=FIGURES[kind], spread=True)
    result: dict[str, Any] = {
        **found,
        "targets": kind,
        "items": len(groups),
        "skipped": len(report.skipped),
        **({"passed": dict(report.passed)} if report.passed else {}),
        "files": list(files),
        "beam": options.beam or model.config.decode.beam,
        "models": len(model.networks),
        "bound": sum(p.details.get("ended") is False for p in predictions),  # answers that were as long as they may be
    }
    right = [p.text in g.references for g, p in zip(groups, predictions, strict=True)]
    seen = {item.source for item in Pairs(options.train, layout, on_bad_line="skip")} if options.train else None
    result |= _parts(groups, right, seen)
    if errors is not None:
        answers = [
            EvaluatedAnswer(g.places[0].line, g.source, g.features, g.references, p.text, p.score or 0.0)
            for g, p in zip(groups, predictions, strict=True)
        ]
        result["edits"] = dict(write_errors(errors, answers, model.target_tokens).most_common(20))
    return result


def judge_predictions(
    model: PairModel, groups: Sequence[Group], options: EvaluationOptions, *, metrics: Sequence[str], spread: bool = False
) -> tuple[list[TaskPrediction], dict[str, Any]]:
    """The best prediction of each group, and its figures, with `loss`: nats a target token, the end included.

    The groups' references are `writable`.  spread: with the figures' intervals, too.
    """
    found = [p[0] for p in model.stream(groups, options.best(), attention=False)]
    texts, references, one_word = [p.text for p in found], [g.references for g in groups], targets_are(groups) != SENTENCES
    wanted = [m for m in METRICS if m in metrics]
    judgement = judge(
        texts,
        references,
        model.target_tokens,
        metrics=wanted,
        bleu_tokenize=options.tokenize,
        lowercase=model.config.data.lowercase,
        one_word=one_word,
    )
    figures: dict[str, Any] = {"metrics": judgement.metrics | {"loss": loss(model, groups)}, "signatures": judgement.signatures}
    if options.by_item:
        how: dict[str, Any] = {"bleu_tokenize": options.tokenize, "lowercase": model.config.data.lowercase, "one_word": one_word}
        counts = count_items(texts, references, model.target_tokens, wanted, **how)
        figures["by_item"] = {**counts, "loss": count_loss(model, groups)}
    if spread:
        figures["intervals"] = intervals(texts, references, model.target_tokens, wanted, one_word=one_word)
    return found, figures


def writable(groups: Iterable[Group], writer: Tokenizer) -> list[Group]:
    """The groups with their references as the target tokenizer can write them: what it cannot write, no model can be asked for."""
    return [replace(g, references=tuple(dict.fromkeys(map(writer.fold, g.references)))) for g in groups]


def targets_are(groups: Sequence[Group]) -> str:
    """What the targets are, as most items tell: sentences, single words, or pronunciations, whose words are symbols between spaces.

    Only a source that is one word has a pronunciation of one word, and phones are shorter than words: "k ɑː t" for "cart", while
    "three hundred" for "300" is two words, and so is "nǐ hǎo" for "你好".
    """
    single = sum(not any(map(str.isspace, g.source.strip())) for g in groups)
    if single < MOSTLY * len(groups):
        return SENTENCES
    symbols = [symbol for g in groups for text in g.references for symbol in text.split()]
    if sum(len(text.split()) == 1 for g in groups for text in g.references) >= MOSTLY * sum(len(g.references) for g in groups):
        return SENTENCES if sum(count_unspaced("".join(symbols))) else WORDS
    letters = sum(not unicodedata.category(x).startswith(("M", "Lm", "Sk", "N", "P")) for symbol in symbols for x in symbol)
    short = letters <= MOST_PHONE * len(symbols) and not sum(count_unspaced("".join(symbols)))
    return PRONUNCIATIONS if short else SENTENCES


def _parts(groups: Sequence[Group], right: Sequence[bool], seen: set[str] | None) -> dict[str, Any]:
    """How the items of each bundle of features fared, and those whose source training saw or did not see."""
    found = dict[str, Any]()
    if any(g.features for g in groups):
        found["by_features"] = _shares(zip((";".join(g.features) for g in groups), right, strict=True))
    if seen is not None:
        found["by_source"] = _shares(zip(("seen" if g.source in seen else "unseen" for g in groups), right, strict=True))
    return found


def _shares(told: Iterable[tuple[str, bool]]) -> list[dict[str, Any]]:
    """For each name how many items it has and what share of them is right; those with the most wrong first."""
    counts = dict[str, list[int]]()
    for name, right in told:
        each = counts.setdefault(name, [0, 0])
        each[0], each[1] = each[0] + 1, each[1] + right
    ranked = sorted(counts.items(), key=lambda entry: (entry[1][1] - entry[1][0], entry[0]))
    return [{"name": name, "items": items, "exact": right / items} for name, (items, right) in ranked]


def nats(network: WritingNetwork, pairs: Sequence[TokenPair]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Of each pair in tokens its number, and the cross-entropy of each target token, the end included; batch by batch, in no order."""

    def cost(rows: list[int]) -> NDArray[np.float64]:
        return cross_entropies(network, collate([pairs[i] for i in rows], rows)).astype(np.float64)

    batches = Batches.sequential([max(len(source), len(target)) for source, target in pairs], rows=ROWS)
    for rows, found in zip(batches, work_through(cost, batches), strict=True):
        yield from zip(rows, np.split(found, np.cumsum([len(pairs[i][1]) for i in rows])[:-1]), strict=True)


def loss(model: PairModel, groups: Sequence[Group]) -> float:
    """The cross-entropy of all references, in nats a target token, the end included."""
    pairs = model.in_tokens([(g, reference) for g in groups for reference in g.references])
    costs = [each for _, each in nats(model.writer, pairs)]
    return float(sum(each.sum() for each in costs)) / sum(map(len, costs))


def count_loss(model: PairModel, groups: Sequence[Group]) -> ItemCounts:
    """Of each group the cross-entropy of its references, and their tokens."""
    pairs = model.in_tokens([(g, reference) for g in groups for reference in g.references])
    owners = np.repeat(np.arange(len(groups)), [len(g.references) for g in groups])
    counts = np.zeros((len(groups), 2))
    for i, costs in nats(model.writer, pairs):
        counts[owners[i]] += costs.sum(), len(costs)
    return ItemCounts(counts)
