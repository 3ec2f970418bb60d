"""Items as a caller in Python gives them: texts, tuples, mappings, or anything with the right attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from regard.core.errors import DataError, did_you_mean, message
from regard.data.columns import Layout
from regard.data.examples import Item, Place
from regard.data.row_parser import split_features
from regard.data.source_lists import single

PLACE = Place("an item", 1)
FORMS = 'Give a text, (text, features), or {"source": text, "features": features}.'
PAIRS = 'Give (source, target), ((source, features), target), or {"source": text, "target": text, "features": features}.'


def source_of(item: Any, layout: Layout) -> Item:
    """What to predict from: a text (with tabs: read as a line of a file is), (text, features), a mapping with the keys `source` and
    `features` or the names of the columns, or anything with `source` and maybe `features`.  features: a list, or a text parted by `;`.
    DataError for anything else."""
    if isinstance(item, str):
        return single(item, layout) if "\t" in item else _item(item, (), None, FORMS)
    if isinstance(item, Mapping):
        return _mapped(item, layout, FORMS)
    if isinstance(item, tuple | list):
        if len(item) not in (1, 2):
            raise _wrong(item, FORMS)
        return _item(item[0], item[1] if len(item) == 2 else (), None, FORMS)
    if not hasattr(item, "source"):
        raise _wrong(item, FORMS)
    return _item(item.source, getattr(item, "features", ()), None, FORMS)


def pair_of(item: Any, layout: Layout) -> Item:
    """A source with its target, to be scored: a text with tabs, read as a line of a file is, (source, target) with a source as `source_of`
    takes it, a mapping with the keys `source`, `target` and `features` or the names of the columns, or `Item`.  DataError for anything
    else, and without a target."""
    if isinstance(item, str):
        found = single(item, layout)
    elif isinstance(item, Mapping):
        found = _mapped(item, layout, PAIRS)
    elif isinstance(item, Item):
        found = item
    elif isinstance(item, tuple | list) and len(item) == 2:
        if not isinstance(item[1], str):
            raise _wrong(item, PAIRS)
        found = replace(source_of(item[0], layout), target=item[1])
    else:
        raise _wrong(item, PAIRS)
    if found.target is None:
        raise DataError(message(f"an item to score, {found.source!r}", "a source and a target", "no target", PAIRS))
    return found


def _mapped(item: Mapping[Any, Any], layout: Layout, do: str) -> Item:
    keys = {"source": layout.source, "target": layout.target, "features": layout.features}
    names = {key: name for key, name in keys.items() if isinstance(name, str)}
    known = {*keys, *names.values()}
    if strange := [key for key in item if key not in known]:
        do += did_you_mean(strange[0], known)
        raise DataError(message("an item", f"the keys {', '.join(sorted(known))}", repr(strange[0]), do))

    def found(key: str) -> Any:
        return item.get(names.get(key, key), item.get(key))

    return _item(found("source"), found("features"), found("target"), do)


def _item(source: Any, features: Any, target: Any, do: str) -> Item:
    if not isinstance(source, str):
        raise DataError(message("the source of an item", "a text", type(source).__name__, do))
    if target is not None and not isinstance(target, str):
        raise DataError(message("the target of an item", "a text", type(target).__name__, do))
    features = split_features(features) if isinstance(features, str) else () if features is None else features
    if not isinstance(features, Sequence) or not all(isinstance(feature, str) for feature in features):
        raise DataError(message("the features of an item", "a list of texts, or one parted by `;`", repr(features)[:60], do))
    return Item(source, target, tuple(features), PLACE)


def _wrong(item: Any, do: str) -> DataError:
    return DataError(message("an item", "a text, or a text with its features", repr(item)[:60], do))
