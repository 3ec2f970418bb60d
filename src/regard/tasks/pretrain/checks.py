"""What is asked of running text before a reader is pre-trained on it (`regard check`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from regard.check.form import StatedForm
from regard.check.items_seen import FEW, FilesToRead, ItemsSeen
from regard.check.plain_text import TextChecks
from regard.core.errors import DataError, message
from regard.tasks.pretrain.documents import blocks, read_documents


class PretrainChecks(TextChecks):
    """Of a task that tells masked words, and maybe which text follows which."""

    told: Mapping[str, str] = {"follows": "next"}

    def texts(self, read: FilesToRead) -> Iterable[Any]:
        return read_documents(read.files)

    def set_aside(self, seen: ItemsSeen, given: StatedForm) -> None:
        every: list[Any] = list(islice((block for document in seen.first for block in blocks(document)), FEW))
        if len({block.source for block in every}) < 2:
            expected = "more lines, or two documents, to set a part aside (data.valid_share)"
            do = "Give more data, or a validation file (--valid)."
            raise DataError(message(seen.first[0].place.file, expected, f"{len(every[0].lines)} lines", do))

    def few_texts(self, seen: ItemsSeen, given: StatedForm) -> Iterator[str]:
        """Pre-training that learns which text follows needs documents, some of them of several lines."""
        few = len({document.number for document in seen.first}) < 2 or all(len(document.lines) < 2 for document in seen.first)
        if given.follows and few:
            do = "Put blank lines between documents, give more text, or set pretrain.next: false."
            expected = "two documents, one of them of at least two lines"
            yield message("text for next-sentence pairs (pretrain.next)", expected, f"{seen.count:,} documents", do)
