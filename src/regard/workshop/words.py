"""The words of a config: which there are, what they take, and how an expression of them is read.

`scaled + additive(64)`, `causal & window(3)`, `~window(back=2, ahead=0)`, `bpe(8000)`.  The tables below are the only place where
words are known; a new score, scope, weighting or tokenizer adds one line here, which names its class.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import NoReturn

from regard.ground.errors import ConfigError, did_you_mean, message

Number = int | float


@dataclass(frozen=True, slots=True)
class Argument:
    """One number that a word takes."""

    name: str
    kind: type[int] | type[float] = int
    required: bool = False
    least: Number = 1

    def __str__(self) -> str:
        return self.name if self.required else f"{self.name}?"

    def takes(self, value: Number) -> bool:
        return isinstance(value, self.kind | int) and value >= self.least


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a word: its line in the docs, its arguments, and the class that it names (`build.py` makes it)."""

    doc: str
    arguments: tuple[Argument, ...] = ()
    names: str = ""
    same_width: bool = False  # a score for queries and keys of one width

    def usage(self, word: str) -> str:
        """`window(back, ahead?)`: how the word is written; `?` marks what may be left out."""
        return f"{word}({', '.join(map(str, self.arguments))})" if self.arguments else word


Table = Mapping[str, Known]

SCORES: Table = {
    "dot": Known("q . h", names="Dot", same_width=True),
    "scaled": Known("q . h / sqrt(D)", names="ScaledDot", same_width=True),
    "general": Known("q W h", names="General"),
    "additive": Known(
        "v . tanh(W1 h + W2 q), with an inner width of `size` (left out: the query's width)", (Argument("size"),), "Additive"
    ),
    "cosine": Known("cos(q, h)", names="Cosine", same_width=True),
}
SCOPES: Table = {
    "everywhere": Known("every place", names="Everywhere"),
    "causal": Known("places up to the query's own", names="Causal"),
    "window": Known(
        "places from `back` before the query to `ahead` after it (left out: as many)",
        (Argument("back", required=True, least=0), Argument("ahead", least=0)),
        "Window",
    ),
}
WEIGHTINGS: Table = {
    "softmax": Known("exp(score), normalised", names="Softmax"),
    "sparsemax": Known("the projection onto the simplex: most places get exactly 0", names="Sparsemax"),
    "hard": Known("one place: drawn in training, the best in use", names="Hard"),
}
TOKENIZERS: Table = {
    "char": Known("every code point"),
    "space": Known("what stands between spaces"),
    "word": Known("words and punctuation marks; each Han character by itself"),
    "bpe": Known("byte-pair merges, a vocabulary of `size`", (Argument("size", required=True),)),
    "unigram": Known("a unigram language model, a vocabulary of `size`", (Argument("size", required=True),)),
}


class WordError(ConfigError):
    """An expression that cannot be read, in its parts, so that a door can say where it stands."""

    def __init__(self, what: str, expected: str, received: str, do: str) -> None:
        super().__init__(message(what, expected, received, do))
        self.expected, self.received, self.do = expected, received, do


@dataclass(frozen=True, slots=True)
class Word:
    """A name with the numbers that it was given: `window(3, ahead=0)`."""

    name: str
    args: tuple[Number, ...] = ()
    kwargs: tuple[tuple[str, Number], ...] = ()

    def __str__(self) -> str:
        given = [*map(str, self.args), *(f"{k}={v}" for k, v in self.kwargs)]
        return f"{self.name}({', '.join(given)})" if given else self.name

    def bound(self, table: Table) -> dict[str, Number]:
        """The numbers by their names in the table; what was left out is not there.  The word must have been parsed with this table."""
        names = (a.name for a in table[self.name].arguments)
        return {**dict(zip(names, self.args, strict=False)), **dict(self.kwargs)}


@dataclass(frozen=True, slots=True)
class Op:
    """`~` before one part, or `+`, `&`, `|` between two or more; `a + (b + c)` is `a + b + c`."""

    sign: str
    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        shown = [f"({p})" if isinstance(p, Op) and _BINDS[p.sign] <= _BINDS[self.sign] else str(p) for p in self.parts]
        return f"~{shown[0]}" if self.sign == "~" else f" {self.sign} ".join(shown)


Tree = Word | Op


def leaves(tree: Tree) -> Iterator[Word]:
    """The words of an expression, from left to right."""
    if isinstance(tree, Word):
        yield tree
        return
    for part in tree.parts:
        yield from leaves(part)


_BINDS = {"|": 0, "&": 1, "+": 2, "~": 3}
_SIGNS: dict[type, str] = {ast.BitOr: "|", ast.BitAnd: "&", ast.Add: "+", ast.Invert: "~"}
_LONGEST = 200  # characters: keeps Python's parser far from its limits
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?:-[^\W\d]\w*)*")
_DOT = "·"  # stands for a hyphen, and ends each name so that Python's keywords (`global`, `not`) are words like any other


