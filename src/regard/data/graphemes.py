"""Symbols of several characters: IPA's letters with their marks, and the graphemes of an orthography profile."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable

from regard.core.errors import DataError, message
from regard.data.columns import by_name
from regard.data.text_files import lines, show_file

COLUMN = "grapheme"  # what a profile calls its first column (Moran & Cysouw 2018, chapter 7), in any case
_APART = "ˈˌꜛꜜ"  # stress and steps are symbols of their own
_MARK = rf"(?:\p{{M}}|[\p{{Lm}}&&[^{_APART}]]|\u02DE)"
_BEFORE = rf"(?:(?<![^\s{_APART}.‿])[\p{{Lm}}&&[^{_APART}ːˑ]]+)?"  # at the start of a word: ⁿd, ʰp
_TIED = r"(?:(?<=[\u0361\u035C])|(?<=[\u0361\u035C]\p{M}))"
# White space, tones, stress; else a letter with what modifies it: marks, raised letters, length; a tie joins the next letter.
IPA = rf"\s|[\u02E5-\u02E9\uA712-\uA716]+|[⁰¹²³⁴-⁹]+|[{_APART}]|{_BEFORE}\S{_MARK}*(?:{_TIED}\S{_MARK}*)*"


def profile_pattern(graphemes: Iterable[str]) -> str:
    """What cuts a text into graphemes, at each place the longest; a character that is in none stands alone, with its marks.

    Composed and decomposed spellings of a grapheme are both known.
    """
    known = {unicodedata.normalize(form, grapheme) for grapheme in graphemes for form in ("NFC", "NFD")} | {*graphemes}
    longest = sorted(known, key=lambda grapheme: (-len(grapheme), grapheme))
    return "|".join([*map(re.escape, longest), r"\s", r"\S\p{M}*"])


def read_profile(file: str) -> tuple[str, ...]:
    """The graphemes of an orthography profile: a table with a column `Grapheme`; others (IPA, Frequency, ...) say nothing on how to cut.

    DataError: no such column, no graphemes, one that is named twice.
    """
    kept = (line for line in lines(file) if line.strip())
    rows = csv.reader(kept) if by_name(file) == "csv" else (line.split("\t") for line in kept)
    names = [cell.strip().lower() for cell in next(iter(rows), [])]
    if COLUMN not in names:
        do = "Give a profile as Moran & Cysouw 2018 have it: a TSV whose first line names a column Grapheme."
        raise DataError(message(f"{show_file(file)}:1", "a column Grapheme", ", ".join(names) or "an empty file", do))
    place = names.index(COLUMN)
    found = [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
    twice = next((grapheme for grapheme in found if found.count(grapheme) > 1), None)
    if twice is not None or not found:
        received = "none" if twice is None else f"{twice!r} twice"
        raise DataError(message(show_file(file), "graphemes, each once", received, "Correct the profile."))
    return tuple(found)
