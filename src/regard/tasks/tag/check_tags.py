"""Tags: their scheme (BIO, BIOES, IOB1 ...), what breaks it, twins that differ in case, tags of one set only, one tag for nearly all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, FindingPlace, list_words, said_and_done, short
from regard.check.labels import Labels, near
from regard.core.errors import DataError
from regard.core.plural import many
from regard.tasks.tag.schemes import note_doubts
from regard.tasks.tag.span_tags import OUTSIDE, split_tag

# What is written for O: small, zero, Cyrillic, Greek ...
OUTSIDES = ("o", "0", "Ｏ", "О", "Ο", "０", "OUT", "Other", "other", "none", "None")


class Tags(Labels):
    """Counts tags, as labels are counted, and looks at each tag beside the one before."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._numbers = self._tokens = 0
        self._labels = set[str]()

    def feed(self, block: Block) -> None:
        if "tags" not in block.cells:
            return
        beside = block.files["tags"] != block.files["tokens"]
        if not block.valid and len(self._labels) < 2:
            self._labels.update(block.cells.get("label", ()))
        for i, cell in enumerate(block.cells["tags"]):
            tags = cell.split()
            tokens = block.cells["tokens"][i].split()
            self._numbers += sum(token.isdigit() for token in tokens)
            self._tokens += len(tokens)
            self.counts[block.valid].update(tags)
            line = block.lines[i]
            for k, tag in enumerate(tags):
                if tag not in self._first:
                    told = f"{' '.join(tokens[k : k + 1])} {tag}"
                    self._first[tag] = FindingPlace(block.files["tags"], line if beside else line + k, told)

    def findings(self) -> Iterator[Finding]:
        train, valid = self.counts[False], self.counts[True]
        if not train:
            return
        yield from self._refused(train, [*self._frame(train), *self._outside(train), *self._alike(train)])
        new = [tag for tag in valid if tag not in train]
        if new:
            what = f"{many(len(new), 'tag occurs', 'tags occur')} in validation only: {list_words(new)}."
            level = "error" if len(new) == len(valid) else "warning" if len(new) > 1 else "note"
            yield Finding("label-only-valid", level, what, len(new), self.first(new), "No net can give them.", quiet=True)
        yield from self._rare(train)

    def _refused(self, train: Counter[str], found: Sequence[Finding]) -> Iterator[Finding]:
        """What was found, as an error where a training refuses the tags for it; and for what else it refuses them."""
        try:
            list(note_doubts(train, self.case.given.scheme or "auto", labelled=len(self._labels) > 1))
            refusal = ""
        except DataError as error:
            refusal = str(error)
        kind = "one-tag" if len(train) == 1 else "outside" if "what is outside of spans" in refusal else ""
        yield from (replace(finding, level="error") if refusal and finding.kind == kind else finding for finding in found)
        if refusal and kind not in {finding.kind for finding in found}:
            what, do = said_and_done(refusal)
            yield Finding("tag-scheme", "error", what.capitalize(), train.total(), self.first(list(train)), do)

    def _rare(self, train: Counter[str]) -> Iterator[Finding]:
        rare = [tag for tag, count in train.items() if count < 3]
        if rare and train.total() > 100:
            what = f"Tags that occur less than 3 times: {len(rare):,} of {len(train):,} ({list_words(rare)})."
            yield Finding("rare-label", "note", what, len(rare), self.first(rare), "Too few to learn from: a typing error?")
            slips = [(a, b) for a in rare for b in train if train[b] >= 5 and a.casefold() != b.casefold() and _slip(a, b)]
            if slips:
                pairs = list_words([f"{a} for {b}?" for a, b in slips])
                what = f"{many(len(slips), 'rare tag looks', 'rare tags look')} like a slip: {pairs}"
                yield Finding("label-slip", "warning", what, len(slips), self.first([a for a, _ in slips]), "Correct them.")

    def _frame(self, train: Counter[str]) -> Iterator[Finding]:
        tag, most = train.most_common(1)[0]
        if self._numbers > 0.5 * self._tokens:
            what = f"{self._numbers / self._tokens:.0%} of the tokens are numbers: is the first column an ID, as in CoNLL-U?"
            do = "Name the file .conllu, or take the column out."
            yield Finding("tokens-are-numbers", "error", what, self._numbers, tuple(self._first.values())[:2], do, trains=True)
        if len(train) == 1:
            what = f"There is one tag only: {short(tag)!r}."
            yield Finding("one-tag", "error", what, most, self.first([tag]), "Is the last column the tag?")
        elif most > 0.995 * train.total() and train.total() > 500:
            what = f"{most / train.total():.1%} of the tags are {short(tag)!r}: always to say it would seem good."
            yield Finding("majority", "warning", what, most, (), "Watch slot_f1, not token_accuracy.")
        if len(train) > 0.3 * train.total() and train.total() > 50:
            what = f"{len(train):,} different tags for {train.total():,} tokens: is the last column the tag?"
            seen, do = self.first(list(train)), "Take the columns behind the tag out."
            yield Finding("many-labels", "error", what, len(train), seen, do, trains=True)

    def _outside(self, train: Counter[str]) -> Iterator[Finding]:
        spans = sum(count for tag, count in train.items() if split_tag(tag)[0])
        wrong = [tag for tag in train if tag in OUTSIDES] if spans or train[OUTSIDE] else []
        if count := sum(train[tag] for tag in wrong):
            tags = many(count, "tag is", "tags are")
            what = f"{tags} {list_words(wrong)} where O (a capital letter) is meant: each would be a tag of its own."
            yield Finding("outside", "warning", what, count, self.first(wrong), f"{FIX}.", True, quiet=True)

    def _alike(self, train: Counter[str]) -> Iterator[Finding]:
        inside = Counter({tag: count for tag, count in train.items() if tag not in OUTSIDES})
        groups = self.group(inside, lambda tag: tag.casefold().replace("_", "-"))
        what = f"{many(len(groups), 'tag is', 'tags are')} written in several ways: {list_words([' | '.join(group) for group in groups])}."
        yield from self.several(train, what)


def _slip(a: str, b: str) -> bool:
    """Whether kinds, not prefixes, differ by a letter."""
    (one, kind), (other, wanted) = split_tag(a), split_tag(b)
    return one == other and len(kind) > 2 and near(kind, wanted)
