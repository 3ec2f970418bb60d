"""The scheme of tags that mark spans (BIO, BIOES, BILOU, IOB1): mixed, missing, or broken by a span without a beginning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, Hits, Seen, listed
from regard.check.tags import OUTSIDE, parted

ONE = "Write all of them in one scheme."


class Spans:
    """Looks at each tag beside the one before."""

    def __init__(self, case: Case) -> None:
        self._case, self._counts, self._begun = case, Counter[str](), 0
        self._orphans, self._turns, self._cut = Hits(), Hits(), Hits()

    def feed(self, block: Block) -> None:
        if "tags" not in block.cells:
            return
        beside = block.files["tags"] != block.files["tokens"]
        for i, cell in enumerate(block.cells["tags"]):
            tags = cell.split()
            self._counts.update(tags)
            self._spans(tags, block.cells["tokens"][i].split(), block.files["tags"], block.lines[i], beside)

    def _spans(self, tags: Sequence[str], tokens: Sequence[str], file: str, line: int, beside: bool) -> None:
        """I, M, E or L without a beginning of their kind; B or I that is not closed though others are."""
        before = ("O", "")
        for k, tag in enumerate([*tags, "O"]):
            head, kind = parted(tag)
            goes_on, opened = head in ("I", "M", "E", "L"), before[0] in ("B", "I", "M")
            same = goes_on and opened and before[1] == kind
            if goes_on and not same:
                where = Seen(file, line if beside else line + k, f"{' '.join(tokens[max(0, k - 1) : k + 1])}: {before[0]} {tag}")
                (self._turns if opened else self._orphans).add(where)
            if opened and not same:
                self._cut.count += 1
                if len(self._cut.seen) < 3:
                    self._cut.seen.append(Seen(file, line if beside else line + k, " ".join(tokens[max(0, k - 1) : k + 1])))
            self._begun += head in ("B", "S", "U")
            before = (head or "O", kind)

    def findings(self) -> list[Finding]:
        counts = self._counts
        heads = Counter[str]()
        for tag, count in counts.items():
            heads[parted(tag)[0]] += count
        if not counts or not any(heads[head] for head in heads if head):
            return self._none()
        ends = heads["E"] + heads["S"] + heads["L"] + heads["U"]
        return [*self._mixed(ends), *self._broken(ends)]

    def _none(self) -> list[Finding]:
        if len(self._counts) < 2:
            return []
        level = "warning" if self._counts["O"] else "note"
        what = f"Tags mark no spans (no B- and I-): {listed(list(self._counts))}."
        do, config = "Set tag.scheme: none; each token is judged by itself.", ("tag.scheme: none",)
        return [Finding("no-scheme", level, what, len(self._counts), (), do, False, config)]

    def _mixed(self, ends: int) -> list[Finding]:
        found = []
        bare = [tag for tag in self._counts if not parted(tag)[0] and tag != "O" and tag not in OUTSIDE]
        if bare:
            count = sum(self._counts[tag] for tag in bare)
            what = f"{count:,} tags have no B- or I- ({listed(bare)}), the others have."
            found.append(Finding("mixed-schemes", "warning", what, count, (), ONE))
        if ends and self._cut.count:
            what = f"Schemes are mixed: {self._cut.count:,} spans have no end (E-, S-) though others have."
            found.append(Finding("mixed-schemes", "warning", what, self._cut.count, self._cut.first(), ONE))
        return found

    def _broken(self, ends: int) -> list[Finding]:
        broken = self._orphans.count + self._turns.count
        if not broken:
            return []
        usual = broken > 0.5 * (broken + self._begun)
        what = f"{broken:,} spans begin with I-, not with B-" + (": the scheme is IOB1." if usual else ".")
        do = f"Correct them, or {FIX}: B- where a span begins."
        do = f"Set tag.scheme: iob1, or {FIX}: B- where a span begins." if usual else do
        first = (*self._orphans.first(2), *self._turns.first(1))
        return [Finding("broken-spans", "warning", what, broken, first, do, not ends, ("tag.scheme: iob1",) if usual else ())]
