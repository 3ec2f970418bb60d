"""Standard names of keys: `train.max_steps` is taken for `train.updates`, in a file, in an override and from Python alike.

A name is accepted where its value means the same, or the opposite (a negated name), and only where the key of the house is not the field's
own word; names whose values mean something else are hinted at (`other_names`).  A config knows the house's keys alone, so what is written,
printed and compared does not depend on the spelling.  To say both in one place is a fault; an override wins over the file in either, as a
run's own config has every key.  The names are those of Hugging Face (Trainer, BERT, run_qa), OpenNMT-py, NCRF++,
Keras, PyTorch's word_language_model, GluonTS and Nixtla.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from regard.config.yaml_text import KeyPath
from regard.tasks import registry

# Of each task's section, as the task says them.  Those of one line an item come first where a word may be a key of many.
_OF_TASKS = {
    f"{spec.name}.{name}": f"{spec.name}.{key}"
    for spec in sorted(registry.specs(), key=lambda spec: not spec.reads_line)
    for name, key in spec.spellings.items()
}
_LOOKS = ("model.attention", "model.self_attention", "model.past", *(k for n, k in _OF_TASKS.items() if n.endswith(".attention")))
SPELLINGS: Mapping[str, str] = {
    "data.validation_split": "data.valid_share",
    "data.share_vocab": "data.joint",
    "data.freeze_vectors": "data.tune_vectors",
    "model.hidden_size": "model.size",
    **{f"{look}.num_key_value_heads": f"{look}.groups" for look in _LOOKS},
    "train.max_steps": "train.updates",
    "train.warmup_steps": "train.warmup",
    "train.max_grad_norm": "train.clip",
    "train.gradient_accumulation_steps": "train.accumulate",
    "train.average_checkpoints": "train.average",
    "train.logging_steps": "train.report_every",
    **_OF_TASKS,
}
NEGATED = frozenset({"data.freeze_vectors"})
_HOUSE: Mapping[KeyPath, str] = {tuple(name.split(".")): key.rpartition(".")[2] for name, key in SPELLINGS.items()}
_SECOND = {key: name.rpartition(".")[2] for name, key in SPELLINGS.items()}
_NEGATED: frozenset[KeyPath] = frozenset(tuple(name.split(".")) for name in NEGATED)
_OPPOSITE = {"True": "False", "False": "True"}


def find_second_name(key: str) -> str:
    """The standard name of a key, as `max_steps` of `train.updates`; "" where it has none."""
    return _SECOND.get(key, "")


def list_second_names(section: str) -> list[str]:
    """The standard names of a section's keys.  section: dotted."""
    return [word for key, word in _SECOND.items() if key.rpartition(".")[0] == section]


def negate(written: KeyPath, value: Any) -> Any:
    """A truth value, or its text, turned around where the key that was written is a negated name; any other value as it is."""
    if written not in _NEGATED or not isinstance(value, bool | str):
        return value
    return not value if isinstance(value, bool) else _OPPOSITE.get(value, value)


def resolve_path(written: KeyPath) -> KeyPath:
    """A path in the house's keys.  written: as somebody wrote it; each of its keys may be in either spelling."""
    path: KeyPath = ()
    for word in written:
        path = (*path, _HOUSE.get((*path, word), word))
    return path


@dataclass
class WrittenKeys:
    """How the keys of a config were written.  written: the path that was, of each key of the house; late: those that were set after the
    file; twice: (first, second) of what said one key in both of its spellings."""

    written: dict[KeyPath, KeyPath] = field(default_factory=dict)
    late: set[KeyPath] = field(default_factory=set)
    twice: list[tuple[KeyPath, KeyPath]] = field(default_factory=list)

    def translate(self, value: Any, written: KeyPath = ()) -> Any:
        """The value of a key, and of all the keys below it, under the house's keys; of a key that was said twice, the first value."""
        if not isinstance(value, Mapping):
            return negate(written, value) if isinstance(value, bool) else value
        return dict(self._entries(value, written))

    def _entries(self, values: Mapping[Any, Any], above: KeyPath) -> Iterator[tuple[Any, Any]]:
        here: dict[KeyPath, KeyPath] = {}
        for word, value in values.items():
            written = (*above, word)
            path = resolve_path(written)
            if path in here:
                self.twice.append((here[path], written))
                continue
            here[path] = self.written[path] = written
            yield path[-1], self.translate(value, written)

    def put(self, written: KeyPath, value: Any) -> Any:
        """The value of a key that is set after the file, over which it wins in either spelling; but not over one that was set so in the
        other spelling: nobody could tell which of the two was meant."""
        path = resolve_path(written)
        before = self.written.get(path, written)
        if path in self.late and before != written:
            self.twice.append((before, written))
        above = {path[:end]: written[:end] for end in range(1, len(path))}
        kept = above | {key: how for key, how in self.written.items() if key[: len(path)] != path}
        self.written = {**kept, path: written}
        value = self.translate(value, written)
        self.late |= self.written.keys() - kept.keys()
        return value

    def take_twice(self) -> list[tuple[KeyPath, KeyPath]]:
        """Those of `twice` that nobody has asked for yet."""
        found, self.twice = self.twice, []
        return found

    def restore_path(self, path: KeyPath) -> KeyPath:
        """The path of a key as it was written; what nobody wrote is as it is below the key that somebody did."""
        ends = (end for end in range(len(path), 0, -1) if path[:end] in self.written)
        return next(((*self.written[path[:end]], *path[end:]) for end in ends), path)
