"""Whose code a config names: a task, score, scope, weighting or cell `package.module:Class` is code of the user's, not of Regard's.

Whoever wrote the config may run it, so `train` does.  A run folder may come from anybody, so what is read from one names no code
that runs unless the user has said that he trusts its module: the refusal comes before anything is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from regard.config.expression import CLASS
from regard.core.errors import RunFolderError, message
from regard.tasks import registry

if TYPE_CHECKING:
    from regard.config.schema import Config


class Named(NamedTuple):
    """A class that a config names.  key: where; word: `package.module:Class`; module: its code, which runs when it is imported."""

    key: str
    word: str
    module: str


def find_user_classes(config: Config) -> list[Named]:
    """Every class that a config names.

    All its text is searched, whatever the key, so that a key of tomorrow cannot be forgotten; only `data` names files and no code.
    """
    return _named(config.model_dump())


def _named(values: Mapping[str, Any]) -> list[Named]:
    texts = [(key, text) for key, text in _texts(values) if not key.startswith("data.")]
    found = [Named(key, word, word.partition(":")[0]) for key, text in texts for word in CLASS.findall(text)]
    return list(dict.fromkeys(found))


def modules(config: Config) -> list[str]:
    """The modules of these classes, each once."""
    return list(dict.fromkeys(n.module for n in find_user_classes(config)))


def refuse_strangers(config: Config, file: Path, trust: Iterable[str]) -> None:
    """Raises RunFolderError where a config that was read from `file` names a class of a module that is not in `trust`."""
    _refuse(find_user_classes(config), file, trust)


def refuse_strange_task(values: Mapping[str, Any], file: Path, trust: Iterable[str]) -> None:
    """The same, before a config is made of these values, where they name a task of the user's: its module is imported to read them."""
    if registry.is_own(values.get("task")):
        _refuse(_named(values), file, trust)


def _refuse(found: list[Named], file: Path, trust: Iterable[str]) -> None:
    trusted = set(trust)
    strange = [n for n in found if n.module not in trusted]
    if not strange:
        return
    lacking = list(dict.fromkeys(n.module for n in strange))
    received = " and ".join(f"{n.word} in {n.key}" for n in strange) + ", which would run code that is not Regard's"
    tuple_ = ", ".join(f'"{m}"' for m in [*sorted(trusted), *lacking]) + "," * (len(trusted) + len(lacking) == 1)
    do = f"Read the code of {' and '.join(lacking)}; where you trust it, add{flags(lacking)} (in Python: trust=({tuple_}))."
    raise RunFolderError(message(str(file), "only words of Regard's own, or modules that you trust", received, do))


def users_own(config: Config, file: str | Path, run: Path) -> list[str]:
    """The modules that a user vouches for by naming a config file of his own beside the run to go on with; those of a file that is the
    run's, by whatever path, are anybody's."""
    return [] if is_of_run(file, run) else modules(config)


def is_of_run(file: str | Path, run: Path) -> bool:
    """Whether a file lies in a run folder, by whatever path."""
    path, own = Path(file), run / "config.yaml"
    return path.resolve().is_relative_to(run.resolve()) or (path.exists() and own.exists() and path.samefile(own))


def flags(trusted: Iterable[str]) -> str:
    """` --trust my_scores --trust my.scopes`: what the commands take; nothing where there is no module."""
    return "".join(f" --trust {m}" for m in trusted)


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of plain values, with its dotted key."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _texts(below, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below, key)
    elif isinstance(value, str):
        yield key, value
