"""The section of pairs, and what its keys demand of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from regard.config.attention import AttentionSection, Look
from regard.config.base import MOST, UNSEEN, Column, Count, Share, field
from regard.config.task_section import Problem, TaskSection

if TYPE_CHECKING:
    from regard.config.schema import Config

FIGURES = {"classes": ("accuracy", "macro_f1", "loss"), "number": ("pearson", "spearman", "mse", "loss")}


class PairSection(TaskSection):
    """task: pair."""

    second: Column = field(2, "the second text's column: its number from 1, or its name")
    output: Literal["classes", "number"] = field("classes", "what is said of two texts: a label, or a number")
    ratings: Literal["bins", "square"] = field(
        "bins", "output number: by the divergence from the two of `bins` values around it (Tai et al. 2015), or by squared error"
    )
    bins: Annotated[int, Field(ge=2, le=MOST)] = field(
        5, "ratings bins: values from the lowest to the highest of the training data, in equal steps"
    )
    align: Look = field(AttentionSection(score="scaled"), "the look of each text at the other: none, a score, or a mapping")
    compose: bool = field(True, "what was compared is read again, by one layer of the family's encoder")
    overlap: bool = field(
        True, "beside each word stands whether the other text has it: exactly, in any case, by its first four letters"
    )
    hidden: Count = field(128, "width of the layer before the answer")
    unseen: Share = field(0.05, UNSEEN)

    def check(self, config: Config) -> Iterator[Problem]:
        """Figures of the output, keys of the other output, columns, and a look that can be trained here."""
        may = FIGURES[self.output]
        if config.train.metric not in may:
            do = "Choose one of them, or another pair.output."
            expected = f"{' | '.join(may)} with pair.output {self.output}"
            yield Problem(("train.metric", "pair.output"), expected, config.train.metric, do)
        yield from _of_the_other_output(config, self)
        if config.data.format == "lines":
            do = "Give a TSV or JSONL file."
            yield Problem(("data.format", "task"), "auto, tsv or jsonl: two texts stand side by side", "lines", do)
        columns = {"data.source": config.data.source, "pair.second": self.second, "data.target": config.data.target}
        if len(set(columns.values())) < len(columns):
            received = ", ".join(f"{key} {column}" for key, column in columns.items())
            yield Problem(tuple(columns), "different columns", received, "Name each column once.")
        if self.align is not None:
            yield from _of_the_look(config, self.align)


def _of_the_other_output(config: Config, section: PairSection) -> Iterator[Problem]:
    """Keys that would change nothing."""
    fields = type(section).model_fields
    if section.output == "number" and config.train.label_smoothing:
        keys, do = ("train.label_smoothing", "pair.output"), "Remove it: a number has no labels to smooth."
        yield Problem(keys, "0 with pair.output number", f"{config.train.label_smoothing}", do)
    rated = section.output == "number"
    for key, needs in (("ratings", rated), ("bins", rated and section.ratings == "bins")):
        value = getattr(section, key)
        if not needs and value != fields[key].default:
            of = "pair.output: number" + (" and pair.ratings: bins" if key == "bins" else "")
            yield Problem((f"pair.{key}", "pair.output"), f"only with {of}", str(value), "Remove it, or write that.")


def _of_the_look(config: Config, look: AttentionSection) -> Iterator[Problem]:
    """It stands undivided, is trained by its gradient, and has room for the longest text."""
    if look.memory != "plain":
        do = "Remove it: what is found is compared with whole states."
        yield Problem(("pair.align.memory",), "plain", look.memory, do)
    if look.draws or look.mixes:
        do = "Write softmax, sparsemax, entmax15 or gumbel."
        expected = "a weighting that hands its gradient to the score"
        yield Problem(("pair.align.weighting",), expected, look.weighting, do)
    longest = config.data.max_source_length
    if look.longest is not None and look.longest < longest:
        do = "Raise its max, or lower data.max_source_length."
        expected = f"a location for each token of the longest text, {longest}"
        yield Problem(("pair.align.score", "data.max_source_length"), expected, f"location({look.longest})", do)
