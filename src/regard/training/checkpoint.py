"""Checkpoints: all that a run must remember to go on exactly, in safetensors and JSON, whole or not there.

    RUN/model.safetensors                       the best so far: a copy of checkpoints/best-*, made after the checkpoint that names it
    RUN/checkpoints/step-00001200/              model, optimizer, random, maybe carried safetensors, state.json
    RUN/checkpoints/best-00001000.safetensors   never changed once written; state.json names those that count
    RUN/checkpoints/snapshot-00001100.safetensors

A checkpoint is written beside, flushed, and named in one step: a name `step-*` is always whole.  What is not named by the
newest one is rubbish, and so a run killed between any two writes goes on from the newest checkpoint as if nothing had been written since.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from regard.core.atomic_files import beside, clean, explain_error, remove, sync_folder
from regard.core.devices import device_of, random_state, set_random_state
from regard.core.errors import RunFolderError, message
from regard.training import run_files
from regard.training.checksums import MODEL, announce, checksum
from regard.training.objective import CarriesState
from regard.training.progress import FORMAT as FORMAT
from regard.training.progress import STATE, Arithmetic, Progress, join_first, make_state, read_state, refuse_other
from regard.training.provenance import read_run

FOLDER = "checkpoints"
PENDING = "-unvalidated"
CARRIED = "carried.safetensors"  # what a network hands from update to update beside its weights

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of a weight
_STEP = re.compile(rf"step-(\d{{8,}})({PENDING})?")
_AGAIN = "Restore the run folder from a copy, or train again into another folder."


def weights(network: nn.Module) -> dict[str, Tensor]:
    """The network's parameters and buffers, sharing its memory; tensors that are tied stand once, under their first name."""
    kept: dict[object, tuple[str, Tensor]] = {}
    for name, tensor in network.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype) if tensor.numel() else name
        kept.setdefault(place, (name, tensor))
    return dict(kept.values())


def save_network(network: nn.Module, path: Path) -> None:
    """The network's weights as a safetensors file; the same weights always give the same bytes."""
    run_files.write_tensors(path, weights(network))


def load_network(network: nn.Module, path: Path) -> None:
    """Puts the weights of a file into the network.  Errors: RunFolderError unless each name, shape and type fits."""
    fill(network, run_files.read_tensors(path), path)


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Puts `tensors`, which were read from `path`, into the network.  Errors: RunFolderError unless each name, shape and type fits."""
    own = weights(network)
    wrong = [f"{name} is missing" for name in own if name not in tensors]
    wrong += [f"{name} is too much" for name in tensors if name not in own]
    for name in (n for n in own if n in tensors):
        mine, theirs = (f"{str(t.dtype)[6:]} {tuple(t.shape)}" for t in (own[name], tensors[name]))
        wrong += [f"{name} is {theirs} and should be {mine}"] if mine != theirs else []
    if wrong:
        raise RunFolderError(message(f"{path} does not fit the model of the config", "its weights", join_first(wrong), _AGAIN))
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])


def mean(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights in some files, tensor by tensor, so that only one of them lies in memory; integers: the last file's."""
    made = {}
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(safe_open(path, framework="pt")) for path in paths]
            for name in opened[-1].keys():  # noqa: SIM118  (not a dict)
                tensors = [file.get_tensor(name) for file in opened]
                made[name] = torch.stack(tensors).mean(0) if tensors[-1].is_floating_point() else tensors[-1].clone()
    except (OSError, SafetensorError) as error:
        names = ", ".join(map(str, paths))
        raise RunFolderError(message(f"one of {names} is damaged", "weights to average", str(error), _AGAIN)) from None
    return made


