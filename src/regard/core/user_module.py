"""A module of the user's, imported by its name: what is not there, or cannot be imported, is his to correct."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from regard.core.errors import ConfigError, did_you_mean, message


def import_module_of(word: str) -> ModuleType:
    """The module of `package.module:Name`.  Imports it, which runs its code.

    A module beside the config is found too: the current folder is searched last, so that nothing there can stand before what is
    installed.  Raises ConfigError where there is no such module, or it fails.
    """
    name, here = word.partition(":")[0], os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()  # a file that was written a moment ago is seen
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            near = did_you_mean(name, _beside(Path(here)))
            do = f"Write the name of a file there without .py, or of what is installed.{near}"
            raise ConfigError(message(word, f"a module {name}", f"none in {here}, nor among what is installed", do)) from None
        raise _broken(word, error) from error
    except Exception as error:  # whatever the user's code raises
        raise _broken(word, error) from error


def _broken(word: str, error: Exception) -> ConfigError:
    return ConfigError(message(word, f"a module {word.partition(':')[0]} that can be imported", failure(error), "Correct it."))


def failure(error: Exception) -> str:
    """`NameError: name 'torhc' is not defined (my_scores.py:3)`: the place is the deepest that may be the user's own, below whoever
    caught the error."""
    told = f"{type(error).__name__}: {error}"
    places = [
        f"{Path(f.filename).name}:{f.lineno}"
        for f in traceback.extract_tb(error.__traceback__)[1:]
        if not f.filename.startswith("<") and f"{os.sep}torch{os.sep}" not in f.filename
    ]
    return told if isinstance(error, SyntaxError) or not places else f"{told} ({places[-1]})"


def _beside(folder: Path) -> list[str]:
    """The modules of a folder, and those of its packages."""
    files = [*folder.glob("*.py"), *folder.glob("*/*.py")]
    return [".".join(f.relative_to(folder).with_suffix("").parts).removesuffix(".__init__") for f in files]
