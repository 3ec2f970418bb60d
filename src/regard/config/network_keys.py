"""Which keys of a config settle what net a run has and what it reads, so that its weights mean nothing under others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.config import Config

READS = ("unicode", "lowercase", "source_tokenizer", "target_tokenizer", "joint")  # keys of `data` that say what a symbol is
FREE = ("dropout", "embedding_dropout")  # keys of `model` that no weight depends on


def of_the_net(config: Config) -> list[tuple[str, str]]:
    """The keys that settle what weights there are and what they are of, as (section, key)."""
    spec, own = config.spec, config.own
    keys = [*(("data", key) for key in READS), *(("model", key) for key in type(config.model).model_fields)]
    keys += [(spec.name, key) for key in type(own).model_fields] if own is not None else []
    return [(section, key) for section, key in keys if f"{section}.{key}" not in spec.unused]


def other_net(then: Config, now: Config) -> dict[str, tuple[Any, Any]]:
    """What of a net differs between two configs: values before and after, by dotted key."""
    if then.task != now.task:
        return {"task": (then.task, now.task)}
    free = {*(f"{now.spec.name}.{key}" for key in now.spec.in_use), *(f"model.{key}" for key in FREE)}
    before, after = _plain(then), _plain(now)
    return {
        f"{section}.{key}": (before[section][key], after[section][key])
        for section, key in of_the_net(now)
        if f"{section}.{key}" not in free and before[section][key] != after[section][key]
    }


def dump_value(value: Any) -> str:
    """A value as a config has it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _plain(config: Config) -> Mapping[str, Any]:
    plain: dict[str, Any] = config.model_dump(mode="json")
    return plain
