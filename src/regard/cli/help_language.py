"""The help of the commands, and what is said of options that are not there, in the person's language."""

from __future__ import annotations

import re
from typing import Any

from regard.core.interface_language import language, translate

# What typer and click say themselves.
FRAME = ("Usage:", "Arguments:", "Options:", "Commands:", "Show this message and exit.")
OF_CLICK = (
    "No such option: {0}",
    "No such command {0}.",
    "Missing argument {0}.",
    "Missing option {0}.",
    "Option {0} requires an argument.",
    "Invalid value for {0}: {1}",
    "Got unexpected extra argument ({0})",
    "Got unexpected extra arguments ({0})",
    "{0} is not in the range {1}.",
    "{0} is not a valid integer.",
    "{0} is not a valid float.",
    "{0} is not one of {1}.",
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
)
SHORT = 45  # characters of a command's sentence in the list of commands


def translate_help(command: Any) -> Any:
    """The command, what it says of itself and of its options in the person's language: once, and nothing in English."""
    if language() == "en" or getattr(command, "translated", False):
        return command
    command.translated = True
    for part in (command, *command.params):
        for name in ("help", "epilog"):
            if text := getattr(part, name, None):
                setattr(part, name, translate(text))
    if command.help:
        command.short_help = re.split(r"(?<=。)|\n", command.help)[0][:SHORT]
    plain = command.get_help
    command.get_help = lambda ctx: _framed(plain(ctx))
    return command


def translate_refusal(error: Any) -> None:
    """What click says of a command line that it does not take."""
    said = translate(error.format_message())
    error.format_message = lambda: said


def _framed(text: str) -> str:
    for word in FRAME:
        text = re.sub(rf"(?m)^( *(?:-h, --help +)?){re.escape(word)}", rf"\g<1>{translate(word)}", text)
    return text
