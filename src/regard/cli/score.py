"""`regard score`: how likely the given targets are, line for line."""

from __future__ import annotations

import itertools
import json
import sys

from regard.cli import options
from regard.core.errors import UsageError, message
from regard.tasks.answer_json import of_scored


def score(
    run: options.Run,
    words: options.Words = None,
    text: options.Text = None,
    others: options.Others = None,
    batch_size: options.BatchSize = None,
    precision: options.Precision = options.PlainOption.float32,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    quiet: options.Quiet = False,
    trust: options.Trust = None,
) -> None:
    """Say how likely the given targets are.

    FILE is what evaluate reads. One JSON object a target goes to stdout: its summed log-probability in nats, and that of each token.
    """
    files, settings = options.split_words(words or [])
    if bool(files) == (text is not None):
        received = "both" if files else "neither"
        raise UsageError(message("regard score", "FILE or --text TEXT", received, f"Write regard score {run} FILE."))
    say = options.teller(quiet)
    model = options.open_model(
        run, others, settings=settings, precision=precision, trust=trust, threads=threads, device=device, say=say
    )
    items, told = itertools.tee([model.pair(text)] if text is not None else model.pairs(files))
    for number, (item, scored) in enumerate(zip(told, model.scores(items, batch_size=batch_size), strict=True), 1):
        place = getattr(item, "place", None)
        line = place.line if files and place else number
        sys.stdout.write(json.dumps({"line": line, **of_scored(scored)}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
