"""The data doctor (`regard.check`) asked by a config: what the config says of the files, and a few lines before a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regard.check.examine import examine
from regard.check.form import Given
from regard.ground.errors import RegardError
from regard.workshop.config import Config
from regard.workshop.config_auto import left_out
from regard.workshop.task_kinds import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 60_000  # of the training data are looked at before a training: a second or two, however many there are
MARKS = {"tab": "\t", "comma": ",", "semicolon": ";"}
LINES = 12  # that are said, at most
QUIET = frozenset(
    ("contradictions", "shared", "rare-label", "copies", "out-of-bound")
)  # what a training says by itself, or what is often meant


def said(config: Config) -> dict[str, Any]:
    """The keys of a config that somebody set, as `section.key`: those that only a task has by default are not."""
    found: dict[str, Any] = {}
    usual = TASKS[config.task].defaults
    for name in type(config).model_fields:
        section = getattr(config, name)
        for key in getattr(section, "model_fields_set", ()):
            value = getattr(section, key)
            if usual.get(f"{name}.{key}", ...) != value:
                found[f"{name}.{key}"] = value
    return found


def given(config: Config, *, fixed: bool) -> Given:
    """What a config says of its data.  fixed: every key counts, as in the training that is about to begin; else those that are set."""
    known, left = said(config), left_out(config)

    def key(name: str) -> Any:
        section, _, word = name.partition(".")
        if name not in left and (fixed or name in known):  # what is left out will fit the data
            return getattr(getattr(config, section), word, None)
        return None

    form, header = key("data.format"), key("data.header")
    comment, separator = key("data.comment"), key("data.separator")
    forecast, number = (
        config.forecast,
        isinstance(key("decode.max_ratio"), int | float) and isinstance(key("decode.max_extra"), int),
    )
    writes = config.task == "transduce"
    return Given(
        format=None if form == "auto" else form,
        source=key("data.source"),
        target=key("data.target"),
        features=key("data.features"),
        second=key("pair.second") if config.pair is not None else None,
        header=header if isinstance(header, bool) else None,
        comment={"auto": None, "none": ""}.get(comment, comment) if comment is not None else None,
        separator={"auto": None, **MARKS}.get(separator, separator) if separator is not None else None,
        fixed=fixed,
        source_tokenizer=key("data.source_tokenizer"),
        target_tokenizer=key("data.target_tokenizer") if writes else None,
        max_ratio=config.decode.max_ratio if number and writes else None,
        max_extra=config.decode.max_extra if number and writes else None,
        scheme=config.tag.scheme if config.tag is not None and (fixed or "tag.scheme" in known) else None,
        cloze=config.read is not None and config.read.head != "span",
        past=forecast.past if forecast is not None and isinstance(forecast.past, int) else 96,
        ahead=forecast.ahead if forecast is not None and isinstance(forecast.ahead, int) else 24,
        time=forecast.time if forecast is not None else "auto",
        images=config.caption.images if config.caption is not None else None,
    )


def say_notes(config: Config, say: Callable[[str], None]) -> None:
    """Says what is likely harmful in the data of a training that is about to begin, at most a screen of it.

    The first 60,000 rows are looked at.  What cannot be read is left to the reading itself, which says so."""
    try:
        found = examine(
            config.data.train, valid=config.data.valid, task=config.task, given=given(config, fixed=True), most=ROWS
        ).findings
    except (RegardError, OSError):
        return
    harmful = [f for f in found if f.level != "note" and f.kind not in QUIET]
    for finding in harmful[:LINES]:
        place = f" ({finding.seen[0]})" if finding.seen and finding.seen[0].line else ""
        say(f"note: {finding.what}{place} {finding.do}".rstrip())
    if harmful:
        rest = f"{len(harmful) - LINES} more; " if len(harmful) > LINES else ""
        names = " ".join(config.data.train)
        say(f"note: {rest}regard check {names} --task {config.task} tells all, and can write a cleaned copy (--fix).")
