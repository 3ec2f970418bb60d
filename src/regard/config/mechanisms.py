"""The words of a config: which there are and what they take.

The tables below are the only place where words are known; a new score, scope, weighting, cell or tokenizer adds one line here, which
names its class: an attention's by its name in `regard.attention`, a cell's by its module in `regard.networks`.  `expression.py` reads them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from regard.config.expression import A_CLASS as A_CLASS
from regard.config.expression import Argument, Known, Table, Tree, Word, WordError, parse
from regard.config.expression import Op as Op
from regard.config.expression import leaves as leaves

SCORES: Table = {
    "dot": Known("q . h", names="Dot", same_width=True),
    "scaled": Known("q . h / sqrt(D)", names="ScaledDot", same_width=True),
    "general": Known("q W h", names="General"),
    "additive": Known(
        "v . tanh(W1 h + W2 q), with an inner width of `size` (left out: the query's width)", (Argument("size"),), "Additive"
    ),
    "concat": Known("v . tanh(W [q; h]), `size` as in additive", (Argument("size"),), "Concat"),
    "cosine": Known(
        "cos(q, h); with a `temperature`, cos(q, h) / temperature, learned from where it begins (`cosine(temperature)`: from 0.1)",
        (Argument("temperature", float, least=0.001, default=0.1),),
        "Cosine",
        same_width=True,
    ),
    "location": Known(
        "(W q)_k, from the query alone; refuses what is longer than `max`",
        (Argument("max", required=True),),
        "Location",
        longest="max",
    ),
    "key-only": Known("tanh(w . h + b), whoever asks", names="KeyOnly"),
    "self-attentive": Known("v . tanh(W h), whoever asks; `size` as in additive", (Argument("size"),), "SelfAttentive"),
    "location-sensitive": Known(
        "v . tanh(W q + V h + U f + b), f: `channels` filters of `width` places over the last weights; one step at a time",
        (Argument("channels", default=10), Argument("width", default=31), Argument("size")),
        "LocationSensitive",
        sequential=True,
    ),
    "additive-coverage": Known(
        "v . tanh(W q + V h + w c + b), c: what was taken so far; one step at a time",
        (Argument("size"),),
        "AdditiveCoverage",
        sequential=True,
    ),
    "coverage": Known("a bias: w times what was taken so far; one step at a time", names="Coverage", sequential=True),
    "alibi": Known("a bias: -s |i - j|, a slope s for each head", names="Alibi"),
    "relative": Known(
        "a bias: q . a / sqrt(D), a learned for each distance up to `max`", (Argument("max", default=16),), "Relative"
    ),
    "t5": Known(
        "a bias: a learned number for each of `buckets` distances, behind and ahead, up to `distance`",
        (Argument("buckets", least=4, default=32), Argument("distance", default=128)),
        "T5",
    ),
    "t5-causal": Known(
        "a bias: as t5, with all buckets for places behind",
        (Argument("buckets", least=2, default=32), Argument("distance", default=128)),
        "T5Causal",
    ),
}
SCOPES: Table = {
    "everywhere": Known("every place", names="Everywhere"),
    "causal": Known("places up to the query's own", names="Causal"),
    "window": Known(
        "places from `back` before the query to `ahead` after it (left out: as many)",
        (Argument("back", required=True, least=0), Argument("ahead", least=0)),
        "Window",
    ),
    "local-m": Known("places up to `D` away from the query's own", (Argument("D", required=True),), "LocalM"),
    "local-p": Known(
        "places up to `D` away from where the query says, p = S sigmoid(v . tanh(W s)), fading; no `~`",
        (Argument("D", float, required=True, least=0.001),),
        "LocalP",
    ),
    "dilated": Known("every `step`-th place, counted from the query's own", (Argument("step", required=True),), "Dilated"),
    "prefix": Known("the first `count` places", (Argument("count", required=True),), "Prefix"),
    "global": Known("the first `count` places, which in turn see all", (Argument("count", required=True),), "Global"),
}
WEIGHTINGS: Table = {
    "softmax": Known("exp(score), normalised", names="Softmax"),
    "sparsemax": Known("the projection onto the simplex: most places get exactly 0", names="Sparsemax"),
    "entmax15": Known("half way from softmax to sparsemax", names="Entmax15"),
    "entmax": Known(
        "from softmax (`alpha` near 1) to sparsemax (near 2), as each head learns, beginning at 1.5",
        (Argument("alpha", float, least=1.011, default=1.5),),
        "Entmax",
    ),
    "sigmoid": Known(
        "1 / (1 + exp(-(score + bias))), each place for itself (bias: 0)",
        (Argument("bias", float, least=-100, default=0),),
        "Sigmoid",
    ),
    "hard": Known(
        "one place: drawn in training (REINFORCE), the best in use; a share `soft` (0) of the looks, falling to 0, takes the softmax first",
        (Argument("soft", float, least=0, default=0),),
        "Hard",
        draws=True,
    ),
    "drawn": Known(
        "as hard, but drawn in use too, keyed by `seed` (1) and the positions",
        (Argument("seed", least=0, most=2**63 - 1, default=1),),
        "Sampled",
        draws=True,
    ),
    "gumbel": Known(
        "one place: drawn in training (straight-through, temperature from `start` 1 to `end` 0.3), the best in use",
        (Argument("start", float, least=0.001, default=1.0), Argument("end", float, least=0.001, default=0.3)),
        "Gumbel",
    ),
    "marginal": Known(
        "one place, in the mean over all: what each would say is mixed by a head of words", names="Marginal", mixes=True
    ),
    "monotonic": Known(
        "never back: expected in training, hard in use; `r` (0) is learned and added to the scores; one step at a time",
        (Argument("r", float, least=-100, default=0),),
        "Monotonic",
        sequential=True,
    ),
    "monotonic-soft": Known(
        "as monotonic, expected in use too",
        (Argument("r", float, least=-100, default=0),),
        "MonotonicSoft",
        sequential=True,
    ),
}
CELLS: Table = {
    "rnn": Known("h' = tanh(W x + U h + b): the simple recurrent net", names="cells:RNN"),
    "gru": Known("a gated recurrent unit, its reset after the product, as in PyTorch", names="cells:GRU"),
    "lstm": Known("a memory cell between gates", names="cells:LSTM"),
    "gru-reset-before": Known("a gated recurrent unit, its reset before the product", names="gru_reset_before:ResetBeforeGRU"),
    "lstm-peephole": Known("an lstm whose gates see the memory cell beside them", names="peephole:PeepholeLSTM"),
    "lstm-peephole-full": Known("an lstm whose gates see all memory cells", names="peephole:FullPeepholeLSTM"),
}
READERS: Table = {**CELLS, **{f"bi{word}": known for word, known in CELLS.items()}}
TOKENIZERS: Table = {
    "char": Known("every code point"),
    "ipa": Known("a letter of IPA with its marks, raised letters, length and ties; tones and stress by themselves"),
    "profile": Known("the graphemes of an orthography profile (Moran & Cysouw 2018), a file: `profile(FILE)`"),
    "space": Known("what stands between spaces"),
    "word": Known("words and punctuation marks; each Han character by itself"),
    "bpe": Known("byte-pair merges, a vocabulary of `size`", (Argument("size", required=True),)),
    "unigram": Known("a unigram language model, a vocabulary of `size`", (Argument("size", required=True),)),
}


@cache
def score(text: str) -> Tree:
    """A score: words of SCORES, classes (`package.module:Class`) and `+`."""
    return parse(text, SCORES, operators="+", what="score", classes=True)


@cache
def scope(text: str) -> Tree:
    """A scope: words of SCOPES, classes and `& | ~`."""
    return parse(text, SCOPES, operators="&|~", what="scope", classes=True)


@cache
def weighting(text: str) -> Word:
    """A weighting: one word of WEIGHTINGS, or a class."""
    return _word(text, WEIGHTINGS, "weighting")


@cache
def cell(text: str) -> Word:
    """A cell: one word of CELLS, or a class."""
    return _word(text, CELLS, "cell")


class Reader(NamedTuple):
    """The cell that an encoder reads with, and whether it reads in both directions."""

    cell: Word
    both: bool

    def __str__(self) -> str:
        return f"bi{'-' * bool(self.cell.module)}{self.cell}" if self.both else str(self.cell)


@cache
def reader(text: str) -> Reader:
    """A cell with `bi` before it, or without: `bigru`.  Before a class `bi-`, which no name of a module begins with: `bi-mine:Mine`."""
    if ":" in text and text.strip().startswith("bi-"):
        return Reader(cell(text.strip().removeprefix("bi-")), True)
    found = _word(text, READERS, "cell")
    both = not found.module and found.name not in CELLS
    return Reader(cell(found.name.removeprefix("bi")) if both else found, both)


def _word(text: str, table: Table, what: str) -> Word:
    found = parse(text, table, what=what, classes=True)
    assert isinstance(found, Word)  # nothing joins words here
    return found


def tokenizer(text: str) -> Tree | str:
    """A tokenizer: one word of TOKENIZERS; a profile is named by its file, which is no number and stays as it is written."""
    if profile := re.fullmatch(r"\s*profile\s*\(\s*(\S.*?)\s*\)\s*", text):
        return f"profile({profile[1]})"
    if text.strip() == "profile":
        raise WordError("tokenizer", "profile(FILE)", repr(text), "Name the file of the profile.")
    return parse(text, TOKENIZERS, what="tokenizer")
