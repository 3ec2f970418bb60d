"""Words that a vocabulary lacks, in a source and its target: numbered behind the vocabularies, for a head that copies them.

See et al. 2017, section 2.2: the vocabulary of a pair is that of all targets and, behind it, the words of its own source.
"""

from __future__ import annotations

from collections.abc import Sequence

from regard.data.tokenizer import UNK, Tokenizer


def number_source(tokenizers: tuple[Tokenizer, Tokenizer], symbols: Sequence[str | None], ids: Sequence[int]) -> list[int]:
    """A source, what its vocabulary of S words lacks numbered behind it: S + the number of the target's word where that vocabulary, of V
    words, has it, else S + V + the place where the string stands first.

    symbols: of `Tokenizer.symbols`; ids: as many and the end, or fewer where the source was cut.
    """
    reader, writer = tokenizers
    made = []
    for place, id in enumerate(ids):
        symbol = symbols[place] if id == UNK and place < len(symbols) else None
        if symbol is not None:
            known = writer.number(symbol)
            id = len(reader) + (len(writer) + symbols.index(symbol) if known is None else known)
        made.append(id)
    return made


def number_target(
    tokenizers: tuple[Tokenizer, Tokenizer], text: str, ids: Sequence[int], symbols: Sequence[str | None], source: Sequence[int]
) -> list[int]:
    """A target, what its vocabulary of V words lacks and its source has numbered V + the place where the string stands first there.

    text: of the target, whose ids may have been cut; symbols: of the source; source: what `number_source` made of it.
    """
    reader, writer = tokenizers
    behind, own = len(reader) + len(writer), writer.symbols(text) if UNK in ids else []
    there = {symbol: id - len(reader) for symbol, id in zip(symbols, source, strict=False) if id >= behind}
    return [there.get(own[i], id) if id == UNK and i < len(own) else id for i, id in enumerate(ids)]
