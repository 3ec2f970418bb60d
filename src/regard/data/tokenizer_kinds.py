"""What a tokenizer knows: the seven kinds, how each cuts a text, and how each learns its vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from regard.core.errors import ConfigError, did_you_mean, message
from regard.data.graphemes import IPA, profile_pattern, read_profile
from regard.data.unigram import learn_unigram

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")

CHARACTER = r"[\s\S]"
CHUNK = re.compile(r" ?[^ ]+| ")
# A space goes with what follows it, as a literal character: nothing is replaced, so everything comes back, even a "▁".
WORD = r" ?\p{Han}| ?[[\p{L}\p{M}\p{N}]&&[^\p{Han}]]+| ?[^\s\p{L}\p{M}\p{N}]|\s"
SUBWORD = r" ?[\p{L}\p{M}]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s"


@dataclass(frozen=True, slots=True)
class TextTreatment:
    """How a kind treats text before its vocabulary sees it."""

    pattern: str  # the pieces that a text is cut into; the vocabulary joins or splits only within them
    folded: bool  # whether each run of white space is one space, and none at the ends
    marked: bool  # whether a text starts with a space of its own, so that a word is the same symbol at the start and inside
    joint: str  # what stands between tokens when they are joined again
    sized: bool  # whether the word says a size


MANNERS = {
    "char": TextTreatment(CHARACTER, folded=False, marked=False, joint="", sized=False),
    "ipa": TextTreatment(IPA, folded=False, marked=False, joint="", sized=False),
    "profile": TextTreatment(
        CHARACTER, folded=False, marked=False, joint="", sized=False
    ),  # its pattern is that of its graphemes
    "space": TextTreatment(r" ", folded=True, marked=False, joint=" ", sized=False),
    "word": TextTreatment(WORD, folded=True, marked=True, joint="", sized=False),
    "bpe": TextTreatment(SUBWORD, folded=False, marked=True, joint="", sized=True),
    "unigram": TextTreatment(SUBWORD, folded=False, marked=True, joint="", sized=True),
}
WORDS = "char | space | word | ipa | profile(FILE) | bpe(SIZE) | unigram(SIZE)"


@dataclass(frozen=True, slots=True)
class TokenizerKind:
    """One of the seven kinds, its size where it has one (specials included, features not), and the file and the graphemes of a profile;
    `str(kind)` is the word."""

    name: str
    size: int = 0
    file: str = ""
    graphemes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({self.file or self.size})" if self.file or self.manner.sized else self.name

    @property
    def manner(self) -> TextTreatment:
        if self.name == "profile":
            return _profiled(self.graphemes)
        return MANNERS[self.name]

    def opened(self) -> TokenizerKind:
        """The kind with what its file says.  DataError for a file that is no profile."""
        return replace(self, graphemes=read_profile(self.file)) if self.file else self

    def fold(self, text: str) -> str:
        """The text as this kind can write it: white space that it does not tell apart is one space."""
        return " ".join(text.split()) if self.manner.folded else text

    def prepare(self, text: str) -> str:
        """The text as the vocabulary reads it."""
        text = self.fold(text)
        if self.name == "space" and "<" in text:  # elsewhere no piece of text can look like a special
            text = " ".join(SPECIALS[UNK] if word in SPECIALS else word for word in text.split(" "))
        return f" {text}" if self.manner.marked and text and not needs_no_space(text[0]) else text

    def restore(self, tokens: Iterable[str]) -> str:
        """`prepare` undone (up to what it folded)."""
        text = self.manner.joint.join(tokens)
        return text.removeprefix(" ") if self.manner.marked else text


@cache
def _profiled(graphemes: tuple[str, ...]) -> TextTreatment:
    return replace(MANNERS["profile"], pattern=profile_pattern(graphemes))


def needs_no_space(character: str) -> bool:
    """Whether a text that begins with this character is of a script that is written without spaces."""
    return unicodedata.name(character, "").startswith(("CJK ", "IDEOGRAPHIC ", "HIRAGANA ", "KATAKANA "))


def kind_of(word: str) -> TokenizerKind:
    """Read a tokenizer's word.  ConfigError where it says nothing."""
    if profile := re.fullmatch(r"\s*profile\s*\(\s*(\S.*?)\s*\)\s*", word):
        return TokenizerKind("profile", file=profile[1])
    found = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\d+)\s*\))?\s*", word)
    name, size = (found[1], found[2]) if found else (word, None)
    if name not in MANNERS:
        do = f"Choose one of them.{did_you_mean(name.lower().partition('(')[0], MANNERS)}"
        raise ConfigError(message("tokenizer", WORDS, repr(word), do))
    if MANNERS[name].sized != (size is not None) or name == "profile":
        do = f"Write {name}(8000)." if MANNERS[name].sized else "Write profile(FILE)." if name == "profile" else f"Write {name}."
        raise ConfigError(message("tokenizer", WORDS, repr(word), do))
    return TokenizerKind(name, int(size or 0))


