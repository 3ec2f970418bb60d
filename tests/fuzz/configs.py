"""Keys of a config with values of other kinds, as overrides on the command line."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from regard.config import Config
from regard.config.explain import section_of
from regard.tasks import registry

from .bases import Base
from .calls import Outcome, called
from .damage import WRONG


def keys() -> list[str]:
    """Every key of the config, dotted, with those of each task's section."""
    found = ["task"]

    def below(section: Any, above: str) -> None:
        for name, field in section.model_fields.items():
            inner = section_of(field)
            found.append(f"{above}{name}")
            if inner is not None:
                below(inner, f"{above}{name}.")

    below(Config, "")
    return list(dict.fromkeys(found))


KEYS = keys()


def try_config(draw: random.Random, base: dict[str, Base], folder: Path) -> tuple[str, Outcome]:
    """A key with a value of another kind, or out of range, as an override; sometimes two."""
    given = base[draw.choice(list(base))]
    chosen = {draw.choice(KEYS): draw.choice(WRONG) for _ in range(draw.choice((1, 1, 2)))}
    name = f"{given.task}: " + " ".join(f"{key}={value!r:.40}" for key, value in chosen.items())
    start = ["train", "--task", given.task, "--train", str(given.data[0])]
    found = called(*start, *(f"{key}={json.dumps(value)}" for key, value in chosen.items()), "--print-config")
    if found.how != "worked":
        return name, found
    if "print" not in given.known:
        given.known["print"] = called(*start, "--print-config")
    why = _changed(
        _flat(yaml.safe_load(found.answer)),
        _flat(yaml.safe_load(given.known["print"].answer)),
        chosen,
        registry.spec(given.task).unused,
    )
    return name, found.silent(why) if why else found


def _changed(printed: dict[str, Any], before: dict[str, Any], chosen: dict[str, Any], unused: Sequence[str]) -> str:
    """What is printed of a key that is not what was given, or what it was where it was not touched; "" where all is right."""
    for key, value in chosen.items():
        if key in ("task", "data", "data.train"):
            continue  # the options --task and --train go before
        if printed == before and (".".join(key.split(".")[:2]) in unused or (value is None and key in registry.TASKS)):
            continue  # at its default, or nothing, and without use here: nothing depends on it
        if any(other != key and (f"{other}.".startswith(f"{key}.") or key.startswith(f"{other}.")) for other in chosen):
            continue  # one was put into the other, or in its place
        found = {name: each for name, each in printed.items() if name == key or name.startswith(f"{key}.")}
        if not any(_same(each, value, name[len(key) + 1 :]) for name, each in found.items()) and not (
            value in (None, {}) and found
        ):
            return f"{key}: {value!r:.60} was given, {found!r:.200} is printed"
    begun = {
        above
        for key in chosen
        if (above := key.rpartition(".")[0]).count(".") and not any(f"{above}." in name for name in before)
    }
    for name in {*printed, *before}:  # begun: looks of which one key was given, and nothing before
        if printed.get(name) != before.get(name) and not any(f"{name}.".startswith(f"{key}.") for key in (*chosen, *begun)):
            return f"{name}: {before.get(name)!r:.60} before, {printed.get(name)!r:.60} with {chosen!r:.100}"
    return ""


def _same(printed: Any, given: Any, below: str) -> bool:
    """Whether a value is printed as it was given, or in another spelling of it.  below: the key under the one that was given."""
    if below:
        return below == "score" and isinstance(given, str) and printed == given
    if isinstance(given, bool) != isinstance(printed, bool):
        return False
    return bool(printed == given or printed == [given])


def _flat(tree: Any, above: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict) or not tree:
        return {above[:-1]: tree}
    return {name: value for key, below in tree.items() for name, value in _flat(below, f"{above}{key}.").items()}
