"""An option that a command does not have, but that is a key of the config, here or under the name that other toolkits give it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from regard.cli.help_language import translate_help, translate_refusal
from regard.core.errors import UsageError, message

KEYS_OF: Mapping[str, str] = {  # the commands that take keys as words, and how their names begin
    "train": "",
    "check": "",
    **dict.fromkeys(("predict", "evaluate", "score", "view"), "decode."),
}
_CLICK = sys.modules[typer.BadParameter.__module__]  # or typer's own copy of it
_NoSuchOption: Any = vars(_CLICK)["NoSuchOption"]
_UsageError: Any = vars(_CLICK)["UsageError"]


class Commands(TyperGroup):
    """Commands that say which key an unknown option is, where it is one; else what click says."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        translate_help(self)
        with _told_in_language():
            return super().make_context(*args, **more)

    def get_command(self, ctx: Any, name: str) -> Any:
        command = super().get_command(ctx, name)
        return None if command is None else translate_help(command)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _told_in_language():
                return super().invoke(ctx)
        except _NoSuchOption as error:
            given = _given(error.option_name, ctx.meta[__name__])
            if do := what_to_write(ctx.invoked_subcommand or "", *given):
                what = f"regard {ctx.invoked_subcommand}"
                raise UsageError(message(what, "an option that --help lists", given[0], do)) from None
            raise


@contextmanager
def _told_in_language() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        translate_refusal(error)
        raise


def what_to_write(command: str, option: str, value: str) -> str:
    """What to do in place of an option with its value; "" where it is no key."""
    if command not in KEYS_OF:
        return ""
    from regard.config.explain import find_keys, suggest_keys
    from regard.config.other_names import OPTIONS

    name = option.lstrip("-")
    if command == "train" and (own := OPTIONS.get(name.lower().replace("-", "_"))):
        return f"Write {own[0]}."
    keys = tuple(key for key in find_keys(name) if key.startswith(KEYS_OF[command]))
    return f"Write {suggest_keys(name, keys, f'={shlex.quote(value)}')} behind the command (no dashes)." if keys else ""


def _given(option: str, args: list[str]) -> tuple[str, str]:
    """The option as it was written, which may be one of letters behind a single dash, and the value that it was given, or VALUE."""
    for place, arg in enumerate(args):
        name, sign, value = arg.partition("=")
        if name == option or (len(option) == 2 and name.startswith(option)):
            after = args[place + 1] if place + 1 < len(args) else ""
            return name, value if sign else "VALUE" if after.startswith("--") or not after else after
    return option, "VALUE"
