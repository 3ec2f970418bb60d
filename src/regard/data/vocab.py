"""Vocabularies, names and their numbers: words as they stand in a file, letters, tags, labels.  What cuts a text is a `Tokenizer`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from regard.core.atomic_files import write_text
from regard.core.bounded_json import is_of, read_json
from regard.core.errors import DataError, RunFolderError, did_you_mean, message
from regard.data.tokenizer_kinds import rank_symbols

KIND, VERSION = "regard symbols", 1  # what a file says of itself


class Vocabulary:
    """A list of different names; the number of a name is its place."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._numbers = {name: number for number, name in enumerate(self.names)}

    @classmethod
    def counted(cls, names: Iterable[str], *, first: Sequence[str] = (), least: int = 1) -> Vocabulary:
        """`first`, then the names that occur at least so often, the most frequent first."""
        counts = Counter(names)
        return cls([*first, *(name for name in rank_symbols(counts) if counts[name] >= least and name not in first)])

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    def get(self, name: str, other: int) -> int:
        """The number of a name, or `other` where it is not among them."""
        return self._numbers.get(name, other)

    def number(self, name: str, *, what: str, place: object) -> int:
        """The number of a name.  DataError, with the place, where it is not among them."""
        if name not in self._numbers:
            some = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            do = f"Correct the line, or train on data that has it.{did_you_mean(name, self.names)}"
            raise DataError(message(str(place), f"a {what} that training saw ({some})", repr(name), do))
        return self._numbers[name]

    def save(self, path: Path) -> None:
        """Write one JSON file, whole or not at all."""
        content = {"kind": KIND, "version": VERSION, "names": self.names}
        write_text(path, json.dumps(content, ensure_ascii=False, indent=0))

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.  RunFolderError where it is missing, damaged or of a newer version."""
        try:
            content = read_json(path)
            kind, version, names = content["kind"], content["version"], content["names"]
            whole = kind == KIND and isinstance(names, list) and all(isinstance(name, str) for name in names)
            whole = whole and is_of(version, int)
            if not whole or len(set(names)) < len(names):
                raise ValueError("other content")
        except FileNotFoundError:
            raise RunFolderError(message(str(path), "a file of symbols", "no such file", "Give a whole run folder.")) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            do = "Copy the run folder again, or train again."
            received = f"{type(error).__name__}: {error}"
            raise RunFolderError(message(str(path), "symbols that regard wrote", received, do)) from error
        if version > VERSION:
            raise RunFolderError(message(str(path), f"version {VERSION} or older", str(version), "Install a newer regard."))
        return cls(names)
