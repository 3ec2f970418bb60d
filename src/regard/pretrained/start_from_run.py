"""A run that begins with the weights of another (`train.begin`): the same net, its vocabulary with new symbols behind it, its weights.

What goes beyond the vocabulary of the run before is drawn as in any net.  Rows of what both have are those of the run before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from regard.config import Config, load_config, read_config
from regard.config.network_keys import FREE, dump_value, of_the_net
from regard.config.trust import modules, refuse_strangers
from regard.core.errors import ConfigError, RunFolderError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.tokenizer import KIND as TOKENIZER
from regard.data.tokenizer import Tokenizer
from regard.data.vocab import KIND as SYMBOLS
from regard.data.vocab import Vocabulary
from regard.training import run_files
from regard.training.checkpoint import MODEL, join_first, weights
from regard.training.checksums import CONFIG


def as_before(config: Config, run: Path, trust: Iterable[str] = ()) -> Config:
    """The config, with the net and the way of reading of the run that it begins with.  ConfigError where it sets another; RunFolderError
    where there is no such run, or where it names code of a module that is neither in `trust` nor named by the config itself: it may be a
    stranger's."""
    if not (run / CONFIG).is_file():
        do = "Name the folder of a run with --from."
        raise RunFolderError(message(f"{run}", "a run to begin with", "no config.yaml there", do))
    trusted = [*trust, *modules(config)]
    before = load_config(run / CONFIG, [], trust=trusted)
    refuse_strangers(before, run / CONFIG, trusted)
    if before.task != config.task:
        do = f"Begin with a run of that task, or write --task {before.task}."
        raise ConfigError(message("train.begin", f"a run of task {config.task}", f"{run}, of task {before.task}", do))
    plain, settled = config.model_dump(mode="json"), before.model_dump(mode="json")
    for section, key in of_the_net(before):
        set_here, value, theirs = _is_set(config, section, key), plain[section][key], settled[section][key]
        if set_here and value != theirs and key not in FREE:
            do = f"Leave {section}.{key} out, or begin without --from."
            expected = f"{dump_value(theirs)}, as in {run}, whose weights it begins with"
            raise ConfigError(message(f"{section}.{key}", expected, dump_value(value), do))
        if not set_here:
            plain[section][key] = theirs
    return read_config(plain)


def _is_set(config: Config, section: str, key: str) -> bool:
    """Whether somebody set a key: no default of its task, and no look that its family fills in."""
    given = getattr(config, section)
    default = config.spec.defaults.get(f"{section}.{key}")
    return key in given.model_fields_set and key != "self_attention" and (default is None or getattr(given, key) != default)


def grow(folder: Path, run: Path, say: Say) -> None:
    """Put the vocabularies of a run before what was learnt for this one, file by file, and say what is new."""
    for path in sorted(folder.glob("*.json")):
        kind = run_files.read_json(path)
        kind = kind.get("kind") if isinstance(kind, dict) else None
        if kind not in (SYMBOLS, TOKENIZER) or not (run / path.name).is_file():
            continue
        if kind == SYMBOLS:
            old, new = Vocabulary.load(run / path.name), Vocabulary.load(path)
            fresh = [name for name in new if name not in old]
            Vocabulary([*old, *fresh]).save(path)
        else:
            known, learnt = Tokenizer.load(run / path.name), Tokenizer.load(path)
            both = known.joined(learnt)
            both.save(path)
            fresh = [both.tokens([id])[0] for id, place in enumerate(both.places(known)) if place < 0]
        if fresh:
            say(f"note: {path.stem} has {many(len(fresh), 'symbol')} that {run} lacks, drawn anew: {join_first(fresh, 12)}")


def warm_from(network: nn.Module, run: Path, moved: Mapping[str, Sequence[int]], say: Say) -> None:
    """Put the weights of a run into a network whose vocabularies begin with that run's.

    moved: for weights whose name begins so, which row of the run's each row is, -1 where it is new; else rows (and columns) of what is new
    come after those of the run.  RunFolderError where they are those of another net.
    """
    path = run / MODEL
    tensors, own = run_files.read_tensors(path), weights(network)
    wrong = [f"{name} is missing" for name in own if name not in tensors]
    wrong += [f"{name} is too much" for name in tensors if name not in own]
    other = {n: t.shape for n, t in tensors.items() if n in own and not _within(t, own[n])}
    wrong += [f"{n} is {tuple(shape)}, here {tuple(own[n].shape)}" for n, shape in other.items()]
    if wrong:
        do = "Begin with a run of the same net, or without --from."
        raise RunFolderError(message(f"{path} does not fit the net", "its weights", join_first(wrong), do))
    with torch.no_grad():
        for name, mine in own.items():
            rows = next((rows for start, rows in moved.items() if name.startswith(start)), None)
            if rows is not None:
                kept = [i for i, place in enumerate(rows) if place >= 0]
                mine[kept] = tensors[name][[rows[i] for i in kept]]
            else:
                mine[tuple(slice(size) for size in tensors[name].shape)] = tensors[name]
    say(f"begins with the weights of {run}.")


def _within(old: Tensor, new: Tensor) -> bool:
    return old.dtype == new.dtype and old.dim() == new.dim() and all(a <= b for a, b in zip(old.shape, new.shape, strict=True))
