"""A reader that begins with word vectors from a file."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from regard.config import Config
from regard.core.errors import ConfigError, DataError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.word_vectors import read_vectors, vectors_width
from regard.networks.text_encoder import TextEncoder
from regard.training.objective import TaskNetwork


def begin_with_vectors(task: TaskNetwork, vocabulary: Sequence[str], config: Config, say: Say) -> None:
    """Put the vectors of `data.vectors` into the table of the task's reader, and say how many words have one.

    vocabulary: the word of each row of the table, "" for what is no word.  A word that the file lacks is looked up in lower case, and
    where it lacks that too keeps the vector that was drawn.  All vectors are multiplied by one number, so that they are as long, in the
    mean, as those that are drawn.  ConfigError where they are wider or narrower than the table, DataError where no word has one.
    """
    file, table = str(config.data.vectors), _reader(task).embed.table
    if (width := vectors_width(file)) != table.embedding_dim:
        recurrent = config.model.family == "recurrent"
        key, asked = ("embedding", config.model.embedding) if recurrent else ("size", config.model.size)
        beside = "" if asked == table.embedding_dim else f", of which {asked - table.embedding_dim} are for letters and marks"
        do = f"Set model.{key}: {width + asked - table.embedding_dim}, or name another file."
        received = f"model.{key} {asked}{beside}"
        raise ConfigError(message(f"data.vectors, model.{key}", f"the width of the vectors in {file}, {width}", received, do))
    words = [word for word in vocabulary if word]
    found = read_vectors(file, {*words, *(word.lower() for word in words)}, say=say)
    rows = {i: found.get(w, found.get(w.lower())) for i, w in enumerate(vocabulary) if w}
    known = {i: torch.from_numpy(vector) for i, vector in rows.items() if vector is not None}
    if not known:
        do = "Name a file of the language and the tokens of your data."
        raise DataError(message(file, "vectors of words of the training data", f"none of {many(len(words), 'word')}", do))
    made = torch.stack(list(known.values()))
    with torch.no_grad():
        length = made.norm(dim=1).mean().clamp(min=1e-8)
        table.weight[list(known)] = made / length  # `table` draws them about 1 long
    folded = sum(vocabulary[i] not in found for i in known)
    say(
        f"vectors: {file}: {len(known):,} of {many(len(words), 'word')} have one ({len(known) / len(words):.1%}; {folded:,} in lower case "
        f"only), {width} wide; {'trained on' if config.data.tune_vectors else 'as they are, none of them trained'}."
    )


def freeze_vectors(task: TaskNetwork) -> None:
    """The table of the task's reader is not trained, the words without a vector included: Kim 2014's `static`, section 3.3."""
    _reader(task).embed.table.weight.requires_grad_(False)


def _reader(task: TaskNetwork) -> TextEncoder:
    return next(part for part in task.modules() if isinstance(part, TextEncoder))
