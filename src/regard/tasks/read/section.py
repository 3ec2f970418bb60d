"""The section of the task `read`, and what it demands of other keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from regard.config import mechanisms
from regard.config.attention import AttentionSection, Look
from regard.config.base import UNSEEN, Count, Share, Whole, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


FIGURES = (("accuracy", "loss"), ("exact_match", "f1", "accuracy", "loss"))  # of words that fill a blank, and of spans


class ReadSection(TaskSection):
    """task: read."""

    head: Literal["span", "over", "sum"] = field(
        "span",
        "what answers: a part of the passage, from a start to an end; or one word of it that fills a blank, by attention over "
        "attention, or by the sum of the attention",
    )
    look: Look = field(
        AttentionSection(score="dot"),
        "head span: the look of each word of the passage at the question's, read beside it: none, a score, or a mapping",
    )
    point: str | None = field(None, "the score by which the question points at the passage; null: dot, with head span general")
    longest: Count = field(30, "head span: tokens of an answer, at most")
    marks: bool = field(True, "beside each word stands whether the other text has it, and whether with a neighbour")
    letters: Whole = field(0, "width of a word's vector made of its letters, beside its own; 0: none")
    letter_embedding: Count = field(30, "width of a letter")
    unseen: Share = field(0.05, UNSEEN)

    @field_validator("point")
    @classmethod
    def _score(cls, value: str | None) -> str | None:
        return None if value is None else str(mechanisms.score(value))

    def check(self, config: Config) -> Iterator[Problem]:
        """Cloze questions ask for a word, and use neither a look at the question nor a longest answer."""
        may = FIGURES[self.head == "span"]
        if config.train.metric not in may:
            expected = f"{' | '.join(may)} with read.head {self.head}"
            yield Problem(("train.metric", "read.head"), expected, config.train.metric, "Choose one of them.")
        if self.head == "span":
            return
        if config.data.source_tokenizer not in ("space", "word"):
            keys, do = ("data.source_tokenizer", "read.head"), "Write source_tokenizer: space (or word), or read.head: span."
            yield Problem(keys, "space or word: what fills a blank is a word", config.data.source_tokenizer, do)
        for key in ("look", "longest"):
            value, default = getattr(self, key), type(self).model_fields[key].default
            if value != default:
                received = "none" if value is None else str(getattr(value, "score", value))
                yield Problem((f"read.{key}", "read.head"), "only with head: span", received, "Remove it, or write head: span.")
