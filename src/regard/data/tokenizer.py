"""Text to numbers and back.  One word says how: `char`, `ipa`, `profile(FILE)`, `space`, `word`, `bpe(8000)`, `unigram(8000)`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from pathlib import Path

import tokenizers

from regard.core.atomic_files import write_text
from regard.core.bounded_json import read_json, require_keys
from regard.core.errors import DataError, RunFolderError, message
from regard.data.offsets import Span, locate
from regard.data.row_parser import whole
from regard.data.stored_vocabulary import stored_model
from regard.data.tokenizer_kinds import BOS as BOS
from regard.data.tokenizer_kinds import EOS, SPECIALS, UNK, WORD, around, cutter, kind_of, learn, pieces, rank_symbols
from regard.data.tokenizer_kinds import PAD as PAD

SLICE, MOST = 20_000, 1_000_000  # characters that are handed to the library at once; and of one word
KIND, VERSION = "regard tokenizer", 1  # what a file says of itself
UNKNOWN_SHOWN = "⁇"  # how text shows what has no symbol: never silently dropped, so that it never passes for right


def slice_text(text: str, *, anywhere: bool) -> list[str]:
    """A text in parts that give the same tokens as the whole: the library keeps some 0.7 kB for each character that it is handed at once.

    No token goes over the beginning of a space; where each character is a token (anywhere), parts end where they are long enough.
    DataError for a text that is not cut because its one word has no end.
    """
    if len(text) <= SLICE:
        return [text]
    parts, begin = [], 0
    while begin < len(text):
        end = min(begin + SLICE, len(text)) if anywhere else text.find(" ", begin + SLICE)
        end = len(text) if end < 0 else end
        if end - begin > MOST:
            received = f"one of {end - begin:,}: {text[begin : begin + 20]!r}..."
            expected = f"words of at most {MOST:,} characters"
            raise DataError(message("a text", expected, received, "Cut it, or look for line ends."))
        parts.append(text[begin:end])
        begin = end
    return parts


class Tokenizer:
    """One vocabulary and how text is cut into it; long because all that knows its numbers stands together.

    Ids 0 to 3 are `<pad>`, `<s>`, `</s>`, `<unk>`; then come the symbols of text; then one `<N>` for each feature N.  No text
    ever gives a special or a feature: "</s>" in a text is four characters.  Spaces belong to the token that follows them.
    """

    def __init__(self, word: str, library: tokenizers.Tokenizer, features: Sequence[str], graphemes: Sequence[str] = ()) -> None:
        self.word = word
        self.features = tuple(features)
        self._kind = replace(kind_of(word), graphemes=tuple(graphemes))
        self._library = library
        size = library.get_vocab_size()
        known = sorted(library.get_vocab().items(), key=lambda entry: entry[1])
        self._symbols = [symbol for symbol, _ in known]
        self._text = frozenset(self._symbols[len(SPECIALS) :])
        self._feature_ids = {name: size + place for place, name in enumerate(self.features)}
        self._shown = [symbol.replace(" ", "▁") for symbol in self._symbols] + [f"<{name}>" for name in self.features]
        self._spelt: list[str | None] = [symbol if self._is_text(id) else None for id, symbol in enumerate(self._symbols)]
        self._spelt[UNK] = UNKNOWN_SHOWN
        self._spelt += [None] * len(self.features)

    @classmethod
    def train(cls, word: str, texts: Iterable[str], *, features: Iterable[str] = (), least: int = 1) -> Tokenizer:
        """Learn a vocabulary.  The same texts and features give the same tokenizer, to the byte of its file.

        least: a symbol of `char`, `space` or `word` that occurs less often is left out, and so is UNK in training too.
        ConfigError: a word that is none of these, or a size that cannot hold every character of the texts.  DataError: a profile that
        is none.
        """
        kind = kind_of(word).opened()
        return cls(str(kind), learn(kind, texts, least), rank_symbols(Counter(features)), kind.graphemes)

    def __len__(self) -> int:
        """The number of ids, specials and features included."""
        return len(self._symbols) + len(self.features)

    def encode(self, text: str, features: Sequence[str] = ()) -> list[int]:
        """Features, then the text, then EOS; no BOS.  What training never saw is UNK."""
        return self.encode_all([text], [features])[0]

    def encode_all(self, texts: Sequence[str], features: Sequence[Sequence[str]] | None = None) -> list[list[int]]:
        """`encode` for many texts at once, which is many times faster."""
        with whole(texts):
            prepared = [self._kind.prepare(text) for text in texts]
            cut = [slice_text(text, anywhere=self._kind.name == "char") for text in prepared]
            short = [parts[0] for parts in cut if len(parts) == 1]
            found = iter(self._library.encode_batch_fast(short, add_special_tokens=False))
        ids = [next(found).ids if len(parts) == 1 else self._in_parts(parts) for parts in cut]
        each: Sequence[Sequence[str]] = [()] * len(texts) if features is None else features
        return [[self._feature_ids.get(name, UNK) for name in names] + own + [EOS] for names, own in zip(each, ids, strict=True)]

    def _in_parts(self, parts: Iterable[str]) -> list[int]:
        """One after the other, so that never more than one lies in the library."""
        return [id for part in parts for id in self._library.encode_batch_fast([part], add_special_tokens=False)[0].ids]

    def decode(self, ids: Iterable[int], beyond: Sequence[str | None] = ()) -> str:
        """The text of ids up to EOS, without specials and features; an UNK shows as `⁇`.  beyond: the symbols behind the vocabulary.

        Exact for char, ipa, profile, bpe and unigram: `decode(encode(text)) == text` where training saw every character.
        `space` and `word` fold white space.
        """
        known, size = self._spelt, len(self)
        written = takewhile(lambda id: id != EOS, map(int, ids))
        spelt = (known[id] if id < size else beyond[id - size] or "" for id in written)
        return self._kind.restore([symbol for symbol in spelt if symbol is not None])

    def tokens(self, ids: Iterable[int], beyond: Sequence[str | None] = ()) -> list[str]:
        """One string per id, to be shown: `</s>` is the end, `<N>` a feature, and `▁` a space.  beyond: the symbols behind the vocabulary,
        which is `<unk>` where they are not given."""
        known, size = self._shown, len(self)

        def new(place: int) -> str:
            return ((beyond[place] if place < len(beyond) else None) or SPECIALS[UNK]).replace(" ", "▁")

        return [known[id] if id < size else new(id - size) for id in map(int, ids)]

    def fold(self, text: str) -> str:
        """The text as this tokenizer can write it: `space` and `word` know no white space but one space between tokens."""
        return self._kind.fold(text)

    def pieces(self, text: str) -> list[str]:
        """The tokens of a text without its end, each as it stands there, also where training never saw it; `▁` is a space."""
        return [str(symbol).replace(" ", "▁") for symbol in self.symbols(text)]

    def symbols(self, text: str, features: Sequence[str] = ()) -> list[str | None]:
        """Of each id of `encode`, its end aside, the symbol, also where training never saw it; of features None."""
        none = [None] * len(features)
        if self._kind.name == "space":  # a word that is spelt like a special is a word here
            return [*none, *text.split()]
        prepared = self._kind.prepare(text)
        encoding = self._library.encode(prepared, add_special_tokens=False)
        each = zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
        return [*none, *(prepared[start:end] if id == UNK else token for id, token, (start, end) in each)]

    def number(self, symbol: str) -> int | None:
        """The id of a symbol of text; None where there is none."""
        return self._library.token_to_id(symbol) if symbol in self._text else None

    def words(self, ids: Iterable[int]) -> list[int]:
        """For each id the number of the word that it belongs to, from 0 up, so that a viewer can join what was split.

        A word is what `word` would cut: letters and digits together, a mark or a Chinese character alone.  With `space`, and for
        specials and features, each id is its own word.
        """
        parts, alone = [], []
        for id in map(int, ids):
            alone.append(self._kind.name in ("space", "word") or not (self._is_text(id) or id == UNK))
            parts.append("\n" if alone[-1] else "x" if id == UNK else self._symbols[id])
        starts, at = {}, 0  # where each word begins in the joined text
        for number, (_, (start, end)) in enumerate(cutter(WORD).pre_tokenize_str("".join(parts))):
            starts.update(dict.fromkeys(range(start, end), number))
        found = []
        for part in parts:
            found.append(starts[at])
            at += len(part)
        first = {number: place for place, number in enumerate(dict.fromkeys(found))}
        return [first[number] for number in found]

    def twins(self, other: Tokenizer) -> list[int]:
        """For each id the id of the same symbol of text in another vocabulary, or -1: specials and features have none."""
        theirs = {symbol: id for id, symbol in enumerate(other._symbols) if other._is_text(id)}
        return [theirs.get(self._symbols[id], -1) if self._is_text(id) else -1 for id in range(len(self))]

    def joined(self, newer: Tokenizer) -> Tokenizer:
        """This vocabulary, and behind its text what a newer one of the same word knows beside it; features last.  Learnt pieces (bpe,
        unigram) stay as they are: they were learnt together."""
        symbols = self._symbols
        library = self._library
        if isinstance(library.model, tokenizers.models.WordLevel):
            symbols = [*symbols, *(symbol for symbol in newer._symbols if symbol not in self._text and symbol not in SPECIALS)]
            library = tokenizers.Tokenizer.from_str(library.to_str())
            numbers = {symbol: id for id, symbol in enumerate(symbols)}
            library.model = tokenizers.models.WordLevel(numbers, unk_token=SPECIALS[UNK])
        return Tokenizer(self.word, library, [*self.features, *(name for name in newer.features if name not in self.features)])

    @property
    def symbols_by_id(self) -> list[str]:
        """What each id stands for in a text, the signs included and features aside."""
        return list(self._symbols)

    @property
    def library(self) -> str:
        """What cuts the texts, as the library `tokenizers` writes it."""
        return self._library.to_str()

    def places(self, other: Tokenizer) -> list[int]:
        """For each id the id of the same special, symbol of text or feature in another vocabulary; -1 where that has none."""
        text = {symbol: id for id, symbol in enumerate(other._symbols)}
        found = [text.get(symbol, -1) for symbol in self._symbols]
        return found + [other._feature_ids.get(name, -1) for name in self.features]

    def locate(self, text: str, clean: Callable[[str], str] = str) -> list[Span]:
        """For each id of `encode(clean(text))`, its end aside, the characters of `text` that it stands for."""
        if self._kind.name == "space":  # what looks like a special is another word there, but stands where it stood
            words = clean(text).split()
            ends = list(accumulate(len(word) + 1 for word in words))
            cut = [(end - len(word) - 1, end - 1) for word, end in zip(words, ends, strict=True)]
            return locate(text, cut, " ".join(words), clean)
        prepared = self._kind.prepare(clean(text))
        return locate(text, self._library.encode(prepared, add_special_tokens=False).offsets, prepared, clean)

    def unknown(self, text: str, features: Sequence[str] = ()) -> list[str]:
        """What training never saw, each once, in order: features, then characters (space and word: tokens)."""
        name = self._kind.name
        parts = text.split() if name == "space" else pieces(self._kind, text) if name in ("word", "ipa", "profile") else text
        found = [name for name in features if name not in self._feature_ids]
        found += [part.strip(" ") or part for part in parts if part not in self._text]
        return list(dict.fromkeys(found))

    def _is_text(self, id: int) -> bool:
        return len(SPECIALS) <= id < len(self._symbols)

    def save(self, path: Path | str) -> None:
        """Write one JSON file, whole or not at all."""
        content = {
            "kind": KIND,
            "version": VERSION,
            "word": self.word,
            "features": self.features,
            **({"graphemes": self._kind.graphemes} if self._kind.graphemes else {}),  # the profile is kept with the run
            "tokenizer": json.loads(self._library.to_str()),
        }
        write_text(Path(path), json.dumps(content, ensure_ascii=False, indent=1))

    @classmethod
    def load(cls, path: Path | str) -> Tokenizer:
        """Read what `save` wrote.  RunFolderError where it is missing, damaged or of a newer version."""
        try:
            content = read_json(Path(path))
            if content["kind"] == KIND and content["version"] > VERSION:
                received, do = str(content["version"]), "Install a newer regard."
                raise RunFolderError(message(str(path), f"version {VERSION} or older", received, do))
            kinds = {"kind": str, "version": int, "word": str, "features": list[str], "graphemes": list[str], "tokenizer": dict}
            require_keys(content, kinds, lacking=frozenset({"graphemes"}))
            if content["kind"] != KIND or len(set(content["features"])) < len(content["features"]):
                raise ValueError("other content")
            graphemes = tuple(content.get("graphemes", ()))
            kind = replace(kind_of(content["word"]), graphemes=graphemes)
            library = around(kind, stored_model(kind.name, content["tokenizer"]["model"]))
            made = cls(content["word"], library, content["features"], graphemes)
            made.encode("a b")  # what the library refuses only now is told now
            return made
        except RunFolderError:
            raise
        except FileNotFoundError as error:
            raise RunFolderError(message(str(path), "a tokenizer file", "no such file", "Give a whole run folder.")) from error
        except Exception as error:  # the library raises plain Exceptions; whatever it was, the file is not what `save` wrote
            do = "Copy the run folder again, or train again."
            received = f"{type(error).__name__}: {error}"
            raise RunFolderError(message(str(path), "a tokenizer that regard wrote", received, do)) from error
