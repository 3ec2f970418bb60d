"""How right an answer is that was taken from a text: exact match and F1, English as SQuAD counts, Chinese as CMRC does."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from regard.tasks.judge import HAN

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
CHINESE_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』") | {"……"}  # those that CMRC's script leaves out
CHINESE_PART = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5\w]|[^\W\u4e00-\u9fa5]+(?:[.,'][^\W\u4e00-\u9fa5]+)*")


def chinese(text: str) -> bool:
    """Whether most letters of a text are Chinese characters."""
    return 2 * len(HAN.findall(text)) > sum(map(str.isalpha, text))


def exact_and_f1(found: str, right: Sequence[str], *, by_character: bool) -> tuple[bool, float]:
    """Exact match and F1 with the nearest of the right answers.

    English: lower case, without punctuation and articles; F1 of the words in common, each as often as it occurs (Rajpurkar et al. 2016,
    section 6.1, and their script).  by_character: lower case, without the marks that CMRC's script leaves out; F1 of the longest run of
    characters in common, where a word in Latin letters or a number counts as one (Cui et al. 2019, section 4.1, and their script, which
    cuts such words with NLTK's tokenizer, here letters and digits together).
    """
    if by_character:
        exact = any(_without_marks(found) == _without_marks(answer) for answer in right)
        return exact, max(_f1(_run(mine := _characters(found), theirs := _characters(a)), mine, theirs) for a in right)
    exact = any(_normal(found) == _normal(answer) for answer in right)
    return exact, max(_words_f1(_normal(found).split(), _normal(answer).split()) for answer in right)


def answer_figures(found: Sequence[str], right: Sequence[Sequence[str]], *, by_character: Sequence[bool]) -> dict[str, float]:
    """`exact_match` and `f1`, means over questions, and `accuracy`: the share that equals a right answer to the letter.  Fractions."""
    each = [exact_and_f1(f, r, by_character=c) for f, r, c in zip(found, right, by_character, strict=True)]
    same = [f in r for f, r in zip(found, right, strict=True)]
    return {
        "exact_match": sum(exact for exact, _ in each) / len(each),
        "f1": sum(f1 for _, f1 in each) / len(each),
        "accuracy": sum(same) / len(same),
    }


def _normal(text: str) -> str:
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


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
    best, before = 0, [0] * (len(theirs) + 1)
    for one in mine:
        row = [0]
        for j, other in enumerate(theirs):
            row.append(before[j] + 1 if one == other else 0)
        best, before = max(best, *row), row
    return best
