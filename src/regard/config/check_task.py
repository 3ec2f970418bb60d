"""What a task demands of the keys of a config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from regard.config.other_names import suggest
from regard.config.task_section import Problem, TaskSection
from regard.tasks import registry
from regard.tasks.spec import VECTORS, PretrainedReader

if TYPE_CHECKING:
    from regard.config.schema import Config


def of_task(config: Config) -> Iterator[Problem]:
    """Keys that the task does not use, at other than their default; sections and formats of other tasks; what its own section demands;
    figures that it has not."""
    spec = config.spec
    for key in spec.unused:
        value = _value(config, key)
        if value not in _defaults(config, key):
            do = "Remove it, or choose another task."
            expected = f"no such key with task {config.task}, which does not use it"
            yield Problem((key, "task"), expected, str(getattr(value, "score", value)), do)
    for name in config.of_tasks():
        if name != spec.name:
            do = f"Remove it, or write task: {name}."
            yield Problem((name, "task"), f"only with task: {name}", f"task {config.task}", do)
    owner = next((other for other in registry.specs() if config.data.format in other.formats), spec)
    if owner.name != spec.name:
        do = f"Remove it, or write task: {owner.name}."
        yield Problem(("data.format", "task"), "tsv, lines or jsonl", config.data.format, do)
    if isinstance(config.own, TaskSection):
        yield from config.own.check(config)
    if set(VECTORS) <= set(spec.uses):
        yield from _vectors(config)
    yield from _pretrained(config)
    if config.train.metric not in spec.metrics:
        do = f"Choose one of them.{suggest(config.train.metric, spec.metrics)}"
        yield Problem(("train.metric", "task"), " | ".join(spec.metrics), config.train.metric, do)


def _vectors(config: Config) -> Iterator[Problem]:
    data = config.data
    if data.vectors is None:
        if not data.tune_vectors:
            keys, do = ("data.tune_vectors", "data.vectors"), "Name a file, or remove this."
            yield Problem(keys, "a file of vectors to leave as they are", "none", do)
    elif data.source_tokenizer not in ("space", "word"):
        do = "Write source_tokenizer: word (or space), or remove the vectors."
        yield Problem(("data.vectors", "data.source_tokenizer"), "a tokenizer of whole words", data.source_tokenizer, do)


def _pretrained(config: Config) -> Iterator[Problem]:
    """Keys that a pre-trained reader settles, or has no use for, where they are set."""
    if config.model.pretrained is None:
        return
    if config.data.vectors is not None:
        expected = "no such key with model.pretrained, which brings its own vectors"
        yield Problem(("data.vectors", "model.pretrained"), expected, config.data.vectors, "Remove one of them.")
    spec = config.spec
    reader = spec.reader or PretrainedReader()
    for word in reader.unread:
        key = f"{spec.name}.{word}"
        value, default = _value(config, key), type(getattr(config, spec.name)).model_fields[word].default
        if value != reader.defaults.get(key, default):
            received = "none" if value is None else str(getattr(value, "score", value)).lower()
            expected = "no such key with model.pretrained, which has no use for it"
            yield Problem((key, "model.pretrained"), expected, received, "Remove it.")
    for key in reader.settles:
        value = _value(config, key)
        if value not in _defaults(config, key):
            expected = f"no such key with model.pretrained: {config.model.pretrained} settles it"
            yield Problem((key, "model.pretrained"), expected, str(getattr(value, "score", value)), "Remove it.")


def _value(config: Config, key: str) -> Any:
    """What stands at a dotted key."""
    section, word = key.split(".")
    return getattr(getattr(config, section), word)


def _defaults(config: Config, key: str) -> list[Any]:
    """What a key holds that nobody set."""
    section, word = key.split(".")
    default = config.spec.defaults.get(key, type(getattr(config, section)).model_fields[word].default)
    if key == "model.attention":  # a look that does not name its score has that of its family
        return [default, default.model_copy(update={"score": "scaled"})]
    return [default]
