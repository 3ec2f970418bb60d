"""Floor 3: data.  Files to items, items to tokens, tokens to a store and to batches.  It knows no network.

Names are loaded when they are first used: only `Batch`, `Batches` and `collate` load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.data.batching import Batch as Batch
    from regard.data.batching import Batches as Batches
    from regard.data.batching import collate as collate
    from regard.data.length_limit import LengthLimit as LengthLimit
    from regard.data.pairs import Group as Group
    from regard.data.pairs import Item as Item
    from regard.data.pairs import Layout as Layout
    from regard.data.pairs import Place as Place
    from regard.data.pairs import Report as Report
    from regard.data.pairs import fingerprint as fingerprint
    from regard.data.pairs import group as group
    from regard.data.pairs import overlap as overlap
    from regard.data.pairs import read_inputs as read_inputs
    from regard.data.pairs import read_pairs as read_pairs
    from regard.data.pairs import split as split
    from regard.data.token_store import Corpus as Corpus
    from regard.data.tokenizer import Tokenizer as Tokenizer

_FORMATS = ("Group", "Item", "Layout", "Place", "Report", "fingerprint", "group", "overlap", "read_inputs", "read_pairs", "split")
_HOMES = {name: "pairs" for name in _FORMATS}
_HOMES |= {"Batch": "batching", "Batches": "batching", "collate": "batching"}
_HOMES |= {"Corpus": "token_store", "LengthLimit": "length_limit", "Tokenizer": "tokenizer"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'regard.data' has no attribute '{name}'")
    return getattr(import_module(f"regard.data.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
