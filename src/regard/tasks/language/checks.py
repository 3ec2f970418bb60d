"""What is asked of running text before a language model learns it (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from regard.check.form import StatedForm
from regard.check.items_seen import FilesToRead, ItemsSeen
from regard.check.look import Look
from regard.check.plain_text import TextChecks
from regard.core.errors import message
from regard.data.plain_text import read_plain, set_aside


class LanguageChecks(TextChecks):
    """Of a task that reads on."""

    noted = ("symbol-only-valid",)
    told: Mapping[str, str] = {"documents": "documents", "window": "window"}

    def sure(self, look: Look) -> int:
        """A file of one column; a table with one long text and nothing that looks like its labels."""
        if look.kind in ("jsonl", "parquet"):
            return 6 if look.keys.keys() == {"text"} else 0
        if look.kind != "table":
            return 0
        if look.table.width == 1:
            return 8 if look.ends[0] != ".tsv" else 0
        held = look.table.held
        long = [one for one in held if one.manner in ("text", "unspaced text") and one.length > 60]
        others = [one for one in held if not long or one is not long[0]]
        alone = len(held) > 2 and len(long) == 1 and all(one.length < 20 for one in others)
        return 6 if alone and not all(one.labels for one in others) else 0

    def texts(self, read: FilesToRead) -> Iterable[Any]:
        return read_plain(read.files, kind=read.given.documents, column=read.given.source or 1)

    def set_aside(self, seen: ItemsSeen, given: StatedForm) -> None:
        set_aside(seen.first, given.valid_share, 1)

    def few_texts(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        if given.window > seen.letters or not any(item.text.strip() for item in seen.first):
            do = "Give more text, or lower language.window."
            expected = f"at least a window of {given.window} tokens (language.window)"
            yield message(seen.first[0].place.file, expected, f"{seen.letters} letters", do)
