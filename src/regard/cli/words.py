"""The words of a command that uses a run: files, and what is set; and where its notes go."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from regard.core.errors import UsageError, did_you_mean, message
from regard.core.interface_language import translate
from regard.core.printable import printable
from regard.core.say import Say

SECTION = "decode"
SETTING = re.compile(r"[A-Za-z_]+(\.[A-Za-z_0-9]+)+\s*=")


def split_words(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Files, and what is set: words `decode.KEY=VALUE`.  UsageError for a key of another section, which only training can set."""
    files, settings = list[str](), list[str]()
    for word in words:
        if not SETTING.match(word) or Path(word).exists():
            files.append(word)
            continue
        section = word.partition(".")[0]
        if section != SECTION:
            do = f"Other keys are set when a run is trained.{did_you_mean(section, [SECTION])}"
            raise UsageError(message(word, f"{SECTION}.KEY=VALUE: a key of how the run writes", f"one of `{section}`", do))
        settings.append(word)
    return files, settings


def one_file(files: Sequence[str], text: str | None, *, command: str, default: str | None = None) -> str | None:
    """The FILE of a command that takes one, or --text; None: --text.  UsageError where there are both, neither or several."""
    if len(files) > 1:
        do = f"Ask for them one by one; a setting is written {SECTION}.KEY=VALUE."
        raise UsageError(message(command, "one FILE", ", ".join(files), do))
    if (files and text is not None) or (not files and text is None and default is None):
        received = "both" if files else "neither"
        do = f'Write {command} FILE, or {command} --text "...".'
        raise UsageError(message(command, "FILE or --text TEXT", received, do))
    return None if text is not None else files[0] if files else default


def spelt(name: str) -> str:
    """An option as it is written here."""
    return f"--{name.replace('_', '-')}"


def teller(quiet: bool) -> Say:
    """Notes go to stderr, or nowhere."""
    return (lambda line: None) if quiet else (lambda line: print(printable(translate(line)), file=sys.stderr, flush=True))
