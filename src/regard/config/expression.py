"""How an expression of words is read: a table says which words there are and what they take.

`scaled + additive(64)`, `causal & window(3)`, `~window(back=2, ahead=0)`, `mine.scores:Mine(3)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from math import isfinite
from typing import NoReturn

from regard.config.other_names import suggest
from regard.core.errors import ConfigError, did_you_mean, message

Number = int | float


@dataclass(frozen=True, slots=True)
class Argument:
    """One number that a word takes.  default: what its bare name stands for, as in `cosine(temperature)`; None: it needs a number."""

    name: str
    kind: type[int] | type[float] = int
    required: bool = False
    least: Number = 1
    most: Number = 2**31 - 1
    default: Number | None = None

    def __str__(self) -> str:
        return self.name if self.required else f"{self.name}?"

    def takes(self, value: Number) -> bool:
        return isinstance(value, self.kind | int) and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a word: its line in the docs, its arguments, the class that it names (`build/` makes it), and what that class says
    of itself, so that a config can be judged without loading it."""

    doc: str
    arguments: tuple[Argument, ...] = ()
    names: str = ""
    same_width: bool = False  # a score for queries and keys of one width
    sequential: bool = False  # looks step by step, by what earlier looks took
    draws: bool = False  # a weighting that is trained by what it drew (REINFORCE)
    mixes: bool = False  # a weighting whose weights only a head of words can use
    longest: str = ""  # the argument beyond which a score has no numbers for a place

    def usage(self, word: str) -> str:
        """`window(back, ahead?)`: how the word is written; `?` marks what may be left out."""
        return f"{word}({', '.join(map(str, self.arguments))})" if self.arguments else word


Table = Mapping[str, Known]


class WordError(ConfigError):
    """An expression that cannot be read, in its parts, so that an error can say where it stands."""

    def __init__(self, what: str, expected: str, received: str, do: str) -> None:
        super().__init__(message(what, expected, received, do))
        self.expected, self.received, self.do = expected, received, do


@dataclass(frozen=True, slots=True)
class Word:
    """A name with the numbers that it was given: `window(3, ahead=0)`; or a class of the user's, `mine.scores:Mine(3, width=2)`."""

    name: str
    args: tuple[Number, ...] = ()
    kwargs: tuple[tuple[str, Number], ...] = ()

    def __str__(self) -> str:
        given = [*map(str, self.args), *(f"{k}={v}" for k, v in self.kwargs)]
        return f"{self.name}({', '.join(given)})" if given else self.name

    @property
    def module(self) -> str:
        """`mine.scores` of `mine.scores:Mine`: whose code it is; empty for a word of the tables."""
        return self.name.rpartition(":")[0]

    def bound(self, table: Table) -> dict[str, Number]:
        """The numbers by their names in the table; what was left out is not there.  The word must have been parsed with this table,
        and be in it: of a class only its constructor knows the names."""
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


def _end(argument: Argument, word: Word) -> str:
    """The upper end, where a number of the word is beyond it: nobody else wants to know."""
    given = (*word.args, *(value for _, value in word.kwargs))
    return f", at most {argument.most}" if any(value > argument.most for value in given) else ""


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
_ID = r"[^\W\d]\w*"
A_CLASS = "package.module:Class"  # how a class of the user's is written
CLASS = re.compile(rf"(?<![\w.]){_ID}(?:\.{_ID})*:{_ID}")  # package.module:Class
_NAME = re.compile(rf"{CLASS.pattern}|(?<![\w.]){_ID}(?:-{_ID})*")


def parse(text: str, table: Table, *, operators: str = "", what: str = "word", classes: bool = False) -> Tree:
    """Read an expression of the table's words.

    operators: which of `+ & | ~` may join them.  what: how an error names the thing.  classes: `package.module:Class` is a word too,
    whatever numbers it is given; nothing is imported here.
    Raises WordError (a ConfigError) for a word that is not in the table, arguments that it does not take, and anything else.
    """
    return _Reader(table, operators, what, text.strip(), classes).read()


@dataclass(frozen=True, slots=True)
class _Reader:
    """names: what the words are called in the text that Python's parser sees, so that it takes `global`, `local-m` and `a.b:C` alike."""

    table: Table
    operators: str
    what: str
    text: str
    classes: bool
    names: dict[str, str] = field(default_factory=dict)

    def read(self) -> Tree:
        if len(self.text) > _LONGEST:
            received, do = f"{len(self.text)} characters", "Write a shorter expression."
            raise WordError(self.what, f"at most {_LONGEST} characters", received, do)
        try:
            body = ast.parse(_NAME.sub(self._named, self.text), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._malformed(self.text or "nothing") from None
        return self._tree(body)

    def _named(self, found: re.Match[str]) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = found.group()
        return name

    def _tree(self, node: ast.expr) -> Tree:
        match node:
            case ast.Name(id=name):
                return self._known(Word(self._plain(name)))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                return self._called(self._plain(name), args, keywords)
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

    def _called(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Word:
        """A word with its numbers.  The bare name of an argument is its default, in its own place or anywhere."""
        known = self.table.get(name, Known(""))
        defaults = {a.name: a.default for a in known.arguments if a.default is not None}
        placed: list[Number] = []
        named: list[tuple[str, Number]] = []
        for place, node in enumerate(args):
            bare = self.names.get(node.id, "") if isinstance(node, ast.Name) else ""
            if bare not in defaults:
                placed.append(self._number(node))
            elif known.arguments[place : place + 1] and known.arguments[place].name == bare:
                placed.append(defaults[bare])
            else:
                named.append((bare, defaults[bare]))
        named += [(self._plain(k.arg or ""), self._number(k.value)) for k in keywords]
        return self._known(Word(name, tuple(placed), tuple(named)))

    def _number(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and isfinite(value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as below):
                return -self._number(below)
        raise self._malformed(self.text)

    def _known(self, word: Word) -> Word:
        if word.module and self.classes:
            names = [k for k, _ in word.kwargs]
            if len(set(names)) < len(names):
                raise WordError(self.what, "each number once", f"'{word}'", "Give a number one name.")
            return word
        known = self.table.get(word.name)
        if known is None:
            usages = " | ".join([*(k.usage(w) for w, k in self.table.items()), *([A_CLASS] if self.classes else [])])
            raise WordError(self.what, usages, f"'{word.name}'", f"Choose one of these.{suggest(word.name, self.table)}")
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
        each = (f"{a.name}: a {'whole ' * (a.kind is int)}number, at least {a.least}{_end(a, word)}" for a in known.arguments)
        kinds = ", ".join(each)
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

    def _plain(self, name: str) -> str:
        """What a name of the parser's was called in the text."""
        if name not in self.names:  # `**`, or letters around a word that are none
            raise self._malformed(self.text)
        return self.names[name]
