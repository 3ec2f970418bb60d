"""The section of the task `pretrain`, and what a pre-trained reader demands of the other keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from regard.config.base import MOST, Section
from regard.config.problem import Problem

if TYPE_CHECKING:
    from regard.config.schema import Config

# Defaults where a run begins with a pre-trained reader.
_TUNING: dict[str, Any] = {"train.learning_rate": 1e-4, "model.dropout": 0.1, "train.label_smoothing": 0.0}
BEGUN: dict[str, dict[str, Any]] = {
    "classify": {**_TUNING, "classify.pooling": "cls", "classify.unseen": 0.0},
    "tag": {**_TUNING, "tag.letters": 0, "tag.unseen": 0.0},
    "pair": {**_TUNING, "pair.unseen": 0.0},
    "read": {**_TUNING, "read.marks": False, "read.unseen": 0.0},
}
UNREAD = {  # keys of a task's section that such a reader has no use for: its pieces are all known, and it reads two texts in one
    "classify": ("unseen", "letters", "min_count"),
    "tag": ("unseen", "min_count"),
    "pair": ("unseen",),
    "read": ("unseen", "marks", "letters", "look"),
}
SHAPED = (
    *("family", "encoder", "encoder_layers", "embedding", "size", "heads", "feedforward", "norm", "positions", "max_positions"),
    *("self_attention", "activation", "embedding_dropout"),
)


class PretrainSection(Section):
    """task: pretrain."""

    manner: Literal["masked", "left-to-right"] = Field(
        default="masked",
        description="masked: words are hidden and told from both sides; left-to-right: each place sees only what stands before it, "
        "and tells the word that follows",
    )
    masked: bool = Field(default=True, description="masked words are told")
    next: bool = Field(default=True, description="whether the second of two texts follows the first is told")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.15,
        description="share of the words that are to be told: 80 % of them masked, 10 % another word, 10 % as they were",
    )
    whole_words: bool = Field(default=False, description="a word is chosen with all its pieces")
    length: Annotated[int, Field(ge=8, le=MOST)] = Field(
        default=128, description="pieces of a passage, with its specials; the net reads no more"
    )
    vocabulary: str = Field(default="wordpiece(8000)", description="wordpiece(size) | char")


def of_pretrain(config: Config) -> Iterator[Problem]:
    """Keys of the section against each other."""
    wanted = config.pretrain
    if wanted is None or config.task != "pretrain":
        return
    ahead = wanted.manner == "left-to-right"
    if not wanted.masked and not wanted.next:
        do = "Leave one of them true."
        yield Problem(("pretrain.masked", "pretrain.next"), "something to learn", "masked: false with next: false", do)
    if ahead and not wanted.masked:
        do = "Remove pretrain.masked."
        yield Problem(
            ("pretrain.masked", "pretrain.manner"), "true with manner left-to-right: words are what it tells", "false", do
        )
    for key, default in (("whole_words", False), ("share", 0.15)):
        if ahead and getattr(wanted, key) != default:
            received = f"{getattr(wanted, key)}".lower()
            expected = "no such key with manner left-to-right, which tells every word"
            yield Problem((f"pretrain.{key}", "pretrain.manner"), expected, received, "Remove it.")


def of_pretrained(config: Config, defaults: dict[str, list[object]]) -> Iterator[Problem]:
    """Keys that a pre-trained reader settles, or has no use for, where they are set.  defaults: what each key that it settles holds
    that nobody set."""
    if config.model.pretrained is None:
        return
    if config.data.vectors is not None:
        expected = "no such key with model.pretrained, which brings its own vectors"
        yield Problem(("data.vectors", "model.pretrained"), expected, config.data.vectors, "Remove one of them.")
    task, begun = config.task, BEGUN.get(config.task, {})
    for key in UNREAD.get(task, ()):
        value, default = getattr(getattr(config, task), key), type(getattr(config, task)).model_fields[key].default
        if value != begun.get(f"{task}.{key}", default):
            received = "none" if value is None else str(getattr(value, "score", value)).lower()
            expected = "no such key with model.pretrained, which has no use for it"
            yield Problem((f"{task}.{key}", "model.pretrained"), expected, received, "Remove it.")
    for key, unset in defaults.items():
        section, word = key.split(".")
        value = getattr(getattr(config, section), word)
        if value not in unset:
            expected = f"no such key with model.pretrained: {config.model.pretrained} settles it"
            yield Problem((key, "model.pretrained"), expected, str(getattr(value, "score", value)), "Remove it.")
