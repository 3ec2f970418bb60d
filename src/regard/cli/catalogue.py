"""`regard catalogue`: every mechanism that a config can name."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from regard.core.errors import UsageError, message

if TYPE_CHECKING:
    from regard.build.catalogue import Mechanism


def catalogue(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[KIND|WORD]...", help="Only these, such as score or sparsemax.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
) -> None:
    """Show every mechanism that a config can name.

    Word, equation, paper and section, what it can be combined with, and its cost.
    """
    from regard.build.catalogue import mechanisms

    chosen = _chosen(mechanisms(), names or [])
    if as_json:
        print(json.dumps([m.row() for m in chosen], ensure_ascii=False, indent=1))
        return
    width = max(60, min(shutil.get_terminal_size().columns, 120))
    for kind in dict.fromkeys(m.kind for m in chosen):
        same = [m for m in chosen if m.kind == kind]
        print(f"{kind}  ({same[0].key})")
        for m in same:
            print("\n".join(_lines(m, width)))
        print()


def _chosen(every: list[Mechanism], names: list[str]) -> list[Mechanism]:
    from regard.config.other_names import suggest

    known = {n for m in every for n in (m.kind, m.word)}
    for name in names:
        if name not in known:
            do = f"regard catalogue without a name shows all.{suggest(name, known)}"
            raise UsageError(message("catalogue", "a kind or a word", f"'{name}'", do))
    return [m for m in every if not names or m.kind in names or m.word in names]


def _lines(m: Mechanism, width: int) -> list[str]:
    told = [f"  {m.usage}", f"      {m.equation}"]
    for label, text in (("", m.says), ("paper: ", m.paper), ("goes with: ", m.combines), ("cost: ", m.cost)):
        if text:
            told += textwrap.wrap(label + text, width, initial_indent="      ", subsequent_indent="        ")
    return told
