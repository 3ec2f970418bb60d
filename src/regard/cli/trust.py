"""The option `--trust`: whose code a run may bring with it."""

from typing import Annotated

import typer

Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PACKAGE.MODULE", help="Code that the run names and that may run (again: more); without it such a run is refused."
    ),
]
