"""ES modules as one script that a page carries in itself: each in a scope of its own, after those that it imports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function\*?) (\w+))", re.MULTILINE)
_TOLD = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)  # what is said to whoever reads the module
_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)


def join_modules(package: str, folder: str, name: str) -> str:
    """The module `name` of a package's folder and all that it imports, which gives what the module exports under the same names.

    Modules import by name from files beside them, and export what they declare.
    """
    joined = "".join(_scope(module, text) for module, text in _ordered(package, folder, name, set()))
    return f"{joined}const {{ {', '.join(_exported(_read(package, folder, name)))} }} = {_variable(name)};\n"


def _ordered(package: str, folder: str, name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """The modules, each after those that it imports."""
    if name not in seen:
        seen.add(name)
        text = _read(package, folder, name)
        for _, other in _IMPORT.findall(text):
            yield from _ordered(package, folder, other, seen)
        yield name, text


def _scope(name: str, text: str) -> str:
    inside = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_variable(found[2])};\n", _TOLD.sub("", text))
    inside = _LIST.sub("", _EXPORT.sub("", inside))
    return f"const {_variable(name)} = (() => {{\n{inside}return {{ {', '.join(_exported(text))} }};\n}})();\n"


def _exported(text: str) -> list[str]:
    listed = [name.strip() for names in _LIST.findall(text) for name in names.split(",")]
    return [*_EXPORT.findall(text), *listed]


def _variable(name: str) -> str:
    return f"{name}_module"


def _read(package: str, folder: str, name: str) -> str:
    return resources.files(package).joinpath(folder, f"{name}.js").read_text(encoding="utf-8")
