"""Letters: normal forms that are mixed, look-alikes of other scripts, lines of another script, digits in words, stand-ins of the IPA."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, Hits, list_words
from regard.check.letters import JAPANESE, LATIN_OF, STAND_INS, name_character, script, scripts
from regard.check.patterns import matching

MIXED = re.compile(
    r"[^\W\d_]*(?:[A-Za-z\u00c0-\u024f][\u0370-\u058f]|[\u0370-\u058f][A-Za-z\u00c0-\u024f])[^\W\d_]*"
)  # letters of Latin beside Greek, Cyrillic or Armenian
BESIDE = re.compile(r"[A-Za-z\u00c0-\u024f][\u0370-\u058f]|[\u0370-\u058f][A-Za-z\u00c0-\u024f]")
SOUNDS = ("phones", "transcription", "symbols")  # manners of cells that are no words
LETTER = r"[a-z\u00df-\u024f]"
DIGITS = re.compile(  # inside a word, at the end of one, at the beginning; the digit comes first, so that it is looked for fast
    rf"[01358](?:(?<={LETTER}.)[01358]*(?={LETTER})|(?<={LETTER}{{3}}[01])(?!\w)|(?<=(?<!\w)[01])(?={LETTER}{{3,}}\b))"
)


class Normal:
    """NFC and NFD in one column: what looks the same is not.  Unicode Standard Annex 15."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._apart = defaultdict[str, Hits](Hits)
        self._whole: dict[str, bool] = {}

    def feed(self, block: Block) -> None:
        for role, text, cells in block.texts(block.cells):
            if text.isascii():
                continue
            self._whole[role] = self._whole.get(role, False) or not unicodedata.is_normalized("NFD", text)
            if unicodedata.is_normalized("NFC", text):
                continue
            hits = self._apart[role]
            for i, cell in enumerate(cells):
                if not cell.isascii() and not unicodedata.is_normalized("NFC", cell):
                    hits.add(block.at(role, i))

    def findings(self) -> Iterator[Finding]:
        for role, hits in self._apart.items():
            both = self._whole[role] and role != "features"
            what = f"{self._case.many(hits.count, role)} {'is' if hits.count == 1 else 'are'} not in Unicode's form NFC"
            what += ", the others are: letters that look the same differ." if both else "."
            do = f"Set data.unicode: nfc, or {FIX}."
            level = "warning" if both else "note"
            yield from hits.report("normal-forms", level, what, do, True, ("data.unicode: nfc",))


