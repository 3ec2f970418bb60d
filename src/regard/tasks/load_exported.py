"""An exported folder as a model in use: the predictor of its task, which asks graphs in the place of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

from regard.core.errors import RegardError, RunFolderError, UsageError, describe_exhaustion, message
from regard.runtime.folder import open_folder
from regard.tasks import registry
from regard.tasks.base import Predictor

USED = (
    "apply_decode",
    "settle",
    "prepare",
    "answers",
    "notes",
    "inputs",
    "line",
    "pairs",
    "pair",
    "scores",
    "evaluate",
    "together",
)
END = object()


def load_exported(folder: str | Path) -> Predictor:
    """The model of an exported folder.  RunFolderError where it is none, is damaged, or is of a newer version; and, in use, where its parts
    do not fit each other."""
    found = open_folder(Path(folder))
    assert found.settings.spec.predictor is not None  # every task of Regard's has one, and a folder names no other
    kind: Any = _blaming(registry.part(found.settings.spec.predictor))
    with _blamed(found.folder):
        made: Predictor = kind.load(found.settings, found.folder, found.network)
    return made


@cache
def _blaming(kind: type[Predictor]) -> type[Predictor]:
    """The predictor of a task, which takes what is not an error of Regard's for a fault of the folder.

    A folder may come from anybody.  That its files are what was written is known, but not that what was written are settings that go
    together, and a graph that gives what is asked of it.
    """
    return type(kind.__name__, (kind,), {name: _told(getattr(kind, name)) for name in USED})


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Predictor, *given: Any, **more: Any) -> Any:
        with _blamed(self.folder):
            made = method(self, *given, **more)
        return _each(self.folder, made) if isinstance(made, Iterator) else made

    return call


def _each(folder: Path, made: Iterator[Any]) -> Iterator[Any]:
    while True:
        with _blamed(folder):
            one = next(made, END)
        if one is END:
            return
        yield one


@contextmanager
def _blamed(folder: Path) -> Iterator[None]:
    try:
        yield
    except (RegardError, OSError):
        raise
    except Exception as error:
        received = describe_exhaustion(error) or f"{type(error).__name__}: {error}"[:300]
        do = "Export the run again; where the folder is as it was made, please report it with the item that was asked."
        raise RunFolderError(message(str(folder), "settings, vocabularies and graphs that go together", received, do)) from error


def refuse_device(folder: str | Path, device: str) -> None:
    """UsageError for a device on which an exported folder does not answer."""
    if device not in ("cpu", "auto"):
        do = "Leave the device out, or name the run folder that it was made of."
        raise UsageError(message(f"device {device}", "a run folder", f"an exported one, {folder}, which answers on the CPU", do))
