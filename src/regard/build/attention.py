"""From the words of a config to attentions: the only place where score, scope and weighting words become modules."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import reduce
from operator import add, and_, or_
from typing import Any

from torch import nn

from regard import attention as catalogue
from regard.attention.attention import Attention
from regard.attention.key_value import key_value, part_width
from regard.attention.positions import Rotary
from regard.attention.scope import Scope
from regard.attention.score import Score
from regard.attention.weighting import Weighting
from regard.build import user_classes
from regard.config import AttentionSection, mechanisms
from regard.core.errors import ConfigError, message

_JOIN: Mapping[str, Any] = {"+": add, "&": and_, "|": or_}


def make_attention(
    *,
    score: str = "scaled",
    scope: str = "everywhere",
    weighting: str = "softmax",
    query_size: int,
    memory_size: int,
    heads: int = 1,
    groups: int | None = None,
    rotary: bool = False,
    project: bool | None = None,
    bias: bool = False,
    out: bool = True,
    dropout: float = 0.0,
) -> Attention:
    """An attention from words, such as score="additive(256)", scope="causal & window(3)", weighting="sparsemax".

    query_size, memory_size: widths of the queries and of what is looked at.  groups: heads of keys and values (None: as many).
    rotary: queries and keys are turned by their positions.  project: query, key, value and output projections
    (None: where heads > 1, and where a score that is for queries and keys of one width meets two); without them the look has
    just the parameters of its paper's equation, and reads out memory_size numbers; with them query_size.  Raises ConfigError for
    a word that is not known, with the nearest that is.
    """
    tree = mechanisms.score(score)
    if project is None:
        project = heads > 1 or (query_size != memory_size and bool(_find_same_width(tree)))
    within = (query_size // heads, query_size // heads) if project else (query_size, memory_size)
    sizes = {"query_size": within[0], "key_size": within[1], "size": within[0], "heads": heads}
    _refuse_widths(tree, *within)
    made: Score = _make(tree, mechanisms.SCORES, Score, sizes)
    return Attention(
        query_size,
        memory_size,
        score=made,
        scope=make_scope(scope, query_size=query_size),
        weighting=make_weighting(weighting, heads=heads),
        heads=heads,
        groups=groups,
        rotary=Rotary(within[0]) if rotary else None,
        project=project,
        bias=bias,
        out=out,
        dropout=dropout,
    )


def make_scope(text: str, *, query_size: int) -> Scope:
    """A scope from words; query_size: the width of the queries, for scopes that read them."""
    return _make(mechanisms.scope(text), mechanisms.SCOPES, Scope, {"query_size": query_size})


def make_weighting(text: str, *, heads: int = 1) -> Weighting:
    """A weighting from its word; heads: of the look, for weightings in which each learns something."""
    return _make(mechanisms.weighting(text), mechanisms.WEIGHTINGS, Weighting, {"heads": heads})


def _refuse_widths(score: mechanisms.Tree, query_size: int, key_size: int) -> None:
    alike = _find_same_width(score)
    if alike and query_size != key_size:
        received = f"queries of width {query_size} and keys of width {key_size}"
        do = "Write general or additive, or project: true."
        raise ConfigError(message(" and ".join(alike), "queries and keys of one width", received, do))


def _find_same_width(score: mechanisms.Tree) -> list[str]:
    """Those of its scores that are for queries and keys of one width."""
    return [w.name for w in mechanisms.leaves(score) if _find_class(w, mechanisms.SCORES, Score).same_width]


def _find_class(word: mechanisms.Word, known: mechanisms.Table, noun: type[nn.Module]) -> Any:
    return user_classes.find_class(word, noun) if word.module else getattr(catalogue, known[word.name].names)


def _make(tree: mechanisms.Tree, known: mechanisms.Table, noun: type[nn.Module], sizes: Mapping[str, int]) -> Any:
    """The object that an expression names.  A constructor gets the sizes that it asks for, and the numbers written with its word."""
    if isinstance(tree, mechanisms.Op):
        parts = [_make(part, known, noun, sizes) for part in tree.parts]
        return ~parts[0] if tree.sign == "~" else reduce(_JOIN[tree.sign], parts)
    if tree.module:
        return user_classes.make_instance(tree, noun, sizes)
    made_by = _find_class(tree, known, noun)
    asked = inspect.signature(made_by).parameters
    return made_by(**{**{k: v for k, v in sizes.items() if k in asked}, **tree.bound(known)})


def make_key_value(
    section: AttentionSection,
    *,
    query_size: int,
    memory_size: int,
    heads: int,
    project: bool | None,
    rotary: bool = False,
    directions: int = 1,
) -> Attention:
    """A look at states whose keys and values may be parts of them.  directions: how many states lie side by side."""
    part = part_width(memory_size, section.parts, directions=directions)
    made = make_from_section(section, query_size=query_size, memory_size=part, heads=heads, project=project, rotary=rotary)
    return made if section.parts == 1 else key_value(made, directions=directions)


def make_from_section(
    section: AttentionSection, *, query_size: int, memory_size: int, heads: int, project: bool | None, rotary: bool = False
) -> Attention:
    """The look of a section, at what is as wide as it says: undivided states, or parts of them."""
    return make_attention(
        score=section.score,
        scope=section.scope,
        weighting=section.weighting,
        query_size=query_size,
        memory_size=memory_size,
        heads=heads,
        groups=section.groups,
        rotary=rotary,
        project=project,
        bias=section.bias,
        out=section.out,
        dropout=section.dropout,
    )
