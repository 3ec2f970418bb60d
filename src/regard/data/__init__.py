"""Floor 3: data.  Files to items, items to tokens, tokens to a store and to batches.  It knows no network.

Names are loaded when they are first used: only `Batch`, `Batches` and `collate` load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.data.batches import Batch as Batch
    from regard.data.batches import Batches as Batches
    from regard.data.batches import collate as collate
    from regard.data.corpus import Corpus as Corpus
    from regard.data.formats import Group as Group
    from regard.data.formats import Item as Item
    from regard.data.formats import Layout as Layout
    from regard.data.formats import Place as Place
    from regard.data.formats import Report as Report
    from regard.data.formats import fingerprint as fingerprint
    from regard.data.formats import group as group
    from regard.data.formats import overlap as overlap
    from regard.data.formats import read_inputs as read_inputs
    from regard.data.formats import read_pairs as read_pairs
    from regard.data.formats import split as split
    from regard.data.lengths import LengthLimit as LengthLimit
    from regard.data.tokenize import Tokenizer as Tokenizer

_FORMATS = ("Group", "Item", "Layout", "Place", "Report", "fingerprint", "group", "overlap", "read_inputs", "read_pairs", "split")
_HOMES = {name: "formats" for name in _FORMATS}
_HOMES |= {"Batch": "batches", "Batches": "batches", "collate": "batches"}
_HOMES |= {"Corpus": "corpus", "LengthLimit": "lengths", "Tokenizer": "tokenize"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'regard.data' has no attribute '{name}'")
    return getattr(import_module(f"regard.data.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
