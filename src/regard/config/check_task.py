"""What a task demands of the keys of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from regard.config.other_names import meant
from regard.config.problem import Problem
from regard.config.task_sections import SECTIONS
from regard.config.task_spec import TASKS
from regard.tasks.caption.section import of_caption
from regard.tasks.classify.section import classify_problems
from regard.tasks.forecast.section import of_forecast
from regard.tasks.language.section import of_language
from regard.tasks.pair.section import of_pair
from regard.tasks.pretrain.section import SHAPED, of_pretrain, of_pretrained
from regard.tasks.read.section import of_read

if TYPE_CHECKING:
    from regard.config.schema import Config


def of_task(config: Config) -> Iterator[Problem]:
    """Keys that the task does not use, at other than their default; sections of other tasks; figures that it has not."""
    kind = TASKS[config.task]
    for key in kind.unused:
        section, word = key.split(".")
        value = getattr(getattr(config, section), word)
        if value not in _defaults(config, section, word):
            do = "Remove it, or choose another task."
            yield Problem(
                (key, "task"),
                f"no such key with task {config.task}, which does not use it",
                str(getattr(value, "score", value)),
                do,
            )
    for name in SECTIONS:
        if name != config.task and getattr(config, name) is not None:
            do = f"Remove it, or write task: {name}."
            yield Problem((name, "task"), f"only with task: {name}", f"task {config.task}", do)
    yield from _tagged(config)
    if config.pair is not None and config.task == "pair":
        yield from of_pair(config, config.pair)
    if config.read is not None and config.task == "read":
        yield from of_read(config, config.read)
    if kind.vectors:
        yield from _vectors(config)
    if config.classify is not None:
        yield from classify_problems(config, config.classify)
    if config.forecast is not None and config.task == "forecast":
        yield from of_forecast(config)
    if config.caption is not None and config.task == "caption":
        yield from of_caption(config, config.caption)
    if config.language is not None and config.task == "language":
        yield from of_language(config, config.language)
    shaped = () if config.task == "pair" else SHAPED  # there they shape what reads the comparison
    cut = () if config.task == "read" else ("source_tokenizer", "unicode", "lowercase")  # there they say what a word of a text is
    settled = [*(f"model.{word}" for word in shaped), *(f"data.{word}" for word in cut)]
    yield from of_pretrain(config)
    yield from of_pretrained(config, {key: _defaults(config, *key.split(".")) for key in settled})
    if config.train.metric not in kind.metrics:
        do = f"Choose one of them.{meant(config.train.metric, kind.metrics)}"
        yield Problem(("train.metric", "task"), " | ".join(kind.metrics), config.train.metric, do)


def _tagged(config: Config) -> Iterator[Problem]:
    """Sentences with tags in lines are two files or three; their formats are no other task's."""
    data = config.data
    if config.task != "tag":
        if data.format in ("columns", "conllu"):
            yield Problem(("data.format", "task"), "tsv, lines or jsonl", data.format, "Remove it, or write task: tag.")
        return
    if data.format in ("csv", "cmudict"):
        do = "Remove it, or write another task."
        yield Problem(("data.format", "task"), "columns, conllu, jsonl, parquet or lines with task tag", data.format, do)
    for key, files in (("data.train", data.train), ("data.valid", data.valid)):
        if data.format == "lines" and len(files) == 1:
            do = "Name the files of tokens and of tags, or remove data.format."
            yield Problem((key, "data.format"), "2 or 3 files, line for line", f"1: {files[0]}", do)


def _vectors(config: Config) -> Iterator[Problem]:
    data = config.data
    if data.vectors is None:
        if not data.tune_vectors:
            keys, do = ("data.tune_vectors", "data.vectors"), "Name a file, or remove this."
            yield Problem(keys, "a file of vectors to leave as they are", "none", do)
    elif data.source_tokenizer not in ("space", "word"):
        do = "Write source_tokenizer: word (or space), or remove the vectors."
        yield Problem(("data.vectors", "data.source_tokenizer"), "a tokenizer of whole words", data.source_tokenizer, do)


def _defaults(config: Config, section: str, word: str) -> list[Any]:
    """What a key holds that nobody set."""
    default = TASKS[config.task].defaults.get(f"{section}.{word}", type(getattr(config, section)).model_fields[word].default)
    if (section, word) == ("model", "attention"):  # a look that does not name its score has that of its family
        return [default, default.model_copy(update={"score": "scaled"})]
    return [default]
