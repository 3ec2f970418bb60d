"""`regard faithfulness`: whether where a model looks explains what it says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.core.printable import printable

if TYPE_CHECKING:
    from regard.tasks.faithfulness import LookFindings

COLUMNS = ("most", "random", "least", "uniform", "permuted")


def faithfulness(
    run: options.Run,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Texts, as regard predict reads them; - is standard input.")],
    look: Annotated[str | None, typer.Option(metavar="NAME", help="This look alone (default: all).")] = None,
    items: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many texts of the file are asked, from its first on.")
    ] = 200,
    json_: Annotated[bool, typer.Option("--json", help="Everything as JSON, to stdout.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PAGE.html|TABLE.tsv", help="A new file: a page with pictures, or a table.")
    ] = None,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Measure whether where a model looks explains what it says.

    Places are erased from each look, and its weights made even or permuted: what does the model's own answer lose? docs/faithfulness.md
    says how to read the figures.
    """
    from regard.view.save import claim

    say, path = options.teller(quiet), None if out is None else claim(out, suffixes=(".html", ".htm", ".tsv"))
    model = options.open_model(run, None, trust=trust, threads=threads, device=device, say=say)
    from regard.tasks.faithfulness import find_looks, measure

    looks = find_looks(model, look)
    asked = list(islice(model.inputs(file, say), items))
    found = []
    for one in measure(model, asked, looks, say):
        found.append(one)
        if not json_:
            print(printable(f"{one.name}: {one.conclude()}"), flush=True)
    if json_:
        print(json.dumps(describe(found), ensure_ascii=False, indent=1))
    if path is not None:
        _write(path, found, title=f"{run.name}, {Path(file).name}")
        say(f"{path} is written.")


def describe(found: Sequence[LookFindings]) -> list[dict[str, Any]]:
    """Findings in what JSON holds."""
    return [
        {
            "look": one.look,
            "head": one.head,
            "items": one.items,
            "drops": {name: drop._asdict() for name, drop in one.drops.items()},
            "changed": dict(one.changed),
            "margin": one.margin._asdict(),
            "tau": None if one.tau is None else one.tau._asdict(),
            "conclusion": one.conclude(),
        }
        for one in found
    ]


def _write(path: Path, found: Sequence[LookFindings], *, title: str) -> None:
    from regard.core.atomic_files import write_text

    if path.suffix.lower() == ".tsv":
        from regard.metrics.edits import write_table

        rows = (_row(one) for one in found)
        write_table(
            path, ("look", "head", "items", "measure", "mean", "low", "high", "changed"), (r for each in rows for r in each)
        )
        return
    from regard.view.faithfulness_page import html

    write_text(path, html(found, title=title))


def _row(one: LookFindings) -> list[tuple[object, ...]]:
    """The lines of one look in the table."""
    measures = {**one.drops, "margin": one.margin, **({} if one.tau is None else {"tau": one.tau})}
    head = "all" if one.head is None else one.head
    return [
        (
            one.look,
            head,
            one.items,
            name,
            *(f"{x:.6f}" for x in interval),
            f"{one.changed[name]:.4f}" if name in one.changed else "",
        )
        for name, interval in measures.items()
    ]
