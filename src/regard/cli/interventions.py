"""The options of the command line that say what becomes of the weights of a look; `tasks.intervention_words` reads them."""

from __future__ import annotations

from typing import Annotated

import typer

Erase = Annotated[
    list[str] | None,
    typer.Option(metavar="LOOK[:source=N,target=N,head=N]", help="Take nothing of places of a look, from 0 (again: more)."),
]
Pin = Annotated[list[str] | None, typer.Option(metavar="LOOK:source=N[,weight=W]", help="Look at these places, and by how much.")]
Uniform = Annotated[list[str] | None, typer.Option(metavar="LOOK", help="Look at all places alike.")]
Permute = Annotated[list[str] | None, typer.Option(metavar="LOOK[:seed=N]", help="Mix the weights of a look.")]
