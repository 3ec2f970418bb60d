"""What a column holds, judged by some of its cells: words, running text, phones parted by blanks, labels, features, numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
FEATURES = re.compile(r"[A-Z0-9][\w+./{}*=<>-]*(([;|])[A-Z0-9][\w+./{}*=<>-]*)+|(N|V|ADJ|ADV|NOUN|VERB|PROPN|PRON)")
TAG = re.compile(r"(O|[BIESLUM]-\S+)")
ARPABET = re.compile(r"[A-Z]{1,2}[0-2]?")
IPA = frozenset("ɐɑɒɓɔɕɖɗəɘɚɛɜɞɟɠɡɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʙʛʝʟʡʢˈˌːˑʰʷʲˠˤ̩̯̪͡")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
SAMPLE = 4000


@dataclass(frozen=True, slots=True)
class Profile:
    """cells: how many were judged, empty ones aside; filled: share that is not empty; distinct: different ones; blanks: share with a
    blank inside; tokens: their mean number; short: share of tokens of at most three letters; inventory: different tokens; numeric,
    features, tags: share of the cells that look so; ipa: whether letters of the IPA alone occur; arpabet: likewise, share of tokens;
    unspaced: share of letters of scripts that write no blanks; length: their mean number."""

    cells: int
    filled: float
    distinct: int
    blanks: float
    tokens: float
    short: float
    inventory: int
    numeric: float
    features: float
    tags: float
    ipa: float
    arpabet: float
    unspaced: float
    length: float

    @property
    def segmented(self) -> bool:
        """Whether blanks stand between symbols, as in `k a t`, and not between words."""
        few = self.inventory < 500 and self.inventory < 0.25 * self.cells * self.tokens + 30
        return self.blanks > 0.6 and self.tokens >= 2 and self.short > 0.9 and few and self.unspaced < 0.2

    @property
    def phones(self) -> bool:
        """Symbols of the IPA or of ARPAbet, parted by blanks."""
        return self.segmented and (self.ipa > 0.02 or self.arpabet > 0.9)

    @property
    def manner(self) -> str:
        """One word for what the column holds."""
        if not self.cells:
            return "nothing"
        if self.numeric > 0.98:
            return "numbers"
        if self.features > 0.8 and self.distinct < max(30, 0.6 * self.cells):
            return "features"
        if self.phones:
            return "phones"
        if self.segmented:
            return "symbols"
        if self.unspaced > 0.4:
            return "unspaced text"
        if self.blanks < 0.3 and self.length < 40:
            return "transcription" if self.ipa > 0.1 else "words"
        return "text"

    @property
    def labels(self) -> bool:
        """Whether few different short ones come again and again."""
        few = self.distinct <= max(2, min(300, 0.1 * self.cells if self.cells >= 60 else 0.4 * self.cells))
        return bool(self.cells) and few and self.length < 40 and self.tokens < 4

    @property
    def told(self) -> str:
        """The manner, with a figure where it helps."""
        if self.labels and self.manner in ("words", "text", "numbers", "unspaced text"):
            return f"{self.distinct} labels"
        return {"phones": "phones, parted by blanks", "symbols": "symbols, parted by blanks"}.get(self.manner, self.manner)


def profile(cells: Sequence[str]) -> Profile:
    """What some cells of a column look like."""
    step = max(1, len(cells) // SAMPLE)
    some = [cell for cell in cells[::step] if cell.strip()]
    n = len(some) or 1
    split = [cell.split() for cell in some]
    count = sum(map(len, split)) or 1
    tokens = Counter(token for row in split for token in row)
    text = "".join(some)
    letters = len(text) or 1
    brief = sum(times for token, times in tokens.items() if _length(token) <= 3)
    return Profile(
        cells=len(some),
        filled=len(some) / (len(cells[::step]) or 1),
        distinct=len({cell.strip() for cell in some}),
        blanks=sum(len(row) > 1 for row in split) / n,
        tokens=count / n,
        short=brief / count,
        inventory=len(tokens),
        numeric=sum(bool(NUMBER.fullmatch(cell.strip())) for cell in some) / n,
        features=sum(bool(FEATURES.fullmatch(cell.strip())) for cell in some) / n,
        tags=sum(all(map(TAG.fullmatch, row)) for row in split) / n,
        ipa=sum(not IPA.isdisjoint(cell) for cell in some) / n,
        arpabet=sum(times for token, times in tokens.items() if ARPABET.fullmatch(token)) / count,
        unspaced=len(UNSPACED.findall(text)) / letters,
        length=letters / n,
    )


def _length(token: str) -> int:
    """Letters of a token, marks that stand on them or modify them aside."""
    return sum(not ("\u02b0" <= c <= "\u036f" or "\u1d2c" <= c <= "\u1dbf") for c in token)
