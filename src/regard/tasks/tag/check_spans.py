"""The scheme of tags that mark spans (BIO, BIOES, BILOU, IOB1), as a training holds files to one: mixed, missing, or broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, FindingPlace, Hits, list_words
from regard.core.plural import many
from regard.tasks.tag.check_tags import OUTSIDES
from regard.tasks.tag.schemes import ONE, OTHERWISE
from regard.tasks.tag.span_tags import BEGINS, OUTSIDE, find_break, mark_ends, says_places, split_tag, to_iob2

MIXED = "mixed-schemes"


class Spans:
    """Looks at each sentence twice: as one of a file whose tags mark where spans end, and as one of a file whose tags do not."""

    def __init__(self, case: Case, bad: RecordErrors) -> None:
        self._scheme, self._bad = case.given.scheme or "auto", bad
        self._sides = {valid: _Side(self._scheme, valid) for valid in (False, True)}

    def feed(self, block: Block) -> None:
        if "tags" in block.cells:
            self._sides[block.valid].feed(block)

    def findings(self) -> Iterator[Finding]:
        yield from self._none(self._sides[False].counts)
        for side in self._sides.values():
            yield from side.findings(self._bad)

    def _none(self, counts: Counter[str]) -> list[Finding]:
        if len(counts) < 2 or self._scheme == "none" or says_places(counts):
            return []
        level = "warning" if counts[OUTSIDE] else "note"
        what = f"Tags mark no spans (no B- and I-): {list_words(list(counts))}."
        do, config = "Set tag.scheme: none; each token is judged by itself.", ("tag.scheme: none",)
        return [Finding("no-scheme", level, what, len(counts), (), do, False, config, quiet=True)]


class _Side:
    """The sentences of training, or of validation: a training holds each of them to one scheme."""

    def __init__(self, scheme: str, valid: bool) -> None:
        self.counts = Counter[str]()
        self._scheme, self._valid = scheme, valid
        self._faults = {ends: (RecordErrors(), Hits()) for ends in (False, True)}
        self._begun = self._orphans = self._open = 0

    def feed(self, block: Block) -> None:
        beside = block.files["tags"] != block.files["tokens"]
        for i, cell in enumerate(block.cells["tags"]):
            tags, tokens = tuple(cell.split()), block.cells["tokens"][i].split()
            self.counts.update(tags)
            ended = mark_ends(tags)
            self._begun += sum(split_tag(tag)[0] in BEGINS for tag in tags)
            for ends, (bad, hits) in self._faults.items():
                made = to_iob2(tags) if self._scheme == "iob1" and not ends else tags
                place = find_break(made, ends=ends)
                if place is None:
                    continue
                before = made[place - 1] if place else ""
                self._orphans += not ends and split_tag(made[place])[0] == "I"
                self._open += ends and not ended
                where = block.files["tags"], block.lines[i] if beside else block.lines[i] + place
                told = f"{' '.join(tokens[max(0, place - 1) : place + 1])}: {before or 'the start'} {made[place]}"
                hits.add(FindingPlace(*where, told))
                kind = MIXED if ends and not ended else "broken-spans"
                bad.add(kind, *where, cell, f"{made[place]} after {before or 'the start of the sentence'}")

    def findings(self, bad: RecordErrors) -> list[Finding]:
        """What is wrong; a sentence that a training refuses goes to `bad`."""
        if self._scheme == "none" or not says_places(self.counts):
            return []
        ends, found = mark_ends(self.counts), [] if self._valid else self._bare()
        faults, hits = self._faults[ends]
        if hits.count:
            bad.take(faults)
            found += self._refused(ends, hits)
        return found

    def _bare(self) -> list[Finding]:
        bare = [tag for tag in self.counts if not split_tag(tag)[0] and tag != OUTSIDE and tag not in OUTSIDES]
        if not bare:
            return []
        count = sum(self.counts[tag] for tag in bare)
        what = f"{many(count, 'tag has', 'tags have')} no B- or I- ({list_words(bare)}), the others have."
        return [Finding(MIXED, "warning", what, count, (), "Write all of them in one scheme.", skipped=True, quiet=True)]

    def _refused(self, ends: bool, hits: Hits) -> Iterator[Finding]:
        if ends and self._open:
            what = f"Schemes are mixed: {many(hits.count, 'sentence has', 'sentences have')} spans without an end (E-, S-), others have."
            return hits.report(MIXED, "error", what, f"{ONE} Correct them; or, {OTHERWISE}", skipped=True)
        if not self._orphans or ends:
            what = f"{many(hits.count, 'sentence has a span that is', 'sentences have spans that are')} broken."
            return hits.report("broken-spans", "error", what, f"Correct them; or, {OTHERWISE}", skipped=True)
        usual = hits.count > 0.5 * (hits.count + self._begun)
        what = f"Spans begin with I-, not with B-, in {many(hits.count, 'sentence')}{': the scheme is IOB1' if usual else ''}."
        do = f"Correct them, or {FIX}: B- where a span begins; or, {OTHERWISE}"
        do = f"Set tag.scheme: iob1, or {FIX}: B- where a span begins." if usual else do
        return hits.report("broken-spans", "error", what, do, True, ("tag.scheme: iob1",) if usual else (), skipped=True)
