"""What a training refuses and no other check tells: each file is read once more, by the very readers of a training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from regard.check.bad_lines import RecordErrors, place_said
from regard.check.finding import Finding, refusal
from regard.check.form import FileForm, StatedForm
from regard.check.items_seen import FEW, FilesToRead, ItemsSeen
from regard.check.raw_lines import RawLines
from regard.check.rows import numbered
from regard.check.task_checks import TaskChecks
from regard.core.errors import DataError, RegardError, message
from regard.data.parts import all_parts
from regard.data.row_parser import RecordError


def refusals(
    own: TaskChecks,
    files: Sequence[str],
    valid: Sequence[str],
    form: FileForm,
    given: StatedForm,
    bad: RecordErrors,
    *,
    told: bool,
) -> list[Finding]:
    """Lines that a training refuses go to `bad`, those that are there already aside; what it refuses as a whole is an error.

    told: whether other checks have found an error, which is then what a training refuses."""
    found: list[Finding] = []
    try:
        seen = _read(own, FilesToRead(files, form, given), bad)
        if seen and seen.count and not told and not bad.count:
            found += map(refusal, _lacks(own, seen, given, bool(valid)))
        beside = _read(own, FilesToRead(valid, form, given, files), bad) if valid else None
    except RegardError as error:
        return [] if told or bad.count else [refusal(error)]
    if beside is not None and not beside.count and not told and not bad.count:
        found.append(refusal(message(" + ".join(valid), "items to validate with", "none", "Give a file with data.")))
    return found


def _read(own: TaskChecks, read: FilesToRead, bad: RecordErrors) -> ItemsSeen | None:
    if (items := own.items(read)) is None:
        return None
    known = {file: frozenset(numbers) for file, numbers in bad.numbers.items()}
    seen, new, parts = ItemsSeen(), dict[str, dict[int, RecordError]](), all_parts(read.files)
    for item in items:
        if isinstance(item, RecordError):
            file, line = place_said(str(item), parts)
            if line not in known.get(file, ()) and not (line == 0 and known.get(file)):
                new.setdefault(file, {}).setdefault(line, item)
            continue
        seen.count += 1
        if len(seen.first) <= FEW:
            seen.first.append(item)
        seen.letters += len(getattr(item, "text", ""))
        if "target" in own.labelled:
            seen.right[str(item.target).strip()] += 1
        if seen.count > FEW and own.enough(seen, read.given):
            break
    for file, faults in new.items():
        for line, text in _texts(file, faults):
            why = str(faults[line]).removeprefix(f"{file}:{line}: ")
            bad.add(own.fault or faults[line].kind, file, line, text, why)
    return seen


def _texts(file: str, faults: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The lines at fault, with what stands there."""
    rest = dict.fromkeys(sorted(faults))
    if not file.lower().removesuffix(".gz").endswith(".json"):  # whose elements have no line of their own
        for number_, line in numbered(RawLines(file)):
            if number_ in rest:
                del rest[number_]
                yield number_, line
            if not rest:
                return
    yield from ((number_, "") for number_ in rest)


def _lacks(own: TaskChecks, seen: ItemsSeen, given: StatedForm, valid: bool) -> Iterator[str]:
    """Of items that can be read: whether they teach anything, and whether some can be set aside."""
    yield from own.few_labels(seen, given)
    if seen.count > FEW:
        return
    if not valid:
        try:
            own.set_aside(seen, given)
        except DataError as error:
            yield str(error)
            return
    yield from own.few_texts(seen, given)
