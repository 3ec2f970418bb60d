"""How large a net may become: counted while it is built, parameter by parameter, before any of them is filled.

PyTorch takes memory for a parameter at once, but the system gives it only when something is written there: a net that is refused
in time costs nothing.  What a config asks for may be a typing error, or a stranger's trap.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_buffer_registration_hook, register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from regard.core.atomic_files import size
from regard.core.errors import ConfigError, RegardError, RunFolderError, describe_exhaustion, message

COPIES = 4  # of each weight in training: itself, its gradient, and what Adam remembers of the gradient and of its square
_MAKERS = {torch.randn, torch.rand, torch.zeros, torch.ones, torch.arange, torch.eye}
TIED, SMALL = 4, 64 << 20  # a weight may be made several times before it is tied; tables that no file holds, in bytes


@contextmanager
def within(most: int, refused: Callable[[str], RegardError]) -> Iterator[None]:
    """Nets that are built inside have at most so many bytes; else `refused` of what they asked for is raised."""
    count, thread = 0, get_ident()

    def counted(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal count
        if tensor is None or get_ident() != thread:
            return
        count += tensor.numel() * tensor.element_size()
        if count > most:
            raise refused(f"one of {size(count)} or more")

    hooks = [
        register(counted) for register in (register_module_parameter_registration_hook, register_module_buffer_registration_hook)
    ]
    try:
        with _Counting(most, refused):
            yield
    except (MemoryError, RuntimeError) as error:
        if describe_exhaustion(error):
            raise refused(str(error).splitlines()[0] if str(error) else "more than there is") from error
        raise
    finally:
        for hook in hooks:
            hook.remove()


class _Counting(TorchFunctionMode):
    """Looks at the sizes of tensors that are filled as they are made, before they are made."""

    def __init__(self, most: int, refused: Callable[[str], RegardError]) -> None:
        super().__init__()
        self.most, self.refused = most, refused

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _MAKERS:
            flat = [n for a in args for n in (a if isinstance(a, tuple | list) else (a,))]
            if (asked := 4 * math.prod(n for n in flat if isinstance(n, int) and n > 0)) > self.most:
                raise self.refused(f"a table of {size(asked)}")
        return func(*args, **(kwargs or {}))


@contextmanager
def within_memory() -> Iterator[None]:
    """Nets that are to be trained fit the machine's memory.  ConfigError where one does not."""
    most = memory()

    def refused(received: str) -> ConfigError:
        room = f" a quarter of its {size(most)}: training keeps {COPIES} numbers for each weight" if most else ""
        do = "Lower model.size, embedding, feedforward or the layers, or the numbers of a score."
        return ConfigError(message("model", f"a net that fits this machine's memory,{room}", received, do))

    with within(most // COPIES or 1 << 62, refused):
        yield


@contextmanager
def within_file(path: Path) -> Iterator[None]:
    """Nets that are to be filled from a file of weights are no larger than it.  RunFolderError where one is."""
    held = path.stat().st_size

    def refused(received: str) -> RunFolderError:
        do = "Restore the run folder from a copy, or train again into another folder."
        expected = f"a net of about {size(held)}"
        return RunFolderError(message(f"{path} does not fit the model of the config", expected, received, do))

    with within(TIED * held + SMALL, refused):
        yield


def memory() -> int:
    """The bytes of memory that this process may use: the machine's, or less in a container; 0 where the system does not say."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    try:
        return min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or "max"
        return whole
