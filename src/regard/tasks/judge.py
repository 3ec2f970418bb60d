"""The figures that predictions are judged by: exact, per, wer, cer, bleu, chrf, ter.

Rates are fractions over the whole corpus (all edits over all reference tokens); bleu, chrf and ter are sacrebleu's, from 0 to 100
(ter may be more), and come with the signature without which they cannot be compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from regard.ground.errors import ConfigError, DataError, did_you_mean, message
from regard.tasks.edits import nearest

METRICS = ("exact", "per", "wer", "cer", "bleu", "chrf", "ter")
BLEU_TOKENIZERS = ("13a", "zh", "char", "intl", "none")  # sacrebleu's others need a download or another package
HAN = re.compile(r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


class Judgement(NamedTuple):
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
) -> Judgement:
    """Judge each prediction by its references, of which there may be several, and not the same number for each.

    exact           share of predictions that equal one of their references, character for character
    per  wer  cer   edits to the nearest reference over that reference's tokens (as `tokens_of` gives them), words, characters
    bleu chrf ter   sacrebleu's; `bleu_tokenize` is 13a, zh, char, intl or none, or `auto`: zh where most letters of the references
                    are Chinese characters, else 13a.  Under zh, ter splits Chinese into characters too.

    `metrics` chooses some of `METRICS`; all of them otherwise.
    ConfigError for an unknown word, DataError where there is nothing to judge by.
    Source: Post 2018, A call for clarity in reporting BLEU scores; Popović 2015 (chrF); Snover et al. 2006 (TER).
    """
    wanted = METRICS if metrics is None else tuple(metrics)
    _refuse_unknown(wanted, bleu_tokenize)
    _refuse_nothing(predictions, references)
    tokenize = _tokenizer_for(references) if bleu_tokenize == "auto" else bleu_tokenize
    columns = _rectangle(references)
    judgement = Judgement({}, {})
    splits: dict[str, Callable[[str], Sequence[str]]] = {"per": tokens_of, "wer": str.split, "cer": list}
    for name in wanted:
        if name == "exact":
            value = sum(p in r for p, r in zip(predictions, references, strict=True)) / len(predictions)
        elif name in ("bleu", "chrf", "ter"):
            metric = _sacrebleu(name, tokenize)
            value = metric.corpus_score(predictions, columns).score
            judgement.signatures[name] = str(metric.get_signature())
        else:
            value = error_rate(predictions, references, splits[name])
        judgement.metrics[name] = float(value)
    return judgement


def error_rate(predictions: Sequence[str], references: Sequence[Sequence[str]], split: Callable[[str], Sequence[str]]) -> float:
    """All edits over all reference tokens, both counted at the nearest reference of each prediction.

    More than 1 where predictions are much too long.  References without any token count as one, so that the rate is a number.
    """
    edits = tokens = 0
    for prediction, texts in zip(predictions, references, strict=True):
        if prediction in texts and len(texts) == 1:  # most of a good model's predictions: nothing to align
            tokens += len(split(prediction))
        else:
            parts = [split(text) for text in texts]
            found, which = nearest(split(prediction), parts)
            edits, tokens = edits + found, tokens + len(parts[which])
    return edits / max(tokens, 1)


def _sacrebleu(name: str, tokenize: str) -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER  # here, because who only trains should not wait for it

    if name == "bleu":
        return BLEU(tokenize=tokenize, force=True)  # force: no advice on the log about text that looks tokenised
    if name == "chrf":
        return CHRF()
    chinese = tokenize == "zh"  # without this a sentence without spaces would be one word
    return TER(normalized=chinese, asian_support=chinese)


def _rectangle(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References as sacrebleu has them: first those of all items, second those of all items ...; None where an item has no more."""
    return [[r[i] if i < len(r) else None for r in references] for i in range(max(map(len, references)))]


def _tokenizer_for(references: Sequence[Sequence[str]]) -> str:
    text = "".join(text for texts in references for text in texts)
    letters = sum(map(str.isalpha, text))
    return "zh" if 2 * len(HAN.findall(text)) > letters else "13a"


def _refuse_unknown(metrics: Sequence[str], bleu_tokenize: str) -> None:
    for what, word, known in (
        *(("metrics", name, METRICS) for name in metrics),
        ("bleu_tokenize", bleu_tokenize, ("auto", *BLEU_TOKENIZERS)),
    ):
        if word not in known:
            raise ConfigError(
                message(what, f"one of {', '.join(known)}", repr(word), f"Choose one of them.{did_you_mean(word, known)}")
            )


def _refuse_nothing(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if len(predictions) != len(references):
        received = f"{len(predictions)} predictions and references for {len(references)}"
        raise DataError(message("judge", "as many predictions as items", received, "Give one prediction for each item."))
    if not predictions:
        raise DataError(message("judge", "at least one item", "none", "Give a file with references."))
    for i, texts in enumerate(references, 1):
        if isinstance(texts, str) or not texts:
            received = "a bare text" if texts else "none"
            raise DataError(
                message(f"item {i}", "a list of references", received, "Give each item at least one reference, in a list.")
            )
