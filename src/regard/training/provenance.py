"""Where a run comes from: `run.json` says which Regard, PyTorch and Python made it, when, on which machine, of which data and by which
config; and the hashes of its files (`checksums`)."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from regard.core.atomic_files import write_text
from regard.core.bounded_json import read_json, require_keys

RUN = "run.json"  # in the run folder
KIND, VERSION = "regard run", 1
PACKAGES = ("regard", "torch", "numpy", "tokenizers", "safetensors")
_KEYS: dict[str, Any] = {
    **{"kind": str, "version": int, "versions": dict[str, str], "begun": str, "ended": str | None, "machine": dict[str, Any]},
    **{"data": dict[str, str], "sessions": int, "config": dict, "files": dict[str, list[str]]},
}
_LATER = frozenset({"config", "files"})  # which an older Regard did not write


def write_run(folder: Path, marks: Mapping[str, str], config: Mapping[str, Any], *, ended: bool) -> None:
    """Write, or bring up to date, what is known of a run.  marks: the sha256 of each file of its data, by its name; config: in plain
    values."""
    before = read_run(folder) or {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "kind": KIND,
        "version": VERSION,
        "versions": list_versions(),
        "begun": before.get("begun", now),
        "ended": now if ended else None,
        "sessions": before.get("sessions", 0) + (not ended),
        "machine": _machine(),
        "data": dict(marks),
        "config": dict(config),
        "files": before.get("files", {}),
    }
    _write(folder, content)


def rewritten(folder: Path, **values: Any) -> None:
    """Replace values of what is known of a run."""
    _write(folder, {**(read_run(folder) or {}), **values})


def _write(folder: Path, content: Mapping[str, Any]) -> None:
    write_text(folder / RUN, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def read_run(folder: Path) -> dict[str, Any] | None:
    """What `write_run` wrote; None where nothing, or nothing that can be read, is there: an older Regard wrote none."""
    try:
        found = require_keys(read_json(folder / RUN, most=10_000_000), _KEYS, lacking=_LATER, others=True)
    except (OSError, ValueError):
        return None
    return found if found["kind"] == KIND else None


def join_versions(run: Mapping[str, Any]) -> str:
    """With what a run was made, for people."""
    return ", ".join(f"{name} {run['versions'][name]}" for name in ("regard", "torch", "python") if name in run["versions"])


def list_versions() -> dict[str, str]:
    """Of Python, and of the packages that a run depends on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    import torch

    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "computes_with": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
