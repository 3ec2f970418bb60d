"""The section `data` of a config."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from regard.config import mechanisms
from regard.config.base import Column, Count, Files, Name, Part, Positive, Section, Threads, Weights, auto_field, field
from regard.tasks import registry

Format = Literal["auto", "tsv", "csv", "cmudict", "lines", "jsonl", "parquet", "columns", "conllu"]
_OF_TASKS = {spec.name: [word for word in spec.formats if word in get_args(Format)] for spec in registry.specs()}
_FORMATS_OF_TASKS = "; ".join(f"task {name} alone: {', '.join(words)}" for name, words in _OF_TASKS.items() if words)


class DataSection(Section):
    """Where the pairs come from, how they are read, and how they become tokens."""

    train: Files = field(
        (), "one file with columns, or a source and a target file, line for line; each may be a folder or a pattern of parts"
    )
    valid: Files = field((), "the same for validation; empty: a share of the training data is set aside")
    valid_share: Part = field(0.1, "the share set aside, grouped by source, where `valid` is empty")
    weights: Weights | None = field(
        None,
        "sources of `train` that are mixed, each with a weight, by its name or stem: {de: 0.7, fr: 0.3}; null: all as they are",
    )
    temperature: Positive | None = field(
        None,
        "instead of weights: shares that go by size^(1/temperature); 1: as they are, 5: small ones more often; null: no mixing",
    )
    format: Format = field("auto", f"auto: by the names, the number and the first lines of the files; {_FORMATS_OF_TASKS}")
    header: bool | Literal["auto"] = field(
        "auto", "a table's first line names its columns; auto: where a column goes by its name, or the line says so"
    )
    comment: Annotated[str, Field(min_length=1)] = field(
        "auto", "what lines begin with that are passed by, such as `#`; none; auto: where such lines have no columns"
    )
    separator: Annotated[str, Field(pattern="^(auto|tab|comma|semicolon|.)$")] = field(
        "auto", "what parts the columns: tab, comma, semicolon or a character; auto: by format and first lines"
    )
    source: Column = field(1, "the source's column: its number from 1, or its name; left out: by the header, or 1")
    target: Column = field(2, "the target's column: its number from 1, its name, or last; left out: by the header, or 2")
    features: Column | None = field(
        None, "a column of features; null: none; left out: the column that looks like features, if one does"
    )
    features_separator: Annotated[str, Field(min_length=1)] = field(
        "auto", "what parts features, such as `|`; auto: by the first lines, or `;`"
    )
    unicode: Literal["none", "nfc", "nfd"] = auto_field(
        "none", "Unicode normalisation of source and target; left out: none, but nfd from syllables to phones"
    )
    lowercase: bool = field(False, "lower-case source and target")
    source_tokenizer: str = auto_field(
        "char", "char | space | word | ipa | profile(file) | bpe(size) | unigram(size); left out: by what the texts look like"
    )
    target_tokenizer: str = auto_field("char", "the same for the target")
    joint: bool = field(False, "one vocabulary for both sides; both tokenizers must be the same word")
    vectors: Annotated[Name, Field(min_length=1)] | None = field(
        None, "a text file of word vectors to begin with (.vec, GloVe, word2vec; .gz), as wide as the net's; null: none"
    )
    tune_vectors: bool = field(True, "the vectors are trained on; false: they stay as they are in the file")
    workers: Threads = field(1, "processes that tokenise training data")
    store: Annotated[Name, Field(min_length=1)] | None = field(
        None, "a folder where training data is kept in tokens for other runs too; null: in the run folder"
    )
    max_source_length: Count = field(1000, "tokens of a source; longer ones are treated as `on_long` says")
    max_target_length: Count = field(1000, "tokens of a target; longer ones are treated as `on_long` says")
    on_long: Literal["skip", "error", "cut"] = field("skip", "pairs that are too long: skip and count, stop, or cut")
    on_bad_line: Literal["error", "skip"] = field("error", "lines that cannot be read: stop, or skip and count")

    @property
    def mixes(self) -> bool:
        """Whether sources are mixed, so that the files of `train` stand one after another."""
        return self.weights is not None or self.temperature is not None

    @field_validator("source_tokenizer", "target_tokenizer")
    @classmethod
    def _tokenizer(cls, value: str) -> str:
        return str(mechanisms.tokenizer(value))
