"""A class of the user's, found by its word: `mine.scores:Mine(3, width=2)`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from regard.core.errors import ConfigError, did_you_mean, message
from regard.config.expression import Number, Word

GIVEN = ("query_size", "key_size", "heads")  # what Regard alone knows of a look; `size` too, unless a number is written for it


def find_class(word: Word, noun: type) -> type:
    """The class that a word names, a kind of `noun` (Score, Scope, Weighting, Cell).  Imports its module, which runs its code.

    A module beside the config is found too: the current folder is searched last, so that nothing there can stand before what is
    installed.  Raises ConfigError where there is no such module or class, or it is another thing.
    """
    module, name = _imported(word), word.name.rpartition(":")[2]
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
            message(str(word), "a constructor that takes this", _shown(error), "Correct the word or the class.")
        ) from error


def _public(noun: type) -> str:
    """Where a class is imported from: the package, where it hands the class on."""
    package = noun.__module__.rpartition(".")[0]
    return f"{package if hasattr(sys.modules[package], noun.__name__) else noun.__module__}.{noun.__name__}"


def _imported(word: Word) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()  # a file that was written a moment ago is seen
    try:
        return importlib.import_module(word.module)
    except ModuleNotFoundError as error:
        if error.name and f"{word.module}.".startswith(f"{error.name}."):
            near = did_you_mean(word.module, _beside(Path(here)))
            do = f"Write the name of a file there without .py, or of what is installed.{near}"
            received = f"none in {here}, nor among what is installed"
            raise ConfigError(message(word.name, f"a module {word.module}", received, do)) from None
        raise _broken(word, error) from error
    except Exception as error:  # whatever the user's code raises
        raise _broken(word, error) from error


def _broken(word: Word, error: Exception) -> ConfigError:
    return ConfigError(message(word.name, f"a module {word.module} that can be imported", _shown(error), "Correct it."))


def _shown(error: Exception) -> str:
    """`NameError: name 'torhc' is not defined (my_scores.py:3)`: the place is the deepest that may be the user's own."""
    told = f"{type(error).__name__}: {error}"
    places = [
        f"{Path(f.filename).name}:{f.lineno}"
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename != __file__ and not f.filename.startswith("<") and f"{os.sep}torch{os.sep}" not in f.filename
    ]
    return told if isinstance(error, SyntaxError) or not places else f"{told} ({places[-1]})"


def _beside(folder: Path) -> list[str]:
    """The modules of a folder, and those of its packages."""
    files = [*folder.glob("*.py"), *folder.glob("*/*.py")]
    return [".".join(f.relative_to(folder).with_suffix("").parts).removesuffix(".__init__") for f in files]
