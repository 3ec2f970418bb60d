"""A config as `--print-config` shows it: every key, and those that nobody set behind a `#`.

A key that is left out may fit the data, or be read off it, where the same value written out would not: so what is printed trains the same
model as the command that it was printed by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from regard.config.schema import Config, usual
from regard.config.yaml_text import dump

FIRST = "# Keys behind a # are left out: they fit the data (auto), are read off its files, or are as is shown.\n"


def print_config(config: Config) -> str:
    """YAML of every key, in the schema's order; it loads back equal, with the same keys left out."""
    plain = config.model_dump(mode="json")
    default = usual(config.spec, plain)
    text = FIRST + dump({"task": plain.pop("task")})
    for name, values in plain.items():
        section = getattr(config, name)
        own = {key for key in section.model_fields_set if values.get(key) != default.get(f"{name}.{key}", values)}
        # A section of which only `auto` was said, as with train.epochs=auto, is there; the task's own always is.
        said = (
            name in config.model_fields_set
            and name != config.spec.name
            and not any(key.startswith(f"{name}.") for key in default)
        )
        text += f"{name}:{' {}' if said and not own else ''}\n" + "".join(f"  {line}\n" for line in _lines(section, values, own))
    return text


def _lines(section: BaseModel, values: Mapping[str, Any], own: set[str]) -> Iterator[str]:
    """own: the keys that somebody set."""
    for key, value in values.items():
        below = getattr(section, key)
        if isinstance(below, BaseModel) and key in own:
            yield f"{key}:" if below.model_fields_set else f"{key}: {{}}"
            yield from (f"  {line}" for line in _lines(below, value, below.model_fields_set))
        else:
            yield from (line if key in own else f"# {line}" for line in dump({key: value}).splitlines())
