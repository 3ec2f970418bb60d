"""How right an answer is that was taken from a text: exact match and F1, English as SQuAD counts, Chinese as CMRC does, and by character
in other scripts that do not part words, and in Korean."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from regard.metrics.text_generation import HAN

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
CHINESE_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』") | {"……"}  # those that CMRC's script leaves out
CHINESE_PART = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5\w]|[^\W\u4e00-\u9fa5]+(?:[.,'][^\W\u4e00-\u9fa5]+)*")
# Kana, Thai, Lao, Tibetan, Myanmar, Khmer; Hangul, whose words end in particles, so that KorQuAD counts characters too.
UNSPACED = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]"
)
WAYS = {"words": "words", "run": "characters, as CMRC counts", "each": "characters"}  # how F1 is counted, for people


def chinese(text: str) -> bool:
    """Whether most letters of a text are Chinese characters."""
    return 2 * len(HAN.findall(text)) > sum(map(str.isalpha, text))


def way_of(text: str) -> str:
    """How answers from a text are counted: `run` where most letters are Chinese, `each` where most are of another script that does not
    part words, or of Korean, else `words`."""
    if chinese(text):
        return "run"
    letters = sum(map(str.isalpha, text))
    return "each" if 2 * sum(map(str.isalpha, (*UNSPACED.findall(text), *HAN.findall(text)))) > letters else "words"


def exact_and_f1(found: str, right: Sequence[str], *, by_character: bool, each: bool = False) -> tuple[bool, float]:
    """Exact match and F1 with the nearest of the right answers.

    English: lower case, without punctuation and articles; F1 of the words in common, each as often as it occurs (Rajpurkar et al. 2016,
    section 6.1, and their script).  by_character: lower case, without the marks that CMRC's script leaves out; F1 of the longest run of
    characters in common, where a word in Latin letters or a number counts as one (Cui et al. 2019, section 4.1, and their script, which
    cuts such words with NLTK's tokenizer, here letters and digits together).  each: lower case, without punctuation; F1 of all characters
    in common but blanks, each as often as it occurs (as KorQuAD's script, Lim et al. 2019).
    """
    if each:
        exact = any(_plain(found) == _plain(answer) for answer in right)
        return exact, max(_words_f1(_letters(found), _letters(answer)) for answer in right)
    if by_character:
        exact = any(_without_marks(found) == _without_marks(answer) for answer in right)
        return exact, max(_f1(_run(mine := _characters(found), theirs := _characters(a)), mine, theirs) for a in right)
    exact = any(_normal(found) == _normal(answer) for answer in right)
    return exact, max(_words_f1(_normal(found).split(), _normal(answer).split()) for answer in right)


def answer_figures(
    found: Sequence[str], right: Sequence[Sequence[str]], *, by_character: Sequence[bool], each: Sequence[bool] = ()
) -> dict[str, float]:
    """`exact_match` and `f1`, means over questions, and `accuracy`: the share that equals a right answer to the letter.  Fractions."""
    judged = judge_answers(found, right, by_character=by_character, each=each)
    return {name: sum(figures) / len(figures) for name, figures in judged.items()}


def judge_answers(
    found: Sequence[str], right: Sequence[Sequence[str]], *, by_character: Sequence[bool], each: Sequence[bool] = ()
) -> dict[str, list[float]]:
    """The figures of `answer_figures` of each question."""
    apart = each or [False] * len(found)
    judged = [exact_and_f1(f, r, by_character=c, each=e) for f, r, c, e in zip(found, right, by_character, apart, strict=True)]
    same = [float(f in r) for f, r in zip(found, right, strict=True)]
    return {"exact_match": [float(exact) for exact, _ in judged], "f1": [f1 for _, f1 in judged], "accuracy": same}


def _normal(text: str) -> str:
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def _plain(text: str) -> str:
    """Without punctuation of any script, and white space folded."""
    composed = unicodedata.normalize("NFC", text.lower())
    return " ".join("".join(x for x in composed if not unicodedata.category(x).startswith("P")).split())


def _letters(text: str) -> list[str]:
    return [character for character in _plain(text) if character != " "]


def _words_f1(mine: list[str], theirs: list[str]) -> float:
    return _f1(sum((Counter(mine) & Counter(theirs)).values()), mine, theirs)


def _f1(both: int, mine: Sequence[str], theirs: Sequence[str]) -> float:
    if not both:
        return 0.0
    precision, recall = both / len(mine), both / len(theirs)
    return 2 * precision * recall / (precision + recall)


def _without_marks(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in CHINESE_MARKS)


def _characters(text: str) -> list[str]:
    return CHINESE_PART.findall(_without_marks(text))


def _run(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """The length of the longest run that both have."""
    return SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match().size
