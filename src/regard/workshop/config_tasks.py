"""The sections that belong to one task each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from regard.workshop.config_section import Count, Section, Share, Whole


class TagSection(Section):
    """task: tag."""

    head: Literal["crf", "softmax"] = Field(
        default="crf", description="crf: which tag follows which is learnt too; softmax: each tag by itself"
    )
    scheme: Literal["spans", "none"] = Field(
        default="spans",
        description="spans: tags mark spans, as BIO, BMES, BIOES or BILOU, and broken ones are refused; none: tags are just tags",
    )
    letters: Whole = Field(default=50, description="width of a word's vector made of its letters; 0: none")
    letter_embedding: Count = Field(default=30, description="width of a letter")
    min_count: Count = Field(default=1, description="a word seen less often in training is read as unknown")
    unseen: Share = Field(
        default=0.05, description="share of the words that training reads as unknown, so that it learns what those are"
    )


SECTIONS: dict[str, type[Section]] = {"tag": TagSection}