class Lookalikes:
    """Words with letters of two scripts: a Cyrillic а in a Latin word."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._roles = [role for role, held in case.profiles.items() if held.manner not in (*SOUNDS, "features")]
        self._found = defaultdict[str, Hits](Hits)

    def feed(self, block: Block) -> None:
        for role, text, cells in block.texts(self._roles):
            if text.isascii() or not any("\u0370" <= letter <= "\u058f" for letter in set(text)):
                continue
            hits = self._found[role]
            for i in matching(BESIDE, text, cells):
                words = [word for word in MIXED.findall(cells[i]) if any(letter in LATIN_OF for letter in word)]
                if words:
                    told = ", ".join(name_character(c) for c in dict.fromkeys(words[0]) if script(c) not in ("LATIN", ""))
                    hits.add(block.at(role, i, f"{words[0]} ({told} among Latin letters)"))

    def findings(self) -> Iterator[Finding]:
        for role, hits in self._found.items():
            what = f"Letters of two scripts in one word in {self._case.many(hits.count, role)}: they look alike and are not."
            yield from hits.report("look-alike", "warning", what, f"{FIX}, by the script of most letters.", True)


class OtherScript:
    """Cells in another script than nearly all of their column: the wrong language, or columns that were exchanged in one line."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._main: dict[str, frozenset[str]] = {}
        self._found = defaultdict[str, Hits](Hits)
        self._rows: Counter[str] = Counter()

    def feed(self, block: Block) -> None:
        for role, text, cells in block.texts(block.cells):
            any_script = role == "features" or role in self._case.own.any_script
            if any_script or self._case.labelled(role) or self._case.manner(role) in SOUNDS:
                continue
            self._rows[role] += len(cells)
            if role not in self._main:
                counts = scripts("".join(cells[:: max(1, len(cells) // 500)]))
                most = max(counts.values(), default=0)
                main = frozenset(name for name, count in counts.items() if count > 0.1 * most)
                self._main[role] = main | JAPANESE if main & JAPANESE else main
            main = self._main[role]
            strange = "".join(c for c in set(text) if script(c) and script(c) not in main)
            if not main or not strange:
                continue
            hits, regex = self._found[role], re.compile(f"[{re.escape(strange)}]{{2}}")
            for i in matching(regex, text, cells):
                counts = scripts(cells[i])
                other = sum(count for name, count in counts.items() if name not in main)
                if other >= 2 and other > 0.7 * sum(counts.values()):
                    hits.add(block.at(role, i))

    def findings(self) -> Iterator[Finding]:
        for role, hits in self._found.items():
            share = hits.count / max(1, self._rows[role])
            if share < 0.2:
                what = f"{self._case.many(hits.count, role)} in another script than the rest."
                level = "note" if share < 0.005 and self._rows[role] > 1000 else "warning"
                do = "Look at these lines: another language, or columns that were exchanged?"
                yield from hits.report("other-script", level, what, do)


class Digits:
    """Digits where letters stand: 0 for o, 1 for l."""

    def __init__(self, case: Case) -> None:
        self._case, self._found, self._rows = case, defaultdict[str, Hits](Hits), 0
        spelled = ("words", "text")
        self._roles = [r for r, held in case.profiles.items() if held.manner in spelled and not case.labelled(r)]

    def feed(self, block: Block) -> None:
        self._rows += len(block.lines)
        for role, text, cells in block.texts(self._roles):
            hits = self._found[role]
            for i in matching(DIGITS, text, cells):
                hits.add(block.at(role, i, ", ".join([word for word in cells[i].split() if DIGITS.search(word)][:3])))

    def findings(self) -> Iterator[Finding]:
        for role, hits in self._found.items():
            level = "warning" if self._case.manner(role) == "words" and hits.count < 0.02 * self._rows else "note"
            what = f"Digits inside words in {self._case.many(hits.count, role)} (0 for o, 1 for l?)."
            yield from hits.report("digits-in-words", level, what, "Correct the words, if they are wrong.")


class StandIns:
    """Letters that are typed for letters of the IPA: g for ɡ, a colon for ː, an apostrophe for ˈ."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._roles = [r for r, held in case.profiles.items() if held.manner in ("phones", "transcription") and held.ipa > 0.02]
        self._counts: dict[str, Counter[str]] = {role: Counter() for role in self._roles}
        self._typed = defaultdict[tuple[str, str], Hits](Hits)

    def feed(self, block: Block) -> None:
        for role, text, cells in block.texts(self._roles):
            counts = self._counts[role]
            for typed, meant in STAND_INS.items():
                if meant:
                    counts[meant] += text.count(meant)
                    counts["parted " + meant] += text.count(meant.replace("\u0361", " ")) if "\u0361" in meant else 0
                    counts["joined " + meant] += text.count(meant.replace("\u0361", "")) if "\u0361" in meant else 0
                if typed in text:
                    hits = self._typed[role, typed]
                    for i in (i for i, cell in enumerate(cells) if typed in cell):
                        hits.add(block.at(role, i))

    def findings(self) -> Iterator[Finding]:
        for role in self._roles:
            both, alone = list[tuple[str, str, Hits]](), list[tuple[str, str, Hits]]()
            for (of, typed), hits in self._typed.items():
                meant = STAND_INS[typed]
                counts = self._counts[role]
                there = counts[meant] + counts["parted " + meant] + counts["joined " + meant] if meant else 0
                if of == role:
                    (both if there else alone).append((typed, meant, hits))
            for group, kind, level in ((both, "ipa-mixed", "warning"), (alone, "ipa-stand-in", "note")):
                group = [one for one in group if one[1]]
                if group:
                    yield self._told(role, group, kind, level)

    def _told(self, role: str, group: list[tuple[str, str, Hits]], kind: str, level: str) -> Finding:
        pairs = list_words([f"{name_character(typed)} for {name_character(meant)}" for typed, meant, _ in group])
        count = sum(hits.count for *_, hits in group)
        seen = tuple(s for *_, hits in group for s in hits.first(2))[:3]
        tail = ": the same sound has two symbols" if kind == "ipa-mixed" else ""
        what = f"Stand-ins for letters of the IPA in {self._case.many(count, role)} ({pairs}){tail}."
        return Finding(kind, level, what, count, seen, f"{FIX}.", True)
