"""A vocabulary out of a tokenizer file, which may be a stranger's: its symbols are taken, and nothing of how it would cut a text.

The library's files hold a whole pipeline, and what is made by hand there can take all memory or end the process; so only the table of
symbols is read, held against what `Tokenizer.save` writes, and handed to a model that is made here.
"""

from __future__ import annotations

from typing import Any

from tokenizers import models

from regard.core.bounded_json import is_of, require_keys
from regard.data.tokenizer_kinds import SPECIALS, UNK

MOST = 10_000_000  # symbols

_BPE = {
    **{"type": str, "vocab": dict[str, int], "merges": list, "unk_token": str, "dropout": None},
    **{"continuing_subword_prefix": None, "end_of_word_suffix": None},
    **dict.fromkeys(("fuse_unk", "byte_fallback", "ignore_merges"), bool),
}


def stored_model(kind: str, content: Any) -> models.Model:
    """The model of a kind of tokenizer.  ValueError, or what the library raises, where the content is not what was written."""
    return {"bpe": _bpe, "unigram": _unigram}.get(kind, _counted)(content)


def _counted(content: Any) -> models.Model:
    require_keys(content, {"type": str, "vocab": dict[str, int], "unk_token": str})
    _check(content, "WordLevel")
    return models.WordLevel(_numbered(content["vocab"]), unk_token=SPECIALS[UNK])


def _bpe(content: Any) -> models.Model:
    require_keys(content, _BPE, lacking=frozenset(_BPE) - {"type", "vocab", "merges", "unk_token"})
    _check(content, "BPE")
    vocabulary = _numbered(content["vocab"])
    merges = [merge.split(" ") if isinstance(merge, str) else list(merge) for merge in content["merges"]]
    if any(len(merge) != 2 or not {*merge, "".join(merge)} <= vocabulary.keys() for merge in merges):
        raise ValueError("a merge of what is no symbol")
    return models.BPE(vocabulary, [(first, second) for first, second in merges], unk_token=SPECIALS[UNK])


def _unigram(content: Any) -> models.Model:
    kinds = {"type": str, "vocab": list, "unk_id": int, "byte_fallback": bool}
    require_keys(content, kinds, lacking=frozenset({"byte_fallback"}))
    if content["type"] != "Unigram" or content["unk_id"] != UNK or content.get("byte_fallback"):
        raise ValueError("another kind of vocabulary")
    pieces = content["vocab"]
    if not all(
        isinstance(p, list) and len(p) == 2 and is_of(p[0], str) and is_of(p[1], float) and -1e9 < p[1] <= 0 for p in pieces
    ):
        raise ValueError("a piece that is no text with a log-probability")
    _numbered({piece: number for number, (piece, _) in enumerate(pieces)}, len(pieces))
    return models.Unigram([(piece, float(log)) for piece, log in pieces], unk_id=UNK)


def _check(content: Any, kind: str) -> None:
    plain = not (content.get("fuse_unk") or content.get("byte_fallback") or content.get("ignore_merges"))
    if content["type"] != kind or content["unk_token"] != SPECIALS[UNK] or not plain:
        raise ValueError("another kind of vocabulary")


def _numbered(vocabulary: dict[str, int], count: int | None = None) -> dict[str, int]:
    """Symbols with the numbers from 0 up, the specials first, none of them empty."""
    size = len(vocabulary)
    if size > MOST or (count is not None and count != size) or sorted(vocabulary.values()) != list(range(size)):
        raise ValueError("symbols that are not numbered from 0 up, each once")
    if [vocabulary.get(special) for special in SPECIALS] != list(range(len(SPECIALS))) or "" in vocabulary:
        raise ValueError(f"symbols without {', '.join(SPECIALS)} at their head, or with one that is empty")
    return vocabulary
