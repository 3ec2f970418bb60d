"""A copy of a run that holds what use needs, and nothing else: to be handed on.

Left behind are the checkpoints (only training goes on from them), the training data in tokens, and whatever else somebody put into the
folder.  What is copied are names that Regard writes, never all that is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from regard.core.atomic_files import atomic, explain_error
from regard.core.errors import RunFolderError, message
from regard.tasks.load_run import load_run
from regard.training.checksums import CONFIG, EXPORTED, METRICS, USED
from regard.training.model_card import CARD
from regard.training.provenance import RUN

TOLD = (CARD, RUN, METRICS, "int8.json")  # of people, and of what is told to them


def pack(run: Path, out: Path, *, trust: Iterable[str] = ()) -> list[str]:
    """Copy what use needs of `run` into the new folder `out`, and open it there; the names that were copied.

    Errors: RunFolderError where `run` cannot be opened, or `out` is there already; RegardError where it cannot be written.
    """
    load_run(run, trust=trust)
    if out.exists() or out.is_symlink():
        raise RunFolderError(message(str(out), "a folder that is not there yet", "something that exists", "Choose another name."))
    names = [name for name in (CONFIG, *USED, EXPORTED, *TOLD) if (run / name).is_file()]
    try:
        for name in names:
            with explain_error(out):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
            with (run / name).open("rb") as read, atomic(out / name, (run / name).stat().st_size) as file:
                shutil.copyfileobj(read, file, 1 << 20)
        load_run(out, trust=trust)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return names
