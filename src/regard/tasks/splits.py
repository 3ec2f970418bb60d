"""Training and validation data of a config: read, or set aside where no validation file is named."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from regard.config import Config
from regard.core.errors import ConfigError, message
from regard.core.plural import many
from regard.core.say import Say
from regard.data.text_files import fingerprint
from regard.tasks.base import Splits, Task

APART = ", none of their sources left in training"


class SplitTask(Task):
    """A task whose items are read whole into memory, and of which a share can be set aside."""

    @abstractmethod
    def read_items(self, config: Config, files: Sequence[str], report: Callable[[str], None]) -> list[Any]:
        """The items of files, with what is right of them.  report: hears what was found."""

    @abstractmethod
    def set_aside(self, items: Sequence[Any], config: Config) -> tuple[list[Any], list[Any]]:
        """Items to train on, and a share of them to validate.  DataError where a side would be empty."""

    def overlap_note(self, train: Sequence[Any], valid: Sequence[Any]) -> str:
        """What is told of validation items that are in the training data too; "": nothing."""
        return ""

    def aside(self, valid: Sequence[Any]) -> tuple[str, str]:
        """What was set aside, in words, and what else is to be known of it."""
        return many(len(valid), "item"), APART

    def read(self, config: Config, say: Say) -> Splits:
        data = config.data
        refuse_no_file(config)
        train = self.read_items(config, data.train, lambda line: say(f"train: {line}"))
        if data.valid:
            valid = self.read_items(config, data.valid, lambda line: say(f"valid: {line}"))
            if note := self.overlap_note(train, valid):
                say(note)
        else:
            train, valid = self.set_aside(train, config)
            say(set_aside_line(config, *self.aside(valid)))
        return Splits(train, valid, fingerprint([*data.train, *data.valid]))

    def validation_items(self, config: Config) -> list[Any]:
        files = config.data.valid or config.data.train
        items = self.read_items(config, files, lambda line: None)
        return items if config.data.valid else self.set_aside(items, config)[1]


def refuse_no_file(config: Config) -> None:
    """ConfigError where there is nothing to train on."""
    if not config.data.train:
        do = "Name one: --train FILE, or data.train in the config."
        raise ConfigError(message("data.train", "a file to train on", "none", do))


def set_aside_line(config: Config, what: str, more: str = "") -> str:
    """What is told of a share that was set aside."""
    return f"valid: {what} set aside (data.valid_share: {config.data.valid_share}){more}."


def shared_note(shared: int, valid: int, what: str = "items have a source that is") -> str:
    """What is told of validation items that are in the training data too; "" where none is."""
    return f"note: {shared:,} of {valid:,} validation {what} in the training data too." if shared else ""