def rank_symbols(counts: Mapping[str, int]) -> list[str]:
    """The most frequent first, then by code point."""
    return sorted(counts, key=lambda symbol: (-counts[symbol], symbol))


@cache
def cutter(pattern: str) -> pre_tokenizers.PreTokenizer:
    """What cuts a text into the pieces of a pattern."""
    return pre_tokenizers.Split(Regex(pattern), "removed" if pattern == " " else "isolated")


def pieces(kind: TokenizerKind, text: str) -> list[str]:
    """The pieces of one text, in order."""
    return [piece for piece, _ in cutter(kind.manner.pattern).pre_tokenize_str(kind.prepare(text))]


def count_symbols(kind: TokenizerKind, texts: Iterable[str]) -> Counter[str]:
    """How often each piece occurs.  A space can only begin a piece, so each different chunk between spaces is cut only once."""
    chunks: Counter[str] = Counter()
    for text in texts:
        chunks.update(text if kind.name == "char" else CHUNK.findall(kind.prepare(text)))
    cut, counts = cutter(kind.manner.pattern), Counter[str]()
    for chunk, count in chunks.items():
        for piece, _ in cut.pre_tokenize_str(chunk):
            counts[piece] += count
    return counts


def learn(kind: TokenizerKind, texts: Iterable[str], least: int = 1) -> Tokenizer:
    """A trained tokenizer of the `tokenizers` library: specials first, no normaliser.  ConfigError where the size is too small.

    least: how often a whole piece must occur to be a symbol; a learnt size says that already.
    """
    sized = {"bpe": _bpe, "unigram": _unigram}.get(kind.name)
    return around(kind, sized(kind, texts) if sized else _counted(kind, texts, least))


def around(kind: TokenizerKind, model: models.Model) -> Tokenizer:
    """A tokenizer of the library with this vocabulary, and what its kind puts around one."""
    library = Tokenizer(model)
    library.pre_tokenizer = cutter(kind.manner.pattern)
    if not kind.manner.joint:
        library.decoder = decoders.Fuse()
    return library


def _counted(kind: TokenizerKind, texts: Iterable[str], least: int) -> models.Model:
    """Every piece that occurs often enough is a symbol."""
    counts = count_symbols(kind, texts)
    symbols = [*SPECIALS, *(symbol for symbol in rank_symbols(counts) if symbol not in SPECIALS and counts[symbol] >= least)]
    return models.WordLevel({symbol: id for id, symbol in enumerate(symbols)}, unk_token=SPECIALS[UNK])


def _bpe(kind: TokenizerKind, texts: Iterable[str]) -> models.Model:
    """Sennrich et al. 2016, "Neural machine translation of rare words with subword units", algorithm 1."""
    alphabet = {" "}

    def watched() -> Iterator[str]:
        for text in texts:
            alphabet.update(text)
            yield kind.prepare(text)

    library = Tokenizer(models.BPE(unk_token=SPECIALS[UNK]))
    library.pre_tokenizer = cutter(kind.manner.pattern)
    # A pair seen once teaches nothing, so min_frequency is 2.
    trainer = trainers.BpeTrainer(
        vocab_size=kind.size, min_frequency=2, special_tokens=[*SPECIALS], initial_alphabet=[" "], show_progress=False
    )
    library.train_from_iterator(watched(), trainer)
    _check_size(kind, alphabet)
    return library.model


def _unigram(kind: TokenizerKind, texts: Iterable[str]) -> models.Model:
    """Kudo 2018, "Subword regularization", section 3.2."""
    counts = count_symbols(kind, texts)
    alphabet = {" "}.union(*counts)
    _check_size(kind, alphabet)
    learned = learn_unigram(counts, alphabet, kind.size - len(SPECIALS))
    return models.Unigram([*((special, 0.0) for special in SPECIALS), *learned], unk_id=UNK)


def _check_size(kind: TokenizerKind, alphabet: set[str]) -> None:
    """Every character of the texts is a symbol, whatever the size."""
    needed = len(alphabet) + len(SPECIALS)
    if kind.size < needed:
        what = f"at least {needed}: {len(alphabet)} different characters and {len(SPECIALS)} specials"
        raise ConfigError(message(f"tokenizer {kind}", what, str(kind.size), f"Write {kind.name}({needed}) or more, or char."))
