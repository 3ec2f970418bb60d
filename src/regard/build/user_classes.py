"""A class of the user's, found by its word: `mine.scores:Mine(3, width=2)`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from regard.config.expression import Number, Word
from regard.core.errors import ConfigError, did_you_mean, message
from regard.core.user_module import failure, import_module_of

GIVEN = ("query_size", "key_size", "heads")  # what Regard alone knows of a look; `size` too, unless a number is written for it


def find_class(word: Word, noun: type) -> type:
    """The class that a word names, a kind of `noun` (Score, Scope, Weighting, Cell).  Imports its module, which runs its code.

    Raises ConfigError where there is no such module (`core/user_module.py`) or class, or it is another thing.
    """
    module, name = import_module_of(word.name), word.name.rpartition(":")[2]
    kinds = [k for k, v in vars(module).items() if inspect.isclass(v) and issubclass(v, noun) and v.__module__ == module.__name__]
    made_by = getattr(module, name, None)
    if made_by is None:
        do = f"Name a class that is there.{did_you_mean(name, kinds)}"
        received = "no such class" + (f" (there: {', '.join(kinds)})" if kinds else "")
        raise ConfigError(message(word.name, f"a class {name} in {module.__file__}", received, do))
    if not (inspect.isclass(made_by) and issubclass(made_by, noun)):
        kind = f"a class of {', '.join(b.__name__ for b in made_by.__bases__)}" if inspect.isclass(made_by) else "no class at all"
        do = f"Write class {name}({_public(noun)})."
        raise ConfigError(message(word.name, f"a {noun.__name__}", kind, do))
    return made_by


def make_instance(word: Word, noun: type, sizes: Mapping[str, int], *, given: tuple[str, ...] = GIVEN) -> Any:
    """The object.  Its constructor gets the sizes that it asks for by name; numbers without a name fill its other arguments in order.
    given: the sizes for which no number can be written.

    Raises ConfigError as `find_class` does, and where the constructor does not take the numbers, or fails.
    """
    made_by = find_class(word, noun)
    asked = [p for p in inspect.signature(made_by).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known: dict[str, Number] = {p.name: sizes[p.name] for p in asked if p.name in sizes}
    own = [p.name for p in asked if p.name not in given]
    numbers = {**dict(zip(own, word.args, strict=False)), **dict(word.kwargs)}
    lacking = [p.name for p in asked if p.default is p.empty and p.name not in {**known, **numbers}]
    if unknown := [name for name in lacking if name in given]:
        received = f"one that asks for {' and '.join(unknown)}"
        raise ConfigError(message(str(word), f"a constructor that a {noun.__name__} can have", received, "Do without it."))
    if len(numbers) < len(word.args) + len(word.kwargs) or not set(numbers) <= set(own) or lacking:
        near = next((did_you_mean(k, own) for k in numbers if k not in own), "")
        takes = ", ".join(p.name + "?" * (p.default is not p.empty or p.name in known) for p in asked if p.name in own)
        expected = f"{word.name}({takes})" if takes else f"{word.name}, which takes no numbers"
        raise ConfigError(message(str(word), expected, f"'{word}'", f"Give it what it takes.{near}"))
    try:
        return made_by(**{**known, **numbers})
    except ConfigError:
        raise
    except Exception as error:  # whatever the user's code raises
        raise ConfigError(
            message(str(word), "a constructor that takes this", failure(error), "Correct the word or the class.")
        ) from error


def _public(noun: type) -> str:
    """Where a class is imported from: the package, where it hands the class on."""
    package = noun.__module__.rpartition(".")[0]
    return f"{package if hasattr(sys.modules[package], noun.__name__) else noun.__module__}.{noun.__name__}"
