"""What the names of columns mean, as this field's files have them: which is the source, which the target, which the features."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WORD = "word words wordform orthography ortho orth spelling grapheme graphemes headword lexeme wort mot palabra"
SOUND = (
    "pronunciation pronunciations pron phonemes phoneme phones phone phonetic phonemic phonetics ipa transcription segments "
    "aussprache lautschrift prononciation pronunciacion phonemization"
)
TEXT = "text sentence utterance review tweet document content question title headline"
LABEL = "label labels class category intent sentiment topic target goldlabel coarselabel genre polarity"
FEATURES = "features feature feats msd morphology morph tags tag unimorph unimorphtags morphosyntacticfeatures msdtag grammaticalfeatures"

# (sources, targets, features), the closest first: Form is what is read beside Segments, and what is written beside Lemma.
PAIRS = (
    (
        "lemma lemmata baseform citationform",
        "form wordform inflected inflectedform inflection surface surfaceform word",
        FEATURES,
    ),
    ("form", f"segments {SOUND}", ""),
    (f"{WORD} text", SOUND, FEATURES),
    ("source src input sourcetext sourcesentence", "target tgt output targettext targetsentence reference translation", FEATURES),
    (f"{TEXT} {WORD}", LABEL, ""),
    (TEXT, "translation summary normalized normalised simplified correction answer transcription", ""),
)
TWO_TEXTS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentencea", "sentenceb"),
    ("texta", "textb"),
    ("text1", "text2"),
    ("question1", "question2"),
    ("query", "document"),
)
JUDGED = f"{LABEL} score relation entailmentjudgment entailmentlabel relatednessscore similarity isduplicate judgment goldscore"
ASIDE = (
    "id localid languageid parameterid language lang iso value comment cognacy loan profile split source frequency freq count index "
    "pairid gloss meaning concept pos upos line speaker date"
)
CODES = (  # ISO 639-1, of languages that files of pairs are often of
    "af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko ku ky la lo lt lv "
    "mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru sa si sk sl so sq sr sv sw ta te tg th tk tl tr tt uk ur uz vi yi zh"
)
IMAGES = "image file filename file_name image_name image_path path"  # headers of names of images
TABLE_MARKS = ("\t", ",", "|", ";")  # between the cells of a table with a header
CAPTIONS = "caption captions text comment sentence description"  # and of what is said of them
NAME = re.compile(r"[^\W\d][\w .:()/-]{0,39}")


@dataclass(frozen=True, slots=True)
class Roles:
    """Places of columns, counted from 0: what is read, what is written, its features; `second`: the second of two texts."""

    source: int
    target: int
    features: int | None = None
    second: int | None = None


def plain(name: str) -> str:
    """A name without what people write differently: `Inflected Form` is `inflected_form`."""
    return re.sub(r"[\s_.\-]+", "", name.strip().casefold())


def _each(*names: str) -> tuple[str, ...]:
    """Names, each once."""
    return tuple(dict.fromkeys(plain(name) for some in names for name in some.split()))


_CODES = " ".join(code for code in CODES.split() if code not in ASIDE.split())
NAMES: Mapping[str, tuple[str, ...]] = {  # of each role, all that columns and keys are called
    "source": _each(*(pair[0] for pair in PAIRS), *(first for first, _ in TWO_TEXTS), IMAGES, "english entry", _CODES),
    "second": _each("second", *(second for _, second in TWO_TEXTS)),
    "target": _each(*(pair[1] for pair in PAIRS), JUDGED, "caption captions", _CODES),
    "features": _each(FEATURES),
}
KNOWN = frozenset(_each(ASIDE, CAPTIONS, *(name for names in NAMES.values() for name in names)))


def roles(names: Sequence[str]) -> Roles | None:
    """What these columns are by their names; None where no two of them say it."""
    told = [plain(name) for name in names]
    if (two := _two_texts(told)) is not None:
        return two
    for sources, targets, features in PAIRS:
        found = [_first(told, known) for known in (sources, targets)]
        if None not in found and found[0] != found[1]:
            source, target = (place for place in found if place is not None)
            third = _first(told, features) if features else None
            return Roles(source, target, third if third not in found else None)
    if sum(name in CODES.split() for name in told) == 2:
        source, target = (place for place, name in enumerate(told) if name in CODES.split())
        return Roles(source, target)
    return None


def _first(told: Sequence[str], known: str) -> int | None:
    """The first column of the first known name that is there once."""
    return next((told.index(name) for name in known.split() if told.count(name) == 1), None)


def _two_texts(told: Sequence[str]) -> Roles | None:
    for first, second in TWO_TEXTS:
        if told.count(first) == told.count(second) == 1:
            judged = _first(told, JUDGED)
            if judged is not None:
                return Roles(told.index(first), judged, second=told.index(second))
    return None


def is_header(cells: Sequence[str]) -> bool:
    """Whether cells are certainly names: all different, each could be one, and two of them say what is source and what is target.

    Two codes of languages are no certain names: `en` and `de` are words too.
    """
    told = [plain(cell) for cell in cells]
    could = all(NAME.fullmatch(cell.strip()) or not cell.strip() for cell in cells)
    if len(told) < 2 or not could or len(set(told)) < len(told) or sum(map(bool, told)) < 2:
        return False
    found = roles(cells)
    return found is not None and not (told[found.source] in CODES.split() and told[found.target] in CODES.split())


def may_be_header(cells: Sequence[str], below: Sequence[Sequence[str]] = ()) -> bool:
    """Whether cells look like names, though an item may look so too.  below: the rows that follow; what stands there again, in the same
    column, is no name of it."""
    told = [plain(cell) for cell in cells]
    if len(told) < 2 or len(set(told)) < len(told) or not all(NAME.fullmatch(cell.strip()) for cell in cells):
        return False
    again = {i for row in below for i, cell in enumerate(row[: len(cells)]) if cell.strip() == cells[i].strip()}
    known = " ".join((WORD, SOUND, TEXT, LABEL, FEATURES, ASIDE, JUDGED, *(" ".join(pair[:2]) for pair in PAIRS))).split()
    named = sum(name in known for i, name in enumerate(told) if i not in again)
    return named >= max(1, len(told) - 1) and all(" " not in cell.strip() or plain(cell) in known for cell in cells)


def image_columns(header: str) -> tuple[str, int, int] | None:
    """What parts the cells of a first line that names images and captions, and which columns these are; None for any other line."""
    for mark in TABLE_MARKS:
        names = [cell.strip().lower() for cell in header_cells(header, mark)]
        image, said = (next((n for n in known.split() if n in names), None) for known in (IMAGES, CAPTIONS))
        if len(names) > 1 and image is not None and said is not None:
            return mark, names.index(image), names.index(said)
    return None


def header_cells(line: str, mark: str) -> list[str]:
    """The cells of a line whose cells a mark parts, blanks behind it aside."""
    try:
        return next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:
        return [line]
