"""The figures that predictions are judged by: exact, per, wer, cer, bleu, chrf, ter.

Rates are fractions over the whole corpus (all edits over all reference tokens); bleu, chrf and ter are sacrebleu's, from 0 to 100
(ter may be more), and come with the signature without which they cannot be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from regard.core.errors import ConfigError, DataError, did_you_mean, message
from regard.metrics.edits import nearest
from regard.metrics.item_counts import ItemCounts, in_ratio, in_the_mean, sacrebleu_metric

METRICS = ("exact", "per", "wer", "cer", "bleu", "chrf", "ter")
BLEU_TOKENIZERS = ("13a", "zh", "char", "intl", "none")  # sacrebleu's others need a download or another package
KANA_SHARE = 0.05  # of the characters without spaces: a Chinese text may quote some kana, a Japanese one has ten times as many
NORMAL = 1.959964  # standard deviations on each side that hold 95 % of a normal distribution
# Scripts written without spaces between words, so that words between spaces are no measure of their texts:
HAN = re.compile(r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f]")
SOUTHERN = re.compile(r"[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9fe\u1780-\u17ff\u0f00-\u0fff]")
# Thai, Lao, Myanmar and its extensions, Khmer, Tibetan.


class TextFigures(NamedTuple):
    """The figures by name, and sacrebleu's signatures of those that have one."""

    metrics: dict[str, float]
    signatures: dict[str, str]


def judge(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    tokens_of: Callable[[str], Sequence[str]],
    *,
    metrics: Sequence[str] | None = None,
    bleu_tokenize: str = "auto",
    lowercase: bool = False,
    one_word: bool = False,
) -> TextFigures:
    """Judge each prediction by its references, of which there may be several, and not the same number for each.

    exact           share of predictions that equal one of their references, character for character
    per  wer  cer   edits to the nearest reference over that reference's tokens (as `tokens_of` gives them), words, characters
    bleu chrf ter   sacrebleu's; `bleu_tokenize` is 13a, zh, char, intl or none, or `auto`: where most letters of the references are
                    of scripts without spaces between words, zh for Chinese and char for all others, else 13a.  Under zh, ter splits
                    Chinese into characters too, under char everything.

    `metrics` chooses some of `METRICS`; all of them otherwise.  lowercase: the texts were lower-cased before, which the signatures
    say.  one_word: each item is one word, whose symbols spaces may part: wer is the share of words that are wrong, as for
    pronunciations (Gorman et al. 2020, The SIGMORPHON 2020 shared task on grapheme-to-phoneme conversion, section 4).
    ConfigError for an unknown word, DataError where there is nothing to judge by.
    Source: Post 2018, A call for clarity in reporting BLEU scores; Popović 2015 (chrF); Snover et al. 2006 (TER).
    """
    wanted = METRICS if metrics is None else tuple(metrics)
    _refuse_unknown(wanted, bleu_tokenize)
    _refuse_nothing(predictions, references)
    tokenize = _tokenizer_for(references) if bleu_tokenize == "auto" else bleu_tokenize
    columns = _rectangle(references)
    judgement = TextFigures({}, {})
    splits: dict[str, Callable[[str], Sequence[str]]] = {"per": tokens_of, "wer": str.split, "cer": list}
    for name in wanted:
        if name == "exact" or (name == "wer" and one_word):
            right = sum(p in r for p, r in zip(predictions, references, strict=True)) / len(predictions)
            value = right if name == "exact" else 1 - right
        elif name in ("bleu", "chrf", "ter"):
            value, judgement.signatures[name] = _of_sacrebleu(name, predictions, columns, tokenize, lowercase)
        else:
            value = error_rate(predictions, references, splits[name])
        judgement.metrics[name] = float(value)
    return judgement


def error_rate(predictions: Sequence[str], references: Sequence[Sequence[str]], split: Callable[[str], Sequence[str]]) -> float:
    """All edits over all reference tokens, both counted at the nearest reference of each prediction.

    More than 1 where predictions are much too long.  References without any token count as one, so that the rate is a number.
    """
    edits, tokens = _counts(predictions, references, split)
    return sum(edits) / max(sum(tokens), 1)


def _counts(
    predictions: Sequence[str], references: Sequence[Sequence[str]], split: Callable[[str], Sequence[str]]
) -> tuple[list[int], list[int]]:
    """Of each prediction the edits from its nearest reference, and that reference's tokens."""
    edits, tokens = list[int](), list[int]()
    for prediction, texts in zip(predictions, references, strict=True):
        if prediction in texts and len(texts) == 1:  # most of a good model's predictions: nothing to align
            found, length = 0, len(split(prediction))
        else:
            parts = [split(text) for text in texts]
            found, which = nearest(split(prediction), parts)
            length = len(parts[which])
        edits.append(found)
        tokens.append(length)
    return edits, tokens


def intervals(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    tokens_of: Callable[[str], Sequence[str]],
    metrics: Sequence[str],
    *,
    one_word: bool = False,
) -> dict[str, tuple[float, float]]:
    """Where exact, per, wer and cer would lie in 95 of 100 samples of items like these; of the other figures nothing is said.

    Shares: Wilson 1927, Probable inference, the law of succession, and statistical inference.  Rates: the linearised ratio of two
    sums over items (Cochran 1977, Sampling Techniques, chapter 6).  None for fewer than two items.
    """
    count = len(predictions)
    if count < 2:
        return {}
    found = dict[str, tuple[float, float]]()
    splits: dict[str, Callable[[str], Sequence[str]]] = {"per": tokens_of, "wer": str.split, "cer": list}
    for name in metrics:
        if name == "exact" or (name == "wer" and one_word):
            right = sum(p in r for p, r in zip(predictions, references, strict=True))
            found[name] = wilson(right if name == "exact" else count - right, count)
        elif name in splits:
            found[name] = _ratio(*_counts(predictions, references, splits[name]))
    return found


