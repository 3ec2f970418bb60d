"""Tags: their scheme (BIO, BIOES, IOB1 ...), what breaks it, twins that differ in case, tags of one set only, one tag for nearly all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from regard.check.case import Case
from regard.check.finding import FIX, Block, Finding, FindingPlace, list_words, said_and_done, short
from regard.check.labels import near
from regard.core.errors import DataError
from regard.core.plural import many
from regard.tasks.tag.schemes import note_doubts
from regard.tasks.tag.span_tags import OUTSIDE, split_tag

# What is written for O: small, zero, Cyrillic, Greek ...
OUTSIDES = ("o", "0", "Ｏ", "О", "Ο", "０", "OUT", "Other", "other", "none", "None")


class Tags:
    """Counts tags, and looks at each tag beside the one before."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._counts = {False: Counter[str](), True: Counter[str]()}
        self._first: dict[str, FindingPlace] = {}
        self._numbers = self._tokens = 0
        self._labels = set[str]()
        self.spellings: dict[str, str] = {}  # of tags that are written in several ways, the most frequent

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
            self._counts[block.valid].update(tags)
            line = block.lines[i]
            for k, tag in enumerate(tags):
                if tag not in self._first:
                    self._first[tag] = FindingPlace(
                        block.files["tags"], line if beside else line + k, f"{' '.join(tokens[k : k + 1])} {tag}"
                    )

    def findings(self) -> list[Finding]:
        train, valid = self._counts[False], self._counts[True]
        if not train:
            return []
        found = [*self._frame(train), *self._outside(train), *self._alike(train)]
        found = [*self._refused(train, found)]
        new = [tag for tag in valid if tag not in train]
        if new:
            what = f"{many(len(new), 'tag occurs', 'tags occur')} in validation only: {list_words(new)}."
            level = "error" if len(new) == len(valid) else "warning" if len(new) > 1 else "note"
            found.append(Finding("label-only-valid", level, what, len(new), self._seen(new), "No net can give them.", quiet=True))
        return [*found, *self._rare(train)]

    def _refused(self, train: Counter[str], found: Sequence[Finding]) -> Iterator[Finding]:
        """What was found, as an error where a training refuses the tags for it; and for what else it refuses them."""
        try:
            list(note_doubts(train, self._case.given.scheme or "auto", labelled=len(self._labels) > 1))
            refusal = ""
        except DataError as error:
            refusal = str(error)
        kind = "one-tag" if len(train) == 1 else "outside" if "what is outside of spans" in refusal else ""
        yield from (replace(finding, level="error") if refusal and finding.kind == kind else finding for finding in found)
        if refusal and kind not in {finding.kind for finding in found}:
            what, do = said_and_done(refusal)
            yield Finding("tag-scheme", "error", what.capitalize(), train.total(), self._seen(list(train)), do)

    def _rare(self, train: Counter[str]) -> list[Finding]:
        found = []
        rare = [tag for tag, count in train.items() if count < 3]
        if rare and train.total() > 100:
            what = f"Tags that occur less than 3 times: {len(rare):,} of {len(train):,} ({list_words(rare)})."
            found.append(
                Finding("rare-label", "note", what, len(rare), self._seen(rare), "Too few to learn from: a typing error?")
            )
            slips = [(a, b) for a in rare for b in train if train[b] >= 5 and a.casefold() != b.casefold() and _slip(a, b)]
            if slips:
                pairs = list_words([f"{a} for {b}?" for a, b in slips])
                what = f"{many(len(slips), 'rare tag looks', 'rare tags look')} like a slip: {pairs}"
                found.append(
                    Finding("label-slip", "warning", what, len(slips), self._seen([a for a, _ in slips]), "Correct them.")
                )
        return found

    def _seen(self, tags: Sequence[str]) -> tuple[FindingPlace, ...]:
        return tuple(self._first[tag] for tag in tags[:3] if tag in self._first)

    def _frame(self, train: Counter[str]) -> list[Finding]:
        tag, most = train.most_common(1)[0]
        found = []
        if self._numbers > 0.5 * self._tokens:
            what = f"{self._numbers / self._tokens:.0%} of the tokens are numbers: is the first column an ID, as in CoNLL-U?"
            do = "Name the file .conllu, or take the column out."
            found.append(
                Finding("tokens-are-numbers", "error", what, self._numbers, tuple(self._first.values())[:2], do, trains=True)
            )
        if len(train) == 1:
            what = f"There is one tag only: {short(tag)!r}."
            found.append(Finding("one-tag", "error", what, most, self._seen([tag]), "Is the last column the tag?"))
        elif most > 0.995 * train.total() and train.total() > 500:
            what = f"{most / train.total():.1%} of the tags are {short(tag)!r}: always to say it would seem good."
            found.append(Finding("majority", "warning", what, most, (), "Watch slot_f1, not token_accuracy."))
        if len(train) > 0.3 * train.total() and train.total() > 50:
            what = f"{len(train):,} different tags for {train.total():,} tokens: is the last column the tag?"
            seen, do = self._seen(list(train)), "Take the columns behind the tag out."
            found.append(Finding("many-labels", "error", what, len(train), seen, do, trains=True))
        return found

    def _outside(self, train: Counter[str]) -> list[Finding]:
        spans = sum(count for tag, count in train.items() if split_tag(tag)[0])
        wrong = [tag for tag in train if tag in OUTSIDES] if spans or train[OUTSIDE] else []
        if not wrong:
            return []
        count = sum(train[tag] for tag in wrong)
        tags = many(count, "tag is", "tags are")
        what = f"{tags} {list_words(wrong)} where O (a capital letter) is meant: each would be a tag of its own."
        return [Finding("outside", "warning", what, count, self._seen(wrong), f"{FIX}.", True, quiet=True)]

    def _alike(self, train: Counter[str]) -> list[Finding]:
        folded: dict[str, list[str]] = {}
        for tag in train:
            if tag not in OUTSIDES:
                folded.setdefault(tag.casefold().replace("_", "-"), []).append(tag)
        groups = [sorted(group, key=lambda tag: -train[tag]) for group in folded.values() if len(group) > 1]
        if not groups:
            return []
        rare = [tag for group in groups for tag in group[1:]]
        self.spellings = {tag: group[0] for group in groups for tag in group[1:]}
        what = f"{many(len(groups), 'tag is', 'tags are')} written in several ways: {list_words([' | '.join(group) for group in groups])}."
        count, do = sum(train[x] for x in rare), f"{FIX}: the most frequent."
        return [Finding("label-spelling", "warning", what, count, self._seen(rare), do, True)]


def _slip(a: str, b: str) -> bool:
    """Whether kinds, not prefixes, differ by a letter."""
    (one, kind), (other, wanted) = split_tag(a), split_tag(b)
    return one == other and len(kind) > 2 and near(kind, wanted)
