"""The section of pre-training, and what its keys demand of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from regard.config.base import MOST, Part, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


class PretrainSection(TaskSection):
    """task: pretrain."""

    manner: Literal["masked", "left-to-right"] = field(
        "masked",
        "masked: words are hidden and told from both sides; left-to-right: each place sees only what stands before it, "
        "and tells the word that follows",
    )
    masked: bool = field(True, "masked words are told")
    next: bool = field(True, "whether the second of two texts follows the first is told")
    share: Part = field(0.15, "share of the words that are to be told: 80 % of them masked, 10 % another word, 10 % as they were")
    whole_words: bool = field(False, "a word is chosen with all its pieces")
    length: Annotated[int, Field(ge=8, le=MOST)] = field(128, "pieces of a passage, with its specials; the net reads no more")
    vocabulary: str = field("wordpiece(8000)", "wordpiece(size) | char")

    def check(self, config: Config) -> Iterator[Problem]:
        """Keys of the section against each other."""
        ahead = self.manner == "left-to-right"
        if not self.masked and not self.next:
            do = "Leave one of them true."
            yield Problem(("pretrain.masked", "pretrain.next"), "something to learn", "masked: false with next: false", do)
        if ahead and not self.masked:
            do = "Remove pretrain.masked."
            expected = "true with manner left-to-right: words are what it tells"
            yield Problem(("pretrain.masked", "pretrain.manner"), expected, "false", do)
        for key, default in (("whole_words", False), ("share", 0.15)):
            if ahead and getattr(self, key) != default:
                received = f"{getattr(self, key)}".lower()
                expected = "no such key with manner left-to-right, which tells every word"
                yield Problem((f"pretrain.{key}", "pretrain.manner"), expected, received, "Remove it.")
