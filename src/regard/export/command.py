"""One export from end to end, in whichever format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from regard.core.errors import RegardError
from regard.core.say import Say
from regard.export.folder import Precision, export_run
from regard.tasks import registry
from regard.tasks.load_run import load_run

HELD_OUT = 1000  # items of the validation data that are compared


def export(
    run: Path, out: Path, format: str, *, precision: Precision, files: Sequence[Path], trust: Iterable[str], say: Say
) -> None:
    """Export `run` to `out`: `regard`, a folder; `onnx`, a folder of graphs; `ctranslate2`, a folder of that engine's;
    `page`, one file.

    files: to be compared on; none: the validation data of the run, where they are still there.  Errors: as `folder.export_run`.
    """
    model = load_run(run, trust=trust)
    items: list[Any] = [item for file in files for item in model.inputs(str(file))] or read_held_out(model, say)
    if format == "regard":
        export_run(run, out, precision=precision, items=items, trust=trust, say=say)
        return
    if format == "ctranslate2":
        from regard.export import ctranslate2

        ctranslate2.write_ctranslate2(model, out, precision=precision, items=items, say=say)
        return
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "export"
        export_run(run, whole, precision=precision, multiplied=False, items=items, trust=trust, say=say)
        if format == "onnx":
            from regard.export import onnx

            onnx.write_onnx(whole, out)
        else:
            from regard.export import page

            page.write_page(whole, out, examples=page.choose_examples(items))


def read_held_out(model: Any, say: Say) -> list[Any]:
    """Some of the validation data of a run; none where they are gone."""
    try:
        return list(registry.of(model.config.task).validation_items(model.config))[:HELD_OUT]
    except RegardError as error:
        say(f"note: the validation data of the run cannot be read, so only made-up inputs are compared: {error}")
        return []
