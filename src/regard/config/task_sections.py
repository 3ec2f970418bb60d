"""The sections that belong to one task each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer

from regard.config.attention import AttentionSection, Look
from regard.config.base import MOST, Column, Count, Name, NotNegative, Section, Share, Whole, fitted
from regard.tasks.forecast.section import ForecastSection
from regard.tasks.language.section import LanguageSection as LanguageSection
from regard.tasks.pretrain.section import PretrainSection as PretrainSection
from regard.tasks.read.section import ReadSection as ReadSection


class TagSection(Section):
    """task: tag."""

    head: Literal["crf", "softmax"] = Field(
        default="crf", description="crf: which tag follows which is learnt too; softmax: each tag by itself"
    )
    scheme: Literal["auto", "spans", "iob1", "none"] = Field(
        default="auto",
        description="spans: tags mark spans, as BIO, BMES, BIOES or BILOU, and broken ones are refused; iob1: the same, B stands only "
        "between spans of a kind, and is put before the others; none: tags are just tags; auto: spans if they mark some, else none",
    )
    letters: Whole = fitted(50, description="width of a word's vector made of its letters; 0: none")
    letter_embedding: Count = Field(default=30, description="width of a letter")
    min_count: Count = fitted(1, description="a word seen less often in training is read as unknown")
    unseen: Share = fitted(
        0.05, description="share of the words that training reads as unknown, so that it learns what those are"
    )


def _key_only(value: Any) -> Any:
    """A pool's look that does not name its score has the one of Raffel & Ellis."""
    return {"score": "key-only", **value} if isinstance(value, Mapping) else value


class ClassifySection(Section):
    """task: classify."""

    pooling: Literal["last", "mean", "max", "attention", "structured", "cls"] = Field(
        default="attention",
        description="how the states of a text become one vector: the last; their mean or maximum; a look that nobody asks for; `hops` "
        "looks side by side; the state of a symbol that is put before the text",
    )
    look: Annotated[AttentionSection, BeforeValidator(_key_only)] = Field(
        default=AttentionSection(score="key-only"),
        description="pooling attention: its score (key-only, self-attentive(64)), scope, weighting and dropout",
    )
    hops: Count = Field(default=4, description="pooling structured: how many looks")
    hop_width: Count = Field(default=64, description="pooling structured: inner width of the looks")
    hop_penalty: NotNegative = Field(
        default=0.0, description="pooling structured: what an overlap of the looks costs in training"
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: a text of a rare label counts more in training, so that all labels count the same"
    )
    letters: Whole = fitted(0, description="width of a word's vector made of its letters, beside its own; 0: none")
    letter_embedding: Count = Field(default=30, description="width of a letter")
    min_count: Count = Field(default=1, description="a word seen less often in training is read as unknown")
    unseen: Share = Field(
        default=0.05, description="share of the words that training reads as unknown, so that it learns what those are"
    )


class PairSection(Section):
    """task: pair."""

    second: Column = Field(default=2, description="the second text's column: its number from 1, or its name")
    output: Literal["classes", "number"] = Field(default="classes", description="what is said of two texts: a label, or a number")
    ratings: Literal["bins", "square"] = Field(
        default="bins",
        description="output number: by the divergence from the two of `bins` values around it (Tai et al. 2015), or by squared error",
    )
    bins: Annotated[int, Field(ge=2, le=MOST)] = Field(
        default=5, description="ratings bins: values from the lowest to the highest of the training data, in equal steps"
    )
    align: Look = Field(
        default=AttentionSection(score="scaled"),
        description="the look of each text at the other: none, a score, or a mapping",
    )
    compose: bool = Field(default=True, description="what was compared is read again, by one layer of the family's encoder")
    overlap: bool = Field(
        default=True,
        description="beside each word stands whether the other text has it: exactly, in any case, by its first four letters",
    )
    hidden: Count = Field(default=128, description="width of the layer before the answer")
    unseen: Share = Field(
        default=0.05, description="share of the words that training reads as unknown, so that it learns what those are"
    )

    @field_serializer("align")
    def _none_is_a_word(self, value: AttentionSection | None) -> Any:
        return "none" if value is None else value.model_dump()


class CaptionSection(Section):
    """task: caption."""

    images: Name | None = Field(
        default=None, description="the folder where the names of images begin; null: where the file lies that names them"
    )
    patch: Literal[1, 2, 4, 8, 16, 32, 64] = Field(
        default=8, description="images: the side of a cell in pixels; a cell is a place to look at"
    )
    channels: Count = Field(default=16, description="images: of the first convolution; each further one has twice as many")
    kernel: Literal[1, 3] = Field(
        default=1,
        description="images: 1: a cell sees itself alone; 3: blocks of 4 pixels are read with those around them, so a cell sees as much "
        "of its neighbours",
    )
    positions: Literal["learned", "none"] = Field(default="learned", description="what tells a cell where it lies")
    doubly_stochastic: NotNegative = Field(
        default=0.0, description="weighs sum_i (1 - sum_t a_ti)^2 in training: each cell shall be looked at as much as any other"
    )
    entropy: NotNegative = Field(
        default=0.01, description="weighting hard: weighs the entropy of the draws, lest they settle early"
    )
    draws: Count = Field(
        default=1,
        description="weighting hard: how often a caption is written at each update; oftener than once, draws are judged by the others'",
    )


SECTIONS: dict[str, type[Section]] = {
    "pretrain": PretrainSection,
    "language": LanguageSection,
    "caption": CaptionSection,
    "read": ReadSection,
    "forecast": ForecastSection,
    "pair": PairSection,
    "tag": TagSection,
    "classify": ClassifySection,
}