@contextmanager
def borrow(network: nn.Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """The network with other weights, for a while."""
    own = weights(network)
    kept = {name: tensor.clone() for name, tensor in own.items()}
    with torch.no_grad():
        try:
            for name, tensor in own.items():
                tensor.copy_(tensors[name])
            yield
        finally:
            for name, tensor in own.items():
                tensor.copy_(kept[name])


class Checkpoints:
    """The checkpoints of one run folder.  `fingerprint`: what must be the same when the run goes on, name by name."""

    def __init__(self, run: Path, *, fingerprint: Mapping[str, Any]) -> None:
        self.run, self.folder = run, run / FOLDER
        self.fingerprint = json.loads(json.dumps(fingerprint))  # as it will be read again: tuples are lists
        self.arithmetic = Arithmetic()  # in which the run is trained
        self.published = 0  # the step whose weights were last seen to lie in RUN/model.safetensors
        self.marks: dict[str, str] = {}  # the SHA-256 of weights that are never changed once written, by the name of their file

    def newest(self) -> Path | None:
        """The newest checkpoint, or None where there is none."""
        found = [(int(m[1]), m[2] is None, p) for p in self.folder.glob("step-*") if (m := _STEP.fullmatch(p.name))]
        return max(found)[2] if found else None

    def best(self, step: int) -> Path:
        """Where the weights that were the best at `step` lie."""
        return self.folder / f"best-{step:08d}.safetensors"

    def snapshot(self, step: int) -> Path:
        """Where the weights of `step` lie, to be averaged."""
        return self.folder / f"snapshot-{step:08d}.safetensors"

    def start(self, *, resume: bool) -> None:
        """Makes the folder ready.  Errors: RunFolderError where a run lies there that is not to be gone on with, or cannot be."""
        if self.newest() is not None and not resume:
            do = "Go on with it (--resume), or choose another folder (--out)."
            raise RunFolderError(message(f"{self.run} holds a run already", "a new folder", f"{self.newest()}", do))
        if self.newest() is None and (self.run / MODEL).exists():
            do = "Choose another folder (--out); a run whose checkpoints are gone cannot go on."
            raise RunFolderError(message(f"{self.run} holds a model already", "a new folder", f"{self.run / MODEL}", do))
        with explain_error(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            clean(self.run)
            clean(self.folder)

    def save(self, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, *, pending: bool = False) -> None:
        """Writes a checkpoint, then publishes the best weights, then throws away what the checkpoint does not name.

        `pending`: a validation is due at this step and was not made.  The run comes back to this step, so its name must differ.
        Errors: RegardError where the disk is full; the checkpoint before it is then still there, and nothing else is left.
        """
        path = self.folder / f"step-{progress.step:08d}{PENDING if pending else ''}"
        contents = {
            MODEL: weights(network),
            "optimizer.safetensors": _optimizer_tensors(network, optimizer),
            "random.safetensors": random_state(device_of(network)),
        } | read_carried(network)
        if not path.exists():  # else the run came back to this step, and so to the same state
            self._write(path, contents, progress)
        self.publish(progress)
        self._tidy(progress)

    def _write(self, path: Path, contents: Mapping[str, Mapping[str, Tensor]], progress: Progress) -> None:
        part, needed = beside(path), 100_000 + sum(t.nbytes for tensors in contents.values() for t in tensors.values())
        with explain_error(path, needed):
            try:
                part.mkdir()
                marks = {name: run_files.write_tensors(part / name, tensors) for name, tensors in contents.items()}
                marks |= {each.name: self._mark(each) for each in self._named(progress)}
                run_files.write_json(part / STATE, make_state(self.fingerprint, progress, self.arithmetic, marks))
                os.rename(part, path)
                sync_folder(self.folder)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise

    def publish(self, progress: Progress) -> None:
        """RUN/model.safetensors as the checkpoint has it: the checkpoint is the truth, and the file its copy."""
        if progress.best_step != self.published:
            announce(self.run, self._mark(self.best(progress.best_step)))
            run_files.copy(self.best(progress.best_step), self.run / MODEL)
            self.published = progress.best_step

    def _named(self, progress: Progress) -> list[Path]:
        """The weights that a checkpoint names."""
        return [*map(self.snapshot, progress.snapshots), *([self.best(progress.best_step)] if progress.best_step else [])]

    def _mark(self, path: Path) -> str:
        if path.name not in self.marks:
            self.marks[path.name] = checksum(path)
        return self.marks[path.name]

    def _tidy(self, progress: Progress) -> None:
        named = {self.newest(), *self._named(progress)}
        for pattern in ("step-*", "best-*", "snapshot-*"):
            for path in set(self.folder.glob(pattern)) - named:
                remove(path)

    def load(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress | None:
        """Puts the newest checkpoint into the network, the optimizer and PyTorch's random numbers; None where there is none.

        Errors: RunFolderError where it is damaged, of a newer Regard, or of other data or another config.
        """
        path = self.newest()
        if path is None:
            return None
        fingerprint, progress, self.arithmetic, marks = read_state(path / STATE)
        refuse_other(fingerprint, self.fingerprint, path)
        load_network(network, path / MODEL)
        _fill_optimizer(network, optimizer, path / "optimizer.safetensors")
        fill_carried(network, path)
        _fill_random(path / "random.safetensors", device_of(network))
        named = self._named(progress)
        for missing in (p for p in named if not p.exists()):
            raise RunFolderError(message(f"{missing} is missing", f"it, since {path} names it", "no such file", _AGAIN))
        for each in (*path.glob("*.safetensors"), *named):
            if each.name in marks and checksum(each) != marks[each.name]:
                received = f"others: their SHA-256 is not that of {path / STATE}"
                raise RunFolderError(message(f"{each} is damaged", "the bytes that were written there", received, _AGAIN))
        self.marks = {each.name: marks[each.name] for each in named if each.name in marks}
        self.publish(progress)
        self._tidy(progress)
        return progress


def _optimizer_tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimizer remembers, as "NAME OF THE PARAMETER:NAME OF THE NUMBER"."""
    return {
        f"{name}:{key}": value
        for name, p in network.named_parameters()
        for key, value in sorted(optimizer.state.get(p, {}).items())
    }


def _fill_optimizer(network: nn.Module, optimizer: torch.optim.Optimizer, path: Path) -> None:
    parameters = dict(network.named_parameters())
    optimizer.state.clear()
    for name, tensor in run_files.read_tensors(path).items():
        owner, _, key = name.rpartition(":")
        fits = owner in parameters and tensor.shape == (() if key == "step" else parameters[owner].shape)
        if not fits or key not in MOMENTS or not tensor.is_floating_point():
            raise RunFolderError(message(f"{path} does not fit the model of the config", "its parameters", name, _AGAIN))
        optimizer.state[parameters[owner]][key] = tensor.to(parameters[owner].device)
    if some := [name for name, p in parameters.items() if 0 < len(optimizer.state.get(p, ())) < len(MOMENTS)]:
        expected, received = "all that Adam remembers of a weight", f"a part for {some[0]}"
        raise RunFolderError(message(f"{path} is damaged", expected, received, _AGAIN))


def _fill_random(path: Path, device: torch.device) -> None:
    tensors = run_files.read_tensors(path)
    try:
        set_random_state(tensors, device)
    except (KeyError, RuntimeError, TypeError) as error:
        expected = "the state of PyTorch's random numbers"
        raise RunFolderError(message(f"{path} is damaged", expected, repr(error), _AGAIN)) from None


def data_marks(folder: Path) -> dict[str, str]:
    """The sha256 of each file of the training, by its name in the config: from `run.json`, else from the newest checkpoint."""
    if (found := read_run(folder)) is not None:
        return dict(found["data"])
    newest = Checkpoints(folder, fingerprint={}).newest()
    try:
        marks = read_state(newest / STATE)[0] if newest else {}
    except RunFolderError:
        return {}
    return {name: mark for name, mark in marks.items() if isinstance(mark, str)}


def read_carried(network: nn.Module) -> dict[str, dict[str, Tensor]]:
    """The file of it, where there is anything to keep."""
    tensors = network.carried() if isinstance(network, CarriesState) else []
    return {CARRIED: {f"{i:04d}": t.contiguous() for i, t in enumerate(tensors)}} if tensors else {}


def fill_carried(network: nn.Module, checkpoint: Path) -> None:
    """Gives a network what lies in a checkpoint's folder; nothing where that holds none.  RunFolderError where it is damaged."""
    if isinstance(network, CarriesState) and (checkpoint / CARRIED).exists():
        network.carry([tensor for _, tensor in sorted(run_files.read_tensors(checkpoint / CARRIED).items())])
