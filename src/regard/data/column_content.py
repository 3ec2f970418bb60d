"""What lines and columns look like, whatever they are called: features, phones, tagged words, cells of CSV."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from regard.data.column_names import is_header

PHONE = re.compile(
    r"(?:[AEIOU][AEHIOUWXY]R?|AXR|IX|UX)[0-2]?|B|CH|DH?|DX|E[LMN]|F|G|HH?|JH|K|L|M|NX?|NG|P|Q|R|SH?|TH?|V|WH?|Y|ZH?"
)
BUNDLE = re.compile(r"[A-Z0-9][A-Za-z0-9+_{}/=.:*()\-]*(?:[;|,][A-Za-z0-9+_{}/=.:*()\-]+)*;?")
TAG = re.compile(r"O|[BIESLUM]-\S+|S-\S+")
NUMBER = re.compile(r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[-+]?\d+)?%?", re.IGNORECASE)
SHARE = 0.95  # of the lines must look so


def looks_like_features(cells: Sequence[str]) -> str | None:
    """What parts the features of a column, `;` where no cell has two; None where it is no column of features.

    Features are written in capitals or as Case=Nom, and bundles recur: UniMorph's `V;PST;3;SG`, glosses' `V,PST`, the FEATS of CoNLL-U.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    fits = [
        cell
        for cell in filled
        if BUNDLE.fullmatch(cell) and re.search("[A-Z]", cell) and (cell.isupper() or re.search("[=;]", cell))
    ]
    if len(filled) < 2 or len(fits) < SHARE * len(filled):
        return None
    several = [cell for cell in fits if re.search("[;|,]", cell)]
    if 2 * len(several) < len(fits):
        return None
    parts = Counter(part for cell in several for part in re.split("[;|,]", cell))
    if len(filled) > 20 and 2 * len(parts) > sum(parts.values()):
        return None  # words, not a system of features
    counts = Counter(mark for cell in several for mark in ";|," if mark in cell)
    return counts.most_common(1)[0][0]


def features_part_at(cells: Sequence[str]) -> str:
    """What parts the features of a column that is known to hold some: `;`, but for `|` or `,` where most cells have that, and none `;`."""
    filled = [cell for cell in cells if cell.strip()]
    for mark in "|,":
        if not any(";" in cell for cell in filled) and 2 * sum(mark in cell for cell in filled) > len(filled):
            return mark
    return ";"


def is_dictionary(filled: Sequence[str]) -> bool:
    """Whether lines are a word and its phones in ARPAbet, parted by blanks; or by a tab, with variants as `READ(2)`."""
    found = tabs = variants = 0
    for line in filled:
        word, *phones = re.split(r"\s#", line)[0].split()
        found += bool(phones) and all(PHONE.fullmatch(phone) for phone in phones)
        tabs += "\t" in line
        variants += bool(re.fullmatch(r".+\(\d+\)", word))
    return found >= SHARE * len(filled) and (not tabs or bool(variants))


def is_tagged(kept: Sequence[str]) -> bool:
    rows = [line.split() for line in kept if line.strip() and not line.startswith(("-DOCSTART-", "#"))]
    return (
        bool(rows)
        and all(len(row) >= 2 for row in rows)
        and sum(bool(TAG.fullmatch(row[-1])) for row in rows) >= SHARE * len(rows)
    )


def is_conllu(filled: Sequence[str]) -> bool:
    rows = [line.split("\t") for line in filled if not line.startswith("#")]
    return bool(rows) and all(len(row) == 10 and re.fullmatch(r"\d+(?:[-.]\d+)?", row[0]) for row in rows)


def find_separator(filled: Sequence[str], *, certain: bool) -> tuple[str, list[list[str]]] | None:
    """The separator of CSV and its rows, where nearly all have the same number of cells.  Elsewhere than in a .csv there must be a header,
    since sentences have commas too."""
    best: tuple[tuple[float, bool, int], str, list[list[str]]] | None = None
    for separator in (",", ";", "\t"):
        try:
            rows = [row for row in csv.reader((f"{line}\n" for line in filled), delimiter=separator) if row]
        except csv.Error:
            continue
        width, often = Counter(map(len, rows)).most_common(1)[0]
        if width < 2 or (not certain and (len(rows[0]) != width or often < SHARE * len(rows) or not is_header(rows[0]))):
            continue
        pairs = [(left, right) for row in rows for left, right in pairwise(row)]
        broken = separator == "," and any(re.search(r"\d$", left) and re.match(r"\d+;", right) for left, right in pairs)
        rank = (often / len(rows) if not broken else 0.0, len(rows[0]) == width, width)
        if best is None or rank > best[0]:
            best = rank, separator, rows
    return None if best is None else best[1:]


def above_numbers(rows: list[list[str]]) -> bool:
    """Whether a column has numbers and above them a word, as a table with a header has."""
    if len(rows) < 6 or not all(re.fullmatch(r"[^\W\d]\w*", cell.strip()) for cell in rows[0]):
        return False
    return any(
        all(len(row) > i and NUMBER.fullmatch(row[i].strip()) for row in rows[1:]) and not NUMBER.fullmatch(cell.strip())
        for i, cell in enumerate(rows[0])
    )