def parse(text: str, table: Table, *, operators: str = "", what: str = "word") -> Tree:
    """Read an expression of the table's words.

    operators: which of `+ & | ~` may join them.  what: how an error names the thing.
    Raises WordError (a ConfigError) for a word that is not in the table, arguments that it does not take, and anything else.
    """
    return _Reader(table, operators, what, text.strip()).read()


def score(text: str, *, what: str = "score") -> Tree:
    """A score: words of SCORES and `+`."""
    return parse(text, SCORES, operators="+", what=what)


def scope(text: str, *, what: str = "scope") -> Tree:
    """A scope: words of SCOPES and `& | ~`."""
    return parse(text, SCOPES, operators="&|~", what=what)


def weighting(text: str, *, what: str = "weighting") -> Tree:
    """A weighting: one word of WEIGHTINGS."""
    return parse(text, WEIGHTINGS, what=what)


def tokenizer(text: str, *, what: str = "tokenizer") -> Tree:
    """A tokenizer: one word of TOKENIZERS."""
    return parse(text, TOKENIZERS, what=what)


@dataclass(frozen=True, slots=True)
class _Reader:
    table: Table
    operators: str
    what: str
    text: str

    def read(self) -> Tree:
        if len(self.text) > _LONGEST:
            raise WordError(
                self.what, f"at most {_LONGEST} characters", f"{len(self.text)} characters", "Write a shorter expression."
            )
        marked = _NAME.sub(lambda m: m.group().replace("-", _DOT) + _DOT, self.text)
        try:
            body = ast.parse(marked, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._malformed(self.text or "nothing") from None
        return self._tree(body)

    def _tree(self, node: ast.expr) -> Tree:
        match node:
            case ast.Name(id=name):
                return self._known(Word(self._plain(name)))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                named = tuple((self._plain(k.arg or "**"), self._number(k.value)) for k in keywords)
                return self._known(Word(self._plain(name), tuple(map(self._number, args)), named))
            case ast.UnaryOp(op=op, operand=operand) if self._sign(op):
                return Op(self._sign(op), (self._tree(operand),))
            case ast.BinOp(left=left, op=op, right=right) if self._sign(op):
                sides = self._tree(left), self._tree(right)
                same = (p.parts if isinstance(p, Op) and p.sign == self._sign(op) else (p,) for p in sides)
                return Op(self._sign(op), tuple(part for parts in same for part in parts))
        raise self._malformed(self.text)

    def _sign(self, op: ast.AST) -> str:
        sign = _SIGNS.get(type(op), "")
        return sign if sign in self.operators else ""

    def _number(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(value, bool):
                return -value
        raise self._malformed(self.text)

    def _known(self, word: Word) -> Word:
        known = self.table.get(word.name)
        if known is None:
            usages = " | ".join(k.usage(w) for w, k in self.table.items())
            do = f"Choose one of these.{did_you_mean(word.name, self.table)}"
            raise WordError(self.what, usages, f"'{word.name}'", do)
        if not self._fits(word, known):
            self._refuse(word, known)
        # One way of writing: numbers by place as far as possible, so that window(back=2, ahead=0) equals window(2, 0).
        values, names = word.bound(self.table), [a.name for a in known.arguments]
        by_place = tuple(takewhile(lambda name: name in values, names))
        rest = tuple((name, values[name]) for name in names[len(by_place) :] if name in values)
        return Word(word.name, tuple(values[name] for name in by_place), rest)

    @staticmethod
    def _fits(word: Word, known: Known) -> bool:
        """Not too many, none twice, none unknown, each of its kind, none missing."""
        names = [a.name for a in known.arguments]
        given = [*names[: len(word.args)], *(k for k, _ in word.kwargs)]
        values = dict(zip(given, [*word.args, *(v for _, v in word.kwargs)], strict=False))
        return (
            len(word.args) <= len(names)
            and len(set(given)) == len(given)
            and set(given) <= set(names)
            and all(a.name in values or not a.required for a in known.arguments)
            and all(a.name not in values or a.takes(values[a.name]) for a in known.arguments)
        )

    def _refuse(self, word: Word, known: Known) -> NoReturn:
        kinds = ", ".join(f"{a.name}: a {'whole ' * (a.kind is int)}number, at least {a.least}" for a in known.arguments)
        given = (k for k, _ in word.kwargs)
        names = [a.name for a in known.arguments]
        near = next((did_you_mean(k, names) for k in given if k not in names), "")
        expected = known.usage(word.name) + (f" with {kinds}" if kinds else ", which takes no numbers")
        raise WordError(self.what, expected, f"'{word}'", f"Give it what it takes.{near}")

    def _malformed(self, received: str) -> WordError:
        signs = " ".join(self.operators)
        expected = f"words joined by {signs}" if signs else "one word"
        cut = received.count("(") != received.count(")")
        quote = " In YAML's braces, put quotes around a word with commas." if cut else ""
        example = next((k.usage(w) for w, k in self.table.items() if k.arguments), next(iter(self.table)))
        return WordError(self.what, expected, f"'{received}'", f"Write it like `{example.replace('?', '')}`.{quote}")

    @staticmethod
    def _plain(name: str) -> str:
        return name.removesuffix(_DOT).replace(_DOT, "-")
