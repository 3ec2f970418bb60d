"""Training pairs in tokens on the disk: where they lie, and how it is told that they are made."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from regard.config import Config
from regard.core.errors import DataError, message
from regard.core.say import Say
from regard.data.encode_pairs import encode_pairs
from regard.data.guided_links import GuidedLinks
from regard.data.length_limit import LengthLimit
from regard.data.parts import all_parts, find_parts
from regard.data.text_files import lines
from regard.data.token_store import CORPUS, Corpus
from regard.data.tokenize_blocks import Tokenization, tokenize
from regard.data.tokenizer import Tokenizer
from regard.data.validation_share import TrainingSources
from regard.tasks.base import Splits
from regard.tasks.layouts import layout_of
from regard.tasks.transduce.predictor import SOURCE_TOKENIZER, TARGET_TOKENIZER
from regard.training.reporting import Bar, silent

SHORT = 16  # digits of a hash that name a store in a folder of several


@dataclass(frozen=True)
class StoredPairs:
    """corpus: the pairs; sources: how many of them each source has; limit: what was met of pairs that are too long; guide: their links."""

    corpus: Corpus
    sources: Sequence[int]
    limit: LengthLimit
    guide: GuidedLinks | None = None


def store_pairs(config: Config, data: Splits, tokenizers: tuple[Tokenizer, Tokenizer], folder: Path, say: Say) -> StoredPairs:
    """The training pairs in tokens: made, or as they lie in the run folder or in `data.store` from before.

    Pairs with links are made by one process at each start, since the links are not kept.
    """
    section, layout = config.data, layout_of(config).resolved(config.data.train)
    most, copies = (section.max_source_length, section.max_target_length), config.model.head == "copy"
    if config.train.guided_alignment is not None:
        limit, guide = LengthLimit(*most, section.on_long), _guide(config, tokenizers)
        corpus = Corpus.write(folder / CORPUS, encode_pairs(data.train, tokenizers, limit, copies=copies, watcher=guide))
        return StoredPairs(corpus, [len(corpus)], limit, guide)
    marks = [[data.fingerprint[part] for part in find_parts(name)] for name in section.train]
    words = str(folder / SOURCE_TOKENIZER), str(folder / TARGET_TOKENIZER)
    with TemporaryDirectory(prefix="regard-") as made:
        apart = ""
        if isinstance(data.train, TrainingSources):
            data.train.apart.save(Path(apart := str(Path(made) / "apart.npy")))
        how = Tokenization(layout, section.on_bad_line == "skip", words, most, section.on_long, copies, apart)
        key = how.key(marks)
        place = folder / CORPUS if section.store is None else Path(section.store) / key[:SHORT]
        bar = Bar(sys.stderr, wanted=say is not silent)

        def progress(done: int, blocks: int) -> None:
            bar.draw(done / blocks, lambda: f"tokenised {done:,} of {blocks:,} blocks of the training data")

        try:
            corpus, facts = tokenize(section.train, how, place, key=key, workers=section.workers, say=say, progress=progress)
        finally:
            bar.clear()
    return StoredPairs(corpus, facts.sources, facts.tell(how.limit()))


def _guide(config: Config, tokenizers: tuple[Tokenizer, Tokenizer]) -> GuidedLinks | None:
    """The links of the training data, still to be added.  DataError where their lines are not those of one table or of two files."""
    file, layout = config.train.guided_alignment, layout_of(config)
    if file is None:
        return None
    format, files = layout.resolved(config.data.train).format, all_parts(config.data.train)
    if format == "parquet" or len(files) > (2 if format == "lines" else 1):
        expected = "one table of text, or two files line for line, with train.guided_alignment: each line has its alignment"
        received = "Parquet" if format == "parquet" else f"{len(files)} tables"
        raise DataError(message("data.train", expected, received, "Put the data into one file."))
    return GuidedLinks(file, tokenizers, layout, lines=sum(1 for _ in lines(files[0])), shift=config.train.guided_shift)
