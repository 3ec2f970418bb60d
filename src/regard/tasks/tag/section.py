"""The section of tagging, and what its keys demand of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from regard.config.base import UNSEEN, Count, Share, Whole, auto_field, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config


class TagSection(TaskSection):
    """task: tag."""

    head: Literal["crf", "softmax"] = field("crf", "crf: which tag follows which is learnt too; softmax: each tag by itself")
    scheme: Literal["auto", "spans", "iob1", "none"] = field(
        "auto",
        "spans: tags mark spans, as BIO, BMES, BIOES or BILOU, and broken ones are refused; iob1: the same, B stands only "
        "between spans of a kind, and is put before the others; none: tags are just tags; auto: spans if they mark some, else none",
    )
    letters: Whole = auto_field(50, "width of a word's vector made of its letters; 0: none")
    letter_embedding: Count = field(30, "width of a letter")
    min_count: Count = auto_field(1, "a word seen less often in training is read as unknown")
    unseen: Share = auto_field(0.05, UNSEEN)

    def check(self, config: Config) -> Iterator[Problem]:
        """Sentences with tags in lines are two files or three, and no table."""
        data = config.data
        if data.format in ("csv", "cmudict"):
            do = "Remove it, or write another task."
            yield Problem(("data.format", "task"), "columns, conllu, jsonl, parquet or lines with task tag", data.format, do)
        for key, files in (("data.train", data.train), ("data.valid", data.valid)):
            if data.format == "lines" and len(files) == 1:
                do = "Name the files of tokens and of tags, or remove data.format."
                yield Problem((key, "data.format"), "2 or 3 files, line for line", f"1: {files[0]}", do)
