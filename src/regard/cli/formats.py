"""Predictions as text: a line for each input, a table, or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from regard.tasks.answer_json import of_hypothesis, of_source

if TYPE_CHECKING:
    from regard.tasks.base import TaskPrediction

Writer = Callable[[int, "Sequence[TaskPrediction]"], str]

_ENDS = str.maketrans({"\n": "\\n", "\r": "\\r"})  # a prediction stays on its line, whatever it says
_TABS = str.maketrans({"\t": "\\t"})


class Format(StrEnum):
    """How predictions are written."""

    text = "text"
    tsv = "tsv"
    jsonl = "jsonl"


class CorpusFormat(StrEnum):
    """How the parts of a corpus are written: as predictions are, or as Parquet."""

    text = "text"
    tsv = "tsv"
    jsonl = "jsonl"
    parquet = "parquet"


def text(line: int, predictions: Sequence[TaskPrediction]) -> str:
    """The best, and nothing else; as a table where it is one."""
    lines = predictions[0].lines or (predictions[0].text,)
    return "".join(line.translate(_ENDS) + "\n" for line in lines)


def tsv(line: int, predictions: Sequence[TaskPrediction]) -> str:
    """`line rank score text`, line and rank from 1; the score is empty where an answer has no probability."""
    return "".join(
        f"{line}\t{rank}\t{'' if p.score is None else f'{p.score:.6f}'}\t{p.text.translate(_ENDS).translate(_TABS)}\n"
        for rank, p in enumerate(predictions, 1)
    )


def jsonl(line: int, predictions: Sequence[TaskPrediction]) -> str:
    """Everything but attention: one object for each input line."""
    found = {"line": line, **of_source(predictions[0]), "predictions": [of_hypothesis(p) for p in predictions]}
    return json.dumps(found, ensure_ascii=False) + "\n"


WRITERS: Mapping[Format, Writer] = {Format.text: text, Format.tsv: tsv, Format.jsonl: jsonl}


def tokens_of(line: int, rank: int, prediction: TaskPrediction) -> dict[str, Any]:
    """What an array of attention needs beside it to be read; line and rank from 1."""
    return {
        "line": line,
        "rank": rank,
        "text": prediction.text,
        "score": prediction.score,
        "source_tokens": list(prediction.source_tokens),
        "tokens": list(prediction.tokens),
    }