def wilson(successes: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share.  Wilson 1927; zero and all are no special cases."""
    share, square = successes / count, NORMAL**2 / count
    middle, half = share + square / 2, NORMAL * math.sqrt(share * (1 - share) / count + square / count / 4)
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def _ratio(above: Sequence[int], below: Sequence[int]) -> tuple[float, float]:
    up, down = np.asarray(above, np.float64), np.asarray(below, np.float64)
    total = max(float(down.sum()), 1.0)
    rate, count = float(up.sum()) / total, len(up)
    half = NORMAL * math.sqrt(count / (count - 1) * float(((up - rate * down) ** 2).sum())) / total
    return max(0.0, rate - half), rate + half


def count_items(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    tokens_of: Callable[[str], Sequence[str]],
    metrics: Sequence[str],
    *,
    bleu_tokenize: str = "auto",
    lowercase: bool = False,
    one_word: bool = False,
) -> dict[str, ItemCounts]:
    """What the figures of `judge` are counted from, item by item; arguments as there."""
    tokenize = _tokenizer_for(references) if bleu_tokenize == "auto" else bleu_tokenize
    splits: dict[str, Callable[[str], Sequence[str]]] = {"per": tokens_of, "wer": str.split, "cer": list}
    right = np.array([p in r for p, r in zip(predictions, references, strict=True)])
    found = dict[str, ItemCounts]()
    for name in metrics:
        if name == "exact" or (name == "wer" and one_word):
            found[name] = in_the_mean(right if name == "exact" else ~right)
        elif name in splits:
            found[name] = in_ratio(*_counts(predictions, references, splits[name]))
        else:
            settings, texts, columns = _for_sacrebleu(name, predictions, _rectangle(references), tokenize, lowercase)
            rows = sacrebleu_metric(name, settings)._extract_corpus_statistics(texts, columns)
            found[name] = ItemCounts(np.asarray(rows, np.float64), name, settings=settings)
    return found


def _of_sacrebleu(
    name: str, predictions: Sequence[str], columns: list[list[str | None]], tokenize: str, lowercase: bool
) -> tuple[float, str]:
    """A figure of sacrebleu's and the signature that says how it was counted."""
    settings, texts, references = _for_sacrebleu(name, predictions, columns, tokenize, lowercase)
    metric = sacrebleu_metric(name, settings)
    score, signature = float(metric.corpus_score(texts, references).score), str(metric.get_signature())
    return score, signature.replace("tok:tercom", "tok:char") if name == "ter" and tokenize == "char" else signature


def _for_sacrebleu(
    name: str, predictions: Sequence[str], columns: list[list[str | None]], tokenize: str, lowercase: bool
) -> tuple[dict[str, Any], Sequence[str], list[list[str | None]]]:
    """What sacrebleu's metric is made with, and the texts that it is given."""
    if name == "bleu":  # force: no advice on the log about text that looks tokenised
        return {"tokenize": tokenize, "lowercase": lowercase, "force": True}, predictions, columns
    if name == "chrf":
        return {"lowercase": lowercase}, predictions, columns
    if tokenize == "char":  # sacrebleu's own Asian support leaves kana, Thai and the like in runs
        apart = [[None if r is None else _apart(r) for r in column] for column in columns]
        return {}, [_apart(p) for p in predictions], apart
    # Without normalisation a Chinese sentence would be one word; TER ignores case anyway.
    return {"normalized": tokenize == "zh", "asian_support": tokenize == "zh"}, predictions, columns


def _apart(text: str) -> str:
    """The characters of a text as words."""
    return " ".join("".join(text.split()))


def _rectangle(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References as sacrebleu has them: first those of all items, second those of all items ...; None where an item has no more."""
    return [[r[i] if i < len(r) else None for r in references] for i in range(max(map(len, references)))]


def _tokenizer_for(references: Sequence[Sequence[str]]) -> str:
    text = "".join(text for texts in references for text in texts)
    (han, others), letters = count_unspaced(text), sum(map(str.isalpha, text))
    if 2 * (han + others) <= letters:
        return "13a"
    return "zh" if others <= KANA_SHARE * (han + others) else "char"


def _refuse_unknown(metrics: Sequence[str], bleu_tokenize: str) -> None:
    for what, word, known in (
        *(("metrics", name, METRICS) for name in metrics),
        ("bleu_tokenize", bleu_tokenize, ("auto", *BLEU_TOKENIZERS)),
    ):
        if word not in known:
            do = f"Choose one of them.{did_you_mean(word, known)}"
            raise ConfigError(message(what, f"one of {', '.join(known)}", repr(word), do))


def _refuse_nothing(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if len(predictions) != len(references):
        received = f"{len(predictions)} predictions and references for {len(references)}"
        raise DataError(message("judge", "as many predictions as items", received, "Give one prediction for each item."))
    if not predictions:
        raise DataError(message("judge", "at least one item", "none", "Give a file with references."))
    for i, texts in enumerate(references, 1):
        if isinstance(texts, str) or not texts:
            received = "a bare text" if texts else "none"
            do = "Give each item at least one reference, in a list."
            raise DataError(message(f"item {i}", "a list of references", received, do))


def count_unspaced(text: str) -> tuple[int, int]:
    """How many characters of a text are Han, and how many of another script without spaces between words."""
    return len(HAN.findall(text)), len(KANA.findall(text)) + len(SOUTHERN.findall(text))
