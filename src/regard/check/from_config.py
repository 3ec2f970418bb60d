"""The data doctor (`regard.check`) asked by a config: what the config says of the files, and a few lines before a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from regard.check.examine import examine
from regard.check.form import StatedForm
from regard.check.task_checks import checks_of
from regard.config import Config
from regard.config.auto import left_out
from regard.core.errors import RegardError
from regard.data.columns import UNICODE, Layout
from regard.data.file_format import recognize
from regard.data.parts import all_parts
from regard.tasks import registry

ROWS = 60_000  # of the training data are looked at before a training: a second or two, however many there are
MARKS = {"tab": "\t", "comma": ",", "semicolon": ";"}
LINES = 12  # that are said, at most


def find_set_keys(config: Config) -> dict[str, Any]:
    """The keys of a config that somebody set, as `section.key`: those that only a task has by default are not."""
    found: dict[str, Any] = {}
    usual = config.spec.defaults
    for name in type(config).model_fields:
        section = getattr(config, name)
        for key in getattr(section, "model_fields_set", ()):
            value = getattr(section, key)
            if usual.get(f"{name}.{key}", ...) != value:
                found[f"{name}.{key}"] = value
    return found


def given(config: Config, *, fixed: bool) -> StatedForm:
    """What a config says of its data.  fixed: every key counts, as in the training that is about to begin; else those that are set."""
    known, left = find_set_keys(config), left_out(config)

    def key(name: str) -> Any:
        section, _, word = name.partition(".")
        if name not in left and (fixed or name in known):  # what is left out will fit the data
            return getattr(getattr(config, section), word, None)
        return None

    form, header = key("data.format"), key("data.header")
    if config.data.mixes and form in (None, "auto") and len(config.data.train) > 1:
        # They stand one after another, where two files could be line-aligned.
        form = Layout().resolved(config.data.train[:1]).format
    comment, separator = key("data.comment"), key("data.separator")
    number = isinstance(key("decode.max_ratio"), int | float) and isinstance(key("decode.max_extra"), int)
    own = checks_of(config.task)
    return StatedForm(
        format=None if form == "auto" else form,
        source=key("data.source"),
        target=key("data.target"),
        features=key("data.features"),
        second=key(own.keys["second"]) if "second" in own.keys else None,
        header=header if isinstance(header, bool) else None,
        comment={"auto": None, "none": ""}.get(comment, comment) if comment is not None else None,
        separator={"auto": None, **MARKS}.get(separator, separator) if separator is not None else None,
        fixed=fixed,
        source_tokenizer=key("data.source_tokenizer"),
        target_tokenizer=key("data.target_tokenizer") if own.translates else None,
        max_ratio=config.decode.max_ratio if number and own.translates else None,
        max_extra=config.decode.max_extra if number and own.translates else None,
        unicode=config.data.unicode if config.data.unicode in UNICODE else "none",
        lowercase=config.data.lowercase,
        valid_share=config.data.valid_share,
        **own.read_section(config, fixed=fixed),
    )


def say_notes(config: Config, say: Callable[[str], None]) -> None:
    """Says what is likely harmful in the data of a training that is about to begin, at most a screen of it.

    The first 60,000 rows are looked at.  What cannot be read is left to the reading itself, which says so; of files of a task of the
    user's nothing is known."""
    if registry.is_own(config.task):
        return
    try:
        found = examine(
            config.data.train, valid=config.data.valid, task=config.task, given=given(config, fixed=True), most=ROWS
        ).findings
    except (RegardError, OSError):
        return
    skip, noted = config.data.on_bad_line == "skip", _noted(config)
    left = [finding for finding in found if not (skip and finding.skipped)]
    if any(finding.level == "error" and not finding.trains for finding in left):
        return  # the training ends at once, and says why and what to do: that is enough to read
    harmful = [finding for finding in left if finding.level != "note" and not finding.quiet and finding.kind not in noted]
    for finding in harmful[:LINES]:
        place = f" ({finding.seen[0]})" if finding.seen and finding.seen[0].line else ""
        say(f"note: {finding.what}{place} {finding.do}".rstrip())
    if harmful:
        rest = f"{len(harmful) - LINES} more; " if len(harmful) > LINES else ""
        names = " ".join(config.data.train)
        copy = "" if not checks_of(config.task).rewrites else ", and can write a cleaned copy (--fix)"
        say(f"note: {rest}regard check {names} --task {config.task} tells all{copy}.")


def _noted(config: Config) -> frozenset[str]:
    """The kinds of findings that `resolve_files` tells of the columns of a table, or a language model of its symbols."""
    own = checks_of(config.task)
    if not own.tabular:
        return frozenset(own.noted)
    notes = recognize(all_parts(config.data.train)[0]).notes
    header = any(note.startswith("line 1") for note in notes) and config.data.header == "auto"
    return frozenset((*own.noted, *(("header",) if header else ())))
