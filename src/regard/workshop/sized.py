"""How large a net may become: counted while it is built, parameter by parameter, before any of them is filled.

PyTorch takes memory for a parameter at once, but the system gives it only when something is written there: a net that is refused
in time costs nothing.  What a config asks for may be a typing error, or a stranger's trap.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

from torch import Tensor, nn
from torch.nn.modules.module import register_module_buffer_registration_hook, register_module_parameter_registration_hook

from regard.ground.errors import ConfigError, RegardError, RunFolderError, exhausted, message
from regard.ground.files import size

COPIES = 4  # of each weight in training: itself, its gradient, and what Adam remembers of the gradient and of its square
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
        yield
    except (MemoryError, RuntimeError) as error:
        if exhausted(error):
            raise refused(str(error).splitlines()[0] if str(error) else "more than there is") from error
        raise
    finally:
        for hook in hooks:
            hook.remove()


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
        return RunFolderError(
            message(f"{path} does not fit the model of the config", f"a net of about {size(held)}", received, do)
        )

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
