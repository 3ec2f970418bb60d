"""`regard view RUN --live`: the page that asks the model."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from regard.cli import options
from regard.cli.serve import open_served, require_extra
from regard.cli.words import teller
from regard.core.say import Say

MOST, SOME = 200, 12  # examples of a file that was named, and of the validation data
QUICK = 20 << 20  # bytes of data that are read for examples
LIMITS = (  # wider than a server's, for whoever asks here has the machine; text by text, as `Model.predict` answers one
    *("characters=3000", "steps=20000", "looks=50000000"),
    "batch=1",
)
THREADS = 1  # for one text at a time, threads that wait for each other cost more than they bring


def view_live(
    run: Path,
    others: Sequence[Path],
    file: str | None,
    text: str | None,
    *,
    port: int,
    show: bool,
    decode: Sequence[str],
    precision: options.PlainOption,
    threads: int | None,
    trust: Iterable[str],
    say: Say,
) -> None:
    """Serve the page until Ctrl-C.  others: runs to compare with.  decode: how RUN writes, as words
    `decode.KEY=VALUE`.  show: open a browser.  UsageError where the extra is missing."""
    require_extra("regard view --live")
    from regard.serve.event_log import PageLog
    from regard.serve.limits import read_limits
    from regard.serve.models import name_runs
    from regard.serve.server import serve
    from regard.serve.settings import ServerSettings, bind

    runs = name_runs(map(str, (run, *others)))
    begun = {"text": text} if text else {}
    begun |= {"with": list(runs)[1]} if len(runs) == 2 else {}
    log = PageLog(partial(_tell, show=show), f"#{urlencode(begun)}" if begun else "")
    opened = partial(open_served, precision=precision, threads=threads or THREADS, trust=trust, batch_invariant=False)

    def open_model(folder: Path) -> Any:
        return opened(folder, decode=decode if folder == run else ())

    choose = partial(_choose, file=file, say=say)
    serve(ServerSettings(runs, open_model, read_limits(LIMITS), log, choose=choose), bind("127.0.0.1", port))


def _tell(address: str, *, show: bool) -> None:
    say = teller(False)
    say(f"{address}  (this machine only; Ctrl-C ends it)")
    if show:
        import webbrowser
        from threading import Thread

        Thread(
            target=webbrowser.open, args=(address,), daemon=True
        ).start()  # a browser may take its time, and the page is asked for


def _choose(model: Any, *, file: str | None, say: Say) -> Iterator[Any]:
    """Items to begin with: those of the file, or else some of the validation data of the run, where they are still there."""
    if file is not None:
        items = (item for item in model.examples(file, say=say) if getattr(item, "source", item))
        yield from itertools.islice(items, MOST)
        return
    found = _held_out(model)
    yield from found[:: max(1, len(found) // SOME)][:SOME]


def _held_out(model: Any) -> list[Any]:
    """Validation data; none of an exported model, where they are gone, and where reading them would let a person wait."""
    from regard.runtime.folder import is_exported

    config = model.config
    if is_exported(model.folder):
        return []
    try:
        size = sum(Path(name).stat().st_size for name in config.data.valid or config.data.train)
    except (OSError, AttributeError):
        return []
    if size > QUICK:
        return []
    from regard.export.command import read_held_out

    return read_held_out(model, lambda line: None)
