"""`regard pack`: what use needs of a run, as a folder to be handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.trust import Trust
from regard.cli.words import teller


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
    trust: Trust = None,
) -> None:
    """Copy what use needs of a run.

    Checkpoints, training data in tokens, and files that are not Regard's are left behind; the copy is opened before it is called whole.
    """
    from regard.core.atomic_files import size
    from regard.pack import pack as packed

    names = packed(run, out, trust=trust or ())
    whole = sum((out / name).stat().st_size for name in names)
    say = teller(False)
    say(f"{out}: {len(names)} files, {size(whole)}. Training cannot go on there; everything else can.")
