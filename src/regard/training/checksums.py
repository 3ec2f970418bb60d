"""Whether a run folder holds what was written there: `run.json` has the SHA-256 of each file that answers depend on, and the config.

A bit that flips on a disk or on a way would change answers without a word, so it is looked for whenever a run is used.  `config.yaml`
may be edited: how answers are written and files are read, but not what net it is (`config.network_keys`).  A run of an older Regard
has neither, and is used as it is.

While the weights are replaced they have two hashes, of those that lie there and of those that come, so that no kill between the two
writings leaves a run that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from regard.config import Config, read_config
from regard.config.network_keys import dump_value, other_net
from regard.core.checksum import checksum as checksum
from regard.core.errors import ConfigError, RunFolderError, message
from regard.training.provenance import RUN, read_run, rewritten

MODEL = "model.safetensors"
METRICS = "metrics.jsonl"
CONFIG = "config.yaml"
LEARNT = (  # of every task: vocabularies, scales, shapes
    *("tokenizer.source.json", "tokenizer.target.json", "words.json", "letters.json", "tags.json", "labels.json"),
    *("label_counts.json", "scale.json", "series.json", "linear.safetensors", "grid.json"),
)
BERT = tuple(f"bert/{name}" for name in ("config.json", "vocab.txt", "tokenizer_config.json", "added_tokens.json"))
EXPORTED = f"bert/{MODEL}"  # what other runs begin with
USED = (MODEL, *LEARNT, *BERT)
_DO = f'Restore it from a copy, or train again into another folder. Where the change is your own, take "files" out of {RUN}.'


def note(folder: Path, names: Iterable[str]) -> None:
    """Write down the hashes of those of these files that lie in a run folder and have none; of weights that were replaced only the new."""
    marks = _marks(folder)
    if marks is None:
        return
    fresh = {name: [checksum(folder / name)] for name in names if name not in marks and (folder / name).is_file()}
    _put(folder, {name: each[:1] for name, each in marks.items()} | fresh)


def forget(folder: Path, names: Iterable[str]) -> None:
    """Take away the hashes of files that are about to be written anew."""
    gone = frozenset(names)
    if (marks := _marks(folder)) is not None and gone & marks.keys():
        _put(folder, {name: each for name, each in marks.items() if name not in gone})


def announce(folder: Path, mark: str) -> None:
    """Write down the hash of the weights that are about to replace those of a run folder, beside theirs."""
    if (marks := _marks(folder)) is not None:
        _put(folder, marks | {MODEL: list(dict.fromkeys([mark, *marks.get(MODEL, [])[:1]]))})


def find_changed(folder: Path, names: Iterable[str] = USED) -> str | None:
    """The first of these files that is not what was written there; None where all are, or nobody knows."""
    marks = _marks(folder) or {}
    there = (name for name in names if name in marks and (folder / name).is_file())
    return next((name for name in there if checksum(folder / name) not in marks[name]), None)


def refuse_changed(folder: Path, config: Config, names: Iterable[str] = USED) -> None:
    """RunFolderError where one of these files is not what was written into a run folder, or its config is of another net."""
    _refuse_other_net(folder, config)
    refuse_damaged(folder, names)


def refuse_damaged(folder: Path, names: Iterable[str]) -> None:
    """RunFolderError where one of these files is not what was written into a run folder."""
    # A training may have put better weights there between two readings: then they are those that were announced.
    if (name := find_changed(folder, names)) is not None and (name := find_changed(folder, [name])) is not None:
        expected, received = "the bytes that were written there", f"others: their SHA-256 is not that of {RUN}"
        raise RunFolderError(message(f"{folder / name} is damaged", expected, received, _DO))


def _refuse_other_net(folder: Path, config: Config) -> None:
    values = (read_run(folder) or {}).get("config")
    if values is None:
        return
    try:
        differing = other_net(read_config(values), config)
    except ConfigError as error:
        do = f"Restore it from a copy, or remove it: then nothing says whether {folder} is as it was written."
        raise RunFolderError(message(f"{folder / RUN} is damaged", "a config of this version", f"\n{error}\n", do)) from None
    if differing:
        was, now = ("; ".join(f"{key}: {dump_value(each[i])}" for key, each in differing.items()) for i in (0, 1))
        do = "Set it back: the weights were trained so. decode.*, and how files are read, may be edited."
        raise RunFolderError(message(f"{folder / CONFIG}", was, now, do))


def _marks(folder: Path) -> dict[str, list[str]] | None:
    found = read_run(folder)
    return None if found is None else dict(found.get("files", {}))


def _put(folder: Path, marks: dict[str, list[str]]) -> None:
    if marks != _marks(folder):
        rewritten(folder, files=dict(sorted(marks.items())))
