"""BERT's vocabulary of word-pieces: `walk ##ing`.  Wu et al. 2016, section 4.1; cut and cleaned as in Devlin et al. 2019."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from regard.core.atomic_files import write_text
from regard.core.errors import ConfigError, DataError, message
from regard.data import wordpiece_json
from regard.data.row_parser import whole
from regard.data.tokenizer_kinds import rank_symbols

PADDING, UNKNOWN, FIRST, BETWEEN, MASK = SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY, MANNER, ADDED, WHOLE = (
    "vocab.txt",
    "tokenizer_config.json",
    "added_tokens.json",
    "tokenizer.json",
)  # the files of a folder
# How a text is cut, by the keys of tokenizer_config.json, and what holds where it does not say.
CUT = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
TOKENIZERS = ("BertTokenizer", "BertTokenizerFast")
FAST = (*TOKENIZERS, "PreTrainedTokenizerFast", "TokenizersBackend")  # what tokenizer.json may be of
KINDS = "wordpiece(SIZE) | char"
GOES_ON = "##"
LONGEST = 100  # letters; a longer word is unknown, as in BERT's own
LEAST = 2  # a letter or a pair that is seen less often teaches nothing


class WordPieces:
    """Pieces of words, each with its number; a piece that goes on begins with `##`.

    Text is cleaned of control characters, and each Chinese character stands apart (unless not `chinese`); marks stand apart too.  lower:
    letters are lowered; accents: they lose theirs (None: where they are lowered).  No text ever gives a special: "[MASK]" in a text is
    three pieces or more, for marks stand apart.  added: names that were added to a vocabulary later, each of which is one piece wherever
    it stands, and whether the text is cleaned before it is looked for.  Of a name that stands twice the last number counts, as in theirs.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        lower: bool = True,
        where: str = VOCABULARY,
        accents: bool | None = None,
        chinese: bool = True,
        added: Mapping[str, bool] | None = None,
    ) -> None:
        self.added = {name: cleaned for name, cleaned in (added or {}).items() if name not in SPECIALS}
        self.names, self.lower, self.accents, self.chinese = tuple(words), lower, accents, chinese
        self._numbers = {word: number for number, word in enumerate(self.names)}
        missing = [special for special in SPECIALS if special not in self._numbers]
        if missing:
            raise DataError(message(where, "a vocabulary with " + " ".join(SPECIALS), f"none of {', '.join(missing)}", _DO))
        self.padding, self.unknown, self.first, self.between, self.mask = (self._numbers[special] for special in SPECIALS)
        self.specials = frozenset(self._numbers[special] for special in SPECIALS)
        self.begins = [not name.startswith(GOES_ON) for name in self.names]  # of each number, whether a word begins with it
        model = models.WordPiece(self._numbers, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST)
        self._library = _library(model, lower, accents, chinese)
        self._library.add_tokens([tokenizers.AddedToken(name, normalized=cleaned) for name, cleaned in self.added.items()])

    @classmethod
    def learn(cls, word: str, texts: Iterable[str], *, lower: bool = True, key: str = "vocabulary") -> WordPieces:
        """word: `wordpiece(8000)`, or `char`: pieces of one letter.  The same texts give the same vocabulary.  ConfigError, which names
        the key, for another word, or a size that has no room for letters."""
        size = parse_kind(word, key)
        library, counts = _library(models.WordPiece({}, unk_token=UNKNOWN), lower), Counter[str]()
        clean, cut = library.normalizer, library.pre_tokenizer
        for text in texts:
            counts.update(piece for piece, _ in cut.pre_tokenize_str(clean.normalize_str(text)))
        letters = _letters(counts, size, key)
        if size is None:
            return cls([*SPECIALS, *letters], lower=lower)
        # Letters are named before: the library numbers what it meets in no fixed order, and ties of pairs go by those numbers.
        trainer = trainers.WordPieceTrainer(
            vocab_size=size, min_frequency=LEAST, special_tokens=[*SPECIALS, *letters], show_progress=False
        )
        plain = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN))
        plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        known = set(letters)
        kept = (word for word in rank_symbols(counts) if len(word) <= LONGEST and known.issuperset(_spelled(word)))
        plain.train_from_iterator(_again((word, counts[word]) for word in kept), trainer)
        found = sorted(plain.get_vocab().items(), key=lambda entry: entry[1])
        return cls([name for name, _ in found], lower=lower)

    @classmethod
    def read(cls, folder: Path) -> WordPieces:
        """The vocabulary of a folder: `vocab.txt`, and what `tokenizer_config.json` says of lower case, accents and Chinese characters
        (without one: lowered), or, where there is none, `tokenizer.json`; with what `added_tokens.json` adds.  DataError where there is
        neither, or it is no such vocabulary."""
        path = folder / VOCABULARY
        whole = not path.exists() and (folder / WHOLE).exists()
        try:
            manner = json.loads((folder / MANNER).read_text("utf-8")) if (folder / MANNER).exists() else {}
            kind, known = manner.get("tokenizer_class", TOKENIZERS[0]), FAST if whole else TOKENIZERS
            if kind not in known:
                raise DataError(message(str(folder / MANNER), f"tokenizer_class {' or '.join(known)}", str(kind), _DO))
            if whole:
                path = folder / WHOLE
                return cls(where=str(path), **wordpiece_json.read(path))
            names = path.read_text(encoding="utf-8").split("\n")
            added = json.loads((folder / ADDED).read_text("utf-8")) if (folder / ADDED).exists() else {}
            numbers, cleaned = wordpiece_json.added_names(added, manner)
            lower, accents, chinese = (manner.get(key, default) for key, default in CUT.items())
        except FileNotFoundError:
            raise DataError(message(str(path), f"a vocabulary, a piece a line (or {WHOLE})", "no such file", _DO)) from None
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise DataError(message(str(folder), f"{VOCABULARY} and {MANNER} in UTF-8", str(error), _DO)) from error
        names = [name.rstrip("\r") for name in (names[:-1] if names[-1] == "" else names)]
        names = wordpiece_json.fill(names, numbers, path)
        accents = None if accents is None else bool(accents)
        return cls(names, lower=bool(lower), where=str(path), accents=accents, chinese=bool(chinese), added=cleaned)

    def save(self, folder: Path) -> None:
        """Write `vocab.txt` and `tokenizer_config.json`, as Hugging Face's tokenizers read them, with `added_tokens.json` if need be."""
        write_text(folder / VOCABULARY, "".join(f"{name}\n" for name in self.names))
        manner: dict[str, Any] = dict(zip(CUT, (self.lower, self.accents, self.chinese), strict=True))
        manner |= {"tokenizer_class": TOKENIZERS[0], "unk_token": UNKNOWN, "sep_token": BETWEEN}
        manner |= {"pad_token": PADDING, "cls_token": FIRST, "mask_token": MASK}
        if self.added:
            numbers = {name: self._numbers[name] for name in self.added}
            told = {"lstrip": False, "rstrip": False, "single_word": False, "special": False}
            manner["added_tokens_decoder"] = {
                str(number): {"content": name, "normalized": self.added[name], **told} for name, number in numbers.items()
            }
        write_text(folder / MANNER, json.dumps(manner, ensure_ascii=False, indent=2) + "\n")
        if self.added:
            write_text(folder / ADDED, json.dumps(numbers, ensure_ascii=False, indent=2) + "\n")

    def __len__(self) -> int:
        return len(self.names)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text, no special among them but [UNK]."""
        with whole(texts):
            return [found.ids for found in self._library.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode(self, text: str) -> list[int]:
        return self.encode_all([text])[0]

    def tokens(self, ids: Iterable[int]) -> tuple[str, ...]:
        """One string for each number, to be shown; `[80]` for one beyond the vocabulary, which a longer table of words may have."""
        return tuple(self.names[id] if id < len(self.names) else f"[{id}]" for id in map(int, ids))

    def locate(self, text: str) -> list[tuple[int, int]]:
        """For each number of a text the characters of it that it stands for: first, and one after the last."""
        return list(self._library.encode(text, add_special_tokens=False).offsets)

    def unseen(self, text: str) -> tuple[str, ...]:
        """The words of a text that have no pieces, each once, in order."""
        found = self._library.encode(text, add_special_tokens=False)
        places = (found.offsets[i] for i, id in enumerate(found.ids) if id == self.unknown)
        return tuple(dict.fromkeys(text[start:end] for start, end in places))


_DO = "Name a folder of a BERT, with the vocab.txt (or tokenizer.json) that it was trained with."


def _library(model: models.WordPiece, lower: bool, accents: bool | None = None, chinese: bool = True) -> tokenizers.Tokenizer:
    library = tokenizers.Tokenizer(model)
    library.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return library


def parse_kind(word: str, key: str) -> int | None:
    """The size that a word says; None for `char`.  ConfigError, which names the key, for a word that `WordPieces.learn` does not know."""
    if word.strip() == "char":
        return None
    found = re.fullmatch(r"\s*wordpiece\(\s*(\d+)\s*\)\s*", word)
    if not found:
        raise ConfigError(message(key, KINDS, repr(word), "Write wordpiece(8000)."))
    return int(found[1])


def _again(counts: Iterable[tuple[str, int]], most: int = 10_000) -> Iterator[str]:
    """Each word as often as it is counted."""
    for word, count in counts:
        for start in range(0, count, most):
            yield " ".join([word] * min(most, count - start))


def _spelled(word: str) -> list[str]:
    """The letters of a word, those that go on marked."""
    return [word[0], *(GOES_ON + letter for letter in word[1:])]


def _letters(counts: Counter[str], size: int | None, key: str) -> list[str]:
    """Letters as words begin and go on with, the most frequent first; half of the vocabulary at most, where it has a size."""
    letters = Counter[str]()
    for word, count in counts.items():
        for letter in _spelled(word) if len(word) <= LONGEST else ():
            letters[letter] += count
    often = [letter for letter in rank_symbols(letters) if size is None or letters[letter] >= LEAST]
    often = often or rank_symbols(letters)
    if size is None:
        return often
    room = size - len(SPECIALS)
    if room < min(len(often), 2):
        do = f"Write wordpiece({len(often) + len(SPECIALS) + 1000}) or more, or char."
        raise ConfigError(message(key, "room for specials and letters", f"wordpiece({size})", do))
    return often[: room if len(often) <= room // 2 else max(room // 2, 1)]
