"""Whether tags fit the scheme that a config names, or that they have: what is broken, what is no tag of spans, what teaches nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from regard.core.errors import DataError, message
from regard.core.plural import list_counts, many
from regard.data.row_parser import RecordError
from regard.tasks.tag.data import TaggedSentence
from regard.tasks.tag.span_tags import OUTSIDE, find_break, mark_ends, says_places, split_tag, to_iob2

LIKE_OUTSIDE = ("o", "0", "О", "Ο", "０", "Ｏ")  # Latin, digit, Cyrillic, Greek, full width
TURNED = re.compile(r"(.+)-([BIESLUM])|([BIESLUM])[_:/.](.+)|(.+)_([BIESLUM])")  # PER-B, B_PER, PER_B
EXPECTED = "spans that begin with B (or S), and are closed where ends are marked"
OTHERWISE = "where tags are no spans, set tag.scheme: none; where I may begin a span (IOB1), tag.scheme: iob1."
ONE = "One file has one scheme, BIO or BIOES."


def check_scheme(found: Iterable[TaggedSentence | RecordError], scheme: str) -> Iterator[TaggedSentence | RecordError]:
    """Sentences whose tags are broken are at fault; one scheme holds for a whole file: where one sentence marks ends, all do.

    scheme: as `tag.scheme`; iob1: they are handed on as IOB2.
    """
    items = list(found)
    tagged = [item for item in items if isinstance(item, TaggedSentence)]
    names = {tag for item in tagged for tag in item.tags}
    if scheme == "none" or (scheme == "auto" and not says_places(names)):
        yield from items
        return
    ends = mark_ends(names)
    mark = next((item.tag_at(i) for item in tagged for i, tag in enumerate(item.tags) if mark_ends([tag])), None)
    for item in items:
        if isinstance(item, RecordError):
            yield item
            continue
        item = replace(item, tags=to_iob2(item.tags)) if scheme == "iob1" and not ends else item
        place = find_break(item.tags, ends=ends)
        yield item if place is None else _fault(item, place, None if mark_ends(item.tags) else mark)


def _fault(item: TaggedSentence, place: int, mark: object | None) -> RecordError:
    """What is wrong with a sentence.  mark: where another sentence marks an end, if this one marks none."""
    before = f" after {item.tags[place - 1]}" if place else " at the start"
    received = f"{item.tags[place]}{before} (token {place + 1}, {item.tokens[place]!r})"
    do = f"Correct the line; or, {OTHERWISE}"
    if mark is not None:
        received += f", and ends are marked in this file ({mark})"
        do = f"{ONE} {do}"
    return RecordError.at(item.tag_at(place), EXPECTED, received, do=do)


def note_doubts(counts: Counter[str], scheme: str, *, labelled: bool) -> Iterator[str]:
    """Notes on the tags of training data that may not be what is meant.  DataError where nothing can be learnt from them.

    counts: how often each tag is there.  labelled: sentences have labels that are learnt beside, of which there are several.
    """
    tokens = counts.total()
    if len(counts) == 1 and not labelled:
        do = "Give data with more tags, or name the column that holds them (data.target)."
        raise DataError(message("tags of the training data", "at least 2 different ones", f"{list_counts(counts)} alone", do))
    if scheme == "none":
        return
    places = says_places(counts)
    turned = Counter({tag: n for tag, n in counts.items() if TURNED.fullmatch(tag)})
    if not places and turned and 2 * len(turned) > len(counts) - 1:
        do = "Write the place first and a hyphen: B-PER; or set tag.scheme: none, where these are just tags."
        raise DataError(message("tags of the training data", "B-KIND, I-KIND and O", list_counts(turned), do))
    if not places and scheme != "auto":
        do = "Set tag.scheme: none, where tags are just tags, such as parts of speech; or name the column that holds them (data.target)."
        expected = f"tags that mark spans (tag.scheme: {scheme})"
        raise DataError(message("tags of the training data", expected, list_counts(counts), do))
    if not places:
        numbers = all(tag.isdecimal() for tag in counts)
        doubt = " They are numbers: write their names (int2str of a Hugging Face feature), if they stand for B-PER and the like."
        yield f"tags: {list_counts(counts)}; they mark no spans, so each is just a tag (tag.scheme: none).{doubt * numbers}"
        return
    yield from _of_spans(counts, tokens, iob1=scheme == "iob1")


def _of_spans(counts: Counter[str], tokens: int, *, iob1: bool) -> Iterator[str]:
    """What is said of tags that mark spans."""
    other = Counter({tag: n for tag, n in counts.items() if tag != OUTSIDE and not split_tag(tag)[0]})
    like = [tag for tag in LIKE_OUTSIDE if tag in other and other[tag] > 0]
    outside = like or ([tag for tag, n in other.most_common(1) if 2 * n > tokens] if OUTSIDE not in counts else [])
    if outside:
        do = f"Write {OUTSIDE}, a capital letter, for tokens outside of spans; or set tag.scheme: none, if it is a tag like others."
        received = f"{outside[0]!r}, of {many(counts[outside[0]], 'token')} of {tokens:,}"
        raise DataError(message("tags of the training data", f"{OUTSIDE} for what is outside of spans", received, do))
    places = "".join(sorted({split_tag(tag)[0] for tag in counts} - {""}))
    known = {"BI": "BIO", "B": "BIO", "BEMS": "BMES", "BEIS": "BIOES", "BILU": "BILOU"}
    name = "IOB1, converted to IOB2" if iob1 else known.get(places, places)
    yield f"tags: {len(counts):,}, of spans ({name})."
    if other:
        yield f"note: these tags mark no place: {list_counts(other)}; each token that has one counts as a span of its own."
