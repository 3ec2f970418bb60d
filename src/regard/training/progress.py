"""Where a training stands, less its tensors: what `state.json` of a checkpoint holds, and whether a run may go on from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from regard.config import read_config
from regard.core.bounded_json import require_keys
from regard.core.errors import ConfigError, RunFolderError, message
from regard.training import run_files as files
from regard.training.schedule import ScheduleState

FORMAT = 1  # of state.json; one more whenever an older Regard could not read it
STATE = "state.json"
MANY = 1024  # threads
AGAIN = "Restore the run folder from a copy, or train again into another folder."


@dataclass
class Progress:
    """Where a run stands, less its tensors: numbers and words that JSON keeps exactly."""

    step: int = 0  # updates tried
    epoch: int = 0  # passes over the data that are over
    consumed: int = 0  # batches of the present epoch that are used
    tokens: int = 0  # target tokens seen
    skipped: int = 0  # updates skipped because a number was not finite
    strikes: int = 0  # of these, the last ones in a row
    validated: int = 0  # the step of the last validation
    best: dict[str, float | None] = field(default_factory=dict)  # the figures of the best validation
    best_step: int = 0
    waited: int = 0  # validations without a gain since
    standing: ScheduleState = field(default_factory=ScheduleState)
    snapshots: list[int] = field(default_factory=list)  # the steps whose weights are to be averaged
    nats: float = 0.0  # since the last report: summed cross-entropy, its tokens
    nats_tokens: int = 0
    rows: int = 0  # of metrics.jsonl
    seconds: float = 0.0  # of training, all sessions together
    stopped: str = ""  # why the run is over; "" while it is not

    @property
    def current_epoch(self) -> int:
        """The epoch of the last update, counted from 1."""
        return self.epoch + (self.consumed > 0)


@dataclass(frozen=True)
class Arithmetic:
    """What sums are made with, where the config leaves it to the machine; null in a run that an older Regard began.

    threads: how many parts a sum is made in; precision: what `auto` was; cpu: PyTorch's word for what the processor computes with.
    """

    threads: int | None = None
    precision: str | None = None
    cpu: str | None = None


_PROGRESS: dict[str, Any] = {
    **dict.fromkeys(("step", "epoch", "consumed", "tokens", "skipped", "strikes", "validated", "best_step", "waited"), int),
    **{"best": dict[str, float | None], "standing": dict, "snapshots": list[int], "nats": float, "nats_tokens": int},
    **{"rows": int, "seconds": float, "stopped": str},
}
_STATE = {"format": int, "fingerprint": dict, "progress": dict, "arithmetic": dict, "files": dict[str, str], "check": str}
_LATER = frozenset({"arithmetic", "files", "check"})  # which an older Regard did not write


def make_state(
    fingerprint: Mapping[str, Any], progress: Progress, arithmetic: Arithmetic, files: Mapping[str, str]
) -> dict[str, Any]:
    """What is written.  files: the SHA-256 of each file of tensors; check: a hash of the rest but the clock, so that a number that was
    changed is seen."""
    state = {"format": FORMAT, "fingerprint": fingerprint, "progress": asdict(progress), "arithmetic": asdict(arithmetic)}
    state |= {"files": dict(files)}
    return {**state, "check": _hash(state)}


def read_state(path: Path) -> tuple[dict[str, Any], Progress, Arithmetic, dict[str, str]]:
    """What `make_state` was given, of a checkpoint; no hashes where an older Regard wrote it.  RunFolderError where the file is damaged, or
    of a newer Regard."""
    state = files.read_json(path)
    form = state.get("format") if isinstance(state, dict) else None
    if isinstance(form, int) and form > FORMAT:
        do = "Update Regard: git pull, then pip install -e ."
        raise RunFolderError(message(f"{path} is of a newer Regard", f"format {FORMAT} or older", f"format {form}", do))
    try:
        require_keys(state, _STATE, lacking=_LATER)
        if "check" in state and state["check"] != _hash({k: v for k, v in state.items() if k != "check"}):
            raise ValueError("numbers that were changed")
        arithmetic = _arithmetic(state.get("arithmetic", {"threads": None, "precision": None, "cpu": None}))
        return state["fingerprint"], _progress(state["progress"]), arithmetic, state.get("files", {})
    except ValueError as error:
        raise RunFolderError(message(f"{path} is damaged", "the state of a run", str(error), AGAIN)) from None


def _arithmetic(stored: Any) -> Arithmetic:
    made = Arithmetic(**require_keys(stored, {"threads": int | None, "precision": str | None, "cpu": str | None}))
    if made.precision not in (None, "float32", "bfloat16") or not 1 <= (made.threads or 1) <= MANY:
        raise ValueError("threads or a precision that no run has")
    return made


def _hash(state: Mapping[str, Any]) -> str:
    state = {**state, "progress": {name: value for name, value in state["progress"].items() if name != "seconds"}}
    return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _progress(stored: Any) -> Progress:
    require_keys(stored, _PROGRESS)
    standing = ScheduleState(**require_keys(stored["standing"], {f.name: int for f in fields(ScheduleState)}))
    every = (*stored.values(), *stored["snapshots"], standing.waited, standing.cuts)
    numbers = [value for value in every if isinstance(value, int | float)]
    if min(numbers) < 0 or stored["best_step"] > stored["step"] or stored["validated"] > stored["step"]:
        raise ValueError("numbers that no run can have")
    if bool(stored["best_step"]) != bool(stored["best"]):
        raise ValueError("a best step without figures, or figures without a step")
    return Progress(**{**stored, "standing": standing})


def refuse_other(before: Mapping[str, Any], after: Mapping[str, Any], checkpoint: Path) -> None:
    """RunFolderError where a run began with other data or another config; a key that an older Regard did not know counts as its default."""
    each = ({**marks, "config": _of_training(marks["config"])} if "config" in marks else marks for marks in (before, after))
    then, now = map(flatten, each)
    changed = [n for n in dict.fromkeys([*then, *now]) if n not in then or n not in now or then[n] != now[n]]
    if changed:
        old, new = (join_first([f"{n} = {x[n]}" if n in x else f"no {n}" for n in changed]) for x in (then, now))
        do = "Resume with what the run began with, or train into another folder."
        raise RunFolderError(message(f"{checkpoint} is of other data or another config", old, new, do))


def _of_training(config: Any) -> Any:
    """What of a config training depends on, with every key of today."""
    try:
        return read_config(config).of_training()
    except (ConfigError, TypeError, AttributeError):  # of no config of today, so it is compared as it stands
        return config


def join_first(lines: Sequence[str], most: int = 5) -> str:
    """The first few of many lines in one."""
    return "; ".join(lines[:most]) + (f"; and {len(lines) - most} more" if len(lines) > most else "")


def flatten(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`, so that of a whole config only what differs is named."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= flatten(value, f"{before}{name}.") if isinstance(value, dict) and value else {f"{before}{name}": value}
    return flat
