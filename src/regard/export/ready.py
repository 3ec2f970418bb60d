"""A run that is ready: its export lies within its folder, so that the command answers without PyTorch."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from regard.core.say import Say
from regard.export.command import read_held_out
from regard.export.folder import export_run
from regard.export.proof import Proof
from regard.runtime.ready import READY
from regard.tasks.load_run import load_run


def make_ready(run: Path, *, trust: Iterable[str] = (), say: Say) -> Proof:
    """Export `run` into its own folder, as `export.folder.export_run`, in the place of an export that lies there.

    Errors: as there; what lay there before stays, unless it was of other weights: then nobody asks it.
    """
    trust = list(trust)
    items = read_held_out(load_run(run, trust=trust), say)
    made, before = run / f"{READY}.new", run / f"{READY}.old"
    for left in (made, before):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    proof = export_run(run, made, items=items, trust=trust, say=say)
    if (run / READY).exists():
        (run / READY).rename(before)
    made.rename(run / READY)
    shutil.rmtree(before, ignore_errors=True)
    return proof
