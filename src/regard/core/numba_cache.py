"""Where compiled loops are kept: in a folder of the user's own, in numba's format, and nowhere else.

Numba reads what it has kept as Python objects, which can run code: so it must never look for them, or for its settings, in the folder
in which a command happens to be run.  What cannot be read or kept is compiled without it.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

SETTINGS = ".numba_config.yaml"  # which numba reads in the current folder
MOST = 8  # folders, of as many versions, that are left
_log = logging.getLogger("regard")


def import_numba() -> Any:
    """numba, which has read no settings but those of the environment (NUMBA_...), unless somebody has imported it before."""
    if (there := sys.modules.get("numba")) is not None:
        return there
    known = sys.modules.get("yaml")
    if Path(SETTINGS).exists():
        sys.modules["yaml"] = None  # type: ignore[assignment]  # without it the file is not read
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it could not read the file
            import numba
            from numba.core import config
    finally:
        sys.modules.pop("yaml", None)
        if known is not None:
            sys.modules["yaml"] = known
    config._config_fname = ""  # it looks again whenever it compiles
    return numba


def kept(dispatcher: Any) -> Any:
    """Compiled loops that are kept on disk where that can be, and compiled anew where it cannot."""
    place = _place()
    if place is None:
        return dispatcher
    from numba.core import config as told

    config: Any = told
    before, config.CACHE_DIR = config.CACHE_DIR, str(place)
    try:
        store = _store()(dispatcher.py_func)
    except (RuntimeError, OSError) as error:
        _say(place, error)
        return dispatcher
    finally:
        config.CACHE_DIR = before
    if Path(store.cache_path).parent == place:  # else numba has gone elsewhere
        dispatcher._cache = store
    else:
        _say(place, "it cannot be written")
    return dispatcher


@cache
def _store() -> Any:
    from numba.core.caching import FunctionCache

    class Store(FunctionCache):
        """Numba's own; what is damaged is begun anew, and what cannot be written is not."""

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # whatever a damaged file makes of itself
                self._guarded(self.flush)
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            self._guarded(lambda: super(Store, self).save_overload(sig, data))

        def _guarded(self, act: Callable[[], None]) -> None:
            try:
                act()
            except Exception as error:
                _say(Path(self.cache_path).parent, error)

    return Store


@cache
def _say(place: Path, why: object) -> None:
    """Once for each reason."""
    _log.warning(
        "compiled loops cannot be kept in %s (%s): each command compiles them anew, which takes some seconds. "
        "Make room there, or set NUMBA_CACHE_DIR to a folder that can be written.",
        place,
        str(why) or type(why).__name__,
    )


@cache
def _place() -> Path | None:
    """The folder: NUMBA_CACHE_DIR where the user has set it, else one of ours for these loops, this numba and this processor."""
    if asked := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(asked).absolute()
    try:
        ours = _caches() / "regard" / f"loops-{_version()}"
        ours.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = ours.lstat()
        if hasattr(os, "getuid") and (ours.is_symlink() or found.st_uid != os.getuid()):
            _say(ours, "it is another user's")
            return None
        ours.chmod(0o700)
        os.utime(ours)
        _tidy(ours)
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody's home
        _say(Path("the user's cache folder"), error)
        return None
    return ours


def _caches() -> Path:
    """The user's cache folder, by the custom of the system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return named if named.is_absolute() else Path.home() / ".cache"


def _version() -> str:
    """Of all loops, which may stand within one another, of numba and of the processor."""
    import llvmlite.binding as llvm
    import numba

    sources = Path(__file__).resolve().parents[1]
    told = sha256(f"{numba.__version__} {platform.python_version()} {llvm.get_host_cpu_name()}".encode())
    for file in sorted([*sources.rglob("*_numba.py"), *(sources / "core").glob("*.py")]):
        told.update(file.read_bytes())
    return told.hexdigest()[:16]


def _tidy(ours: Path) -> None:
    """The folders of versions that were not used for longest are removed."""
    others = sorted(ours.parent.glob("loops-*"), key=lambda folder: folder.lstat().st_mtime, reverse=True)
    for old in [folder for folder in others if folder != ours and not folder.is_symlink()][MOST:]:
        shutil.rmtree(old, ignore_errors=True)
