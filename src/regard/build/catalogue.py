"""Every mechanism that a config can name, as its own docstring tells it: equation, paper, when to use it, cost, what it goes with."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from regard import attention
from regard.attention.aaren import Aaren
from regard.attention.attention_over_attention import AttentionOverAttention
from regard.attention.key_value import Part
from regard.attention.pooling import KerasPool, Pool, StructuredPool
from regard.attention.positions import LearnedPositions, NoPositions, Rotary, SinusoidalPositions
from regard.attention.scope import Scope
from regard.attention.score import Score
from regard.attention.weighting import Weighting
from regard.build.cells import CELLS
from regard.config import mechanisms as words
from regard.networks.copy_head import CopyHead
from regard.networks.heads import WordHead
from regard.networks.marginal_heads import HardMonotonicHead
from regard.networks.recurrent import BahdanauDecoder, LastState, LuongDecoder, TransformedAll, TransformedLast
from regard.networks.self_attentive_decoder import SelfAttentiveDecoder

_Kind = tuple[str, str, str, Mapping[str, Any]]  # kind, key of the config, what it goes with, class by word
_AROUND: tuple[_Kind, ...] = (
    (
        "memory",
        "model.attention.memory",
        "any score, scope, weighting, heads; recurrent nets",
        {"key-value": Part, "key-value-predict": Part},
    ),
    (
        "past",
        "model.past",
        "any recurrent decoder; any score, weighting, heads; scopes that never look ahead",
        {"past": SelfAttentiveDecoder},
    ),
    (
        "position",
        "model.positions",
        "Transformers",
        {"sinusoidal": SinusoidalPositions, "learned": LearnedPositions, "rotary": Rotary, "none": NoPositions},
    ),
    ("family", "model.family", "any look at the source", {"aaren": Aaren}),
    ("cell", "model.decoder", "encoders (with bi before it, in both directions) and decoders; any look", CELLS),
    ("order", "model.order", "any cell, any look", {"bahdanau": BahdanauDecoder, "luong": LuongDecoder}),
    (
        "context",
        "model.context",
        "attention: none",
        {"last": LastState, "transform": TransformedLast, "all": TransformedAll, "pooled": Pool, "structured": StructuredPool},
    ),
    ("head", "model.head", "any look", {"words": WordHead, "copy": CopyHead}),
    ("head", "model.head", "order: luong, input_feeding: false; any score and scope", {"hard-monotonic": HardMonotonicHead}),
    ("above", "Python", "any score", {"AttentionOverAttention": AttentionOverAttention}),
    ("above", "Python", "any encoder", {"KerasPool": KerasPool}),
)
# Name (with initials, "van den", "et al."), year, and whatever follows: section, equation.
_PAPER = re.compile(r"(?<=\s)((?:[A-Z][\w’'-]+(?: et al\.| & [A-Z][\w’'-]+)? (?:19|20)\d\d\b).*)$")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One word of a config.  key: where it is written; usage: how; combines: what it can be combined with; cost: in places n,
    queries m, width d; made_by: the class, as `module.Class`."""

    kind: str
    word: str
    usage: str
    key: str
    equation: str
    says: str
    paper: str
    use: str
    cost: str
    combines: str
    made_by: str

    def row(self) -> dict[str, str]:
        """For JSON: every field."""
        return asdict(self)


def mechanisms() -> list[Mechanism]:
    """The whole catalogue: scores, scopes, weightings, then what stands around a look."""
    looks = (
        ("score", words.SCORES, "model.attention.score", _score),
        ("scope", words.SCOPES, "model.attention.scope", _scope),
        ("weighting", words.WEIGHTINGS, "model.attention.weighting", _weighting),
    )
    found = [
        _told(
            kind, word, known.usage(word), key, getattr(attention, known.names), goes_with(getattr(attention, known.names), known)
        )
        for kind, table, key, goes_with in looks
        for word, known in table.items()
    ]
    return found + [
        _told(kind, word, word, key, made_by, goes) for kind, key, goes, made in _AROUND for word, made_by in made.items()
    ]


def _told(kind: str, word: str, usage: str, key: str, made_by: type, combines: str) -> Mechanism:
    first, *more = [" ".join(p.split()) for p in (inspect.getdoc(made_by) or "").split("\n\n")]
    equation, _, rest = first.removeprefix("`").partition("`")
    rest = rest.lstrip(".,: ")
    paper = _PAPER.search(f" {rest}")
    says = rest[: paper.start() - 1].strip() if paper else rest
    use = next((p for p in more if p.startswith("Use it ")), "")
    cost = next((p for p in more if p.startswith("Cost: ")), "").removeprefix("Cost: ")
    name = f"{made_by.__module__}.{made_by.__qualname__}"
    return Mechanism(kind, word, usage, key, equation, says, paper.group(1) if paper else "", use, cost, combines, name)


def _score(made_by: type[Score], known: words.Known) -> str:
    limits = [
        "queries and keys of one width; of two, they are projected" if known.same_width else "",
        "one query at a time: recurrent decoders only" if made_by.sequential else "",
    ]
    return _limited("any scope, weighting, heads; any other score by +", limits)


def _scope(made_by: type[Scope], known: words.Known) -> str:
    limits = ["no ~: a fade has no opposite" if made_by.fades else "", "in what grows only with causal" if made_by.whole else ""]
    return _limited("any score, weighting, heads; any other scope by & |, and ~", limits)


def _weighting(made_by: type[Weighting], known: words.Known) -> str:
    limits = [
        "one query at a time: recurrent decoders only" if made_by.sequential else "",
        "recurrent decoders with a head of words" if made_by.mixes else "",
    ]
    return _limited("any score, scope, heads", limits)


def _limited(usual: str, limits: list[str]) -> str:
    return "; ".join([usual, *filter(None, limits)])
