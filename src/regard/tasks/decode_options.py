"""How a model writes in use: what its config says under `decode`, but for what is asked for here and now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regard.config import Config, DecodeSection, with_values
from regard.config.other_names import keys_called
from regard.core.errors import ArgumentError, ConfigError, did_you_mean, message

if TYPE_CHECKING:
    from regard.tasks.base import Predictor

TRAINING = "valid_beam"  # the one key of the section that is of training
AHEAD = 16  # batches that are read and sorted by length at a time
OPTIONS = frozenset({"beam", "n_best", "batch_size", "sample", "seed", "tokenize", "train"})  # those that some tasks have


def decided(config: Config, decode: Mapping[str, Any] | Sequence[str] | None = None, **given: Any) -> Config:
    """The config with other keys of `decode`, held to all that a config file is held to; the run folder is not touched.

    decode: keys without their section and their values, or words `decode.KEY=VALUE` as the command line takes them.  given: keys that
    are options too, and go before; None: not given.  A beam that is narrower than the config's n_best gives what it holds.
    Raises ConfigError for what the config of a run could not say.
    """
    asked = dict(decode) if isinstance(decode, Mapping) else {}
    if decode is not None and (isinstance(decode, str) or not isinstance(decode, Mapping | Sequence)):
        do = 'Write decode={"length_penalty": 1.0}.'
        raise ArgumentError(message("decode", "a mapping of keys to values", repr(decode)[:60], do))
    words = [] if decode is None or isinstance(decode, Mapping) else list(decode)
    asked |= {name: value for name, value in given.items() if value is not None}
    keys = [*asked, *(word.partition("=")[0].strip().removeprefix("decode.") for word in words)]
    if not keys:
        return config
    if TRAINING in keys:
        do = "Set decode.beam."
        raise ConfigError(message(f"decode.{TRAINING}", "a key of writing in use", "the beam of validation in training", do))
    beam = asked.get("beam")
    if "n_best" not in keys and isinstance(beam, int) and 0 < beam < config.decode.n_best and not asked.get("sample"):
        asked["n_best"] = beam
    return with_values(config, words, {f"decode.{name}": value for name, value in asked.items()})


def ahead(settings: DecodeSection) -> int:
    """How many items are read at a time, to sort them by length."""
    return settings.batch_size * (AHEAD if settings.batch_size > 1 else 1)


def counted(n_best: int | None) -> int:
    """How many answers are wanted of a task that does not search.  ArgumentError for what is no such number."""
    if n_best is None:
        return 1
    if not isinstance(n_best, int) or n_best < 1:
        raise ArgumentError(message("n_best", "a whole number, at least 1", repr(n_best), "Give one, or leave it out."))
    return n_best


def bounded(count: int) -> str:
    """What people should know of answers that are as long as they may be."""
    return f"{count:,} answer{'' if count == 1 else 's'} reached the bound (decode.max_ratio, decode.max_extra)."


def understood(
    given: Mapping[str, Any], model: Predictor, *, judging: bool = False, spelt: Callable[[str], str] = str
) -> dict[str, Any]:
    """The options that were given, None being none.  ArgumentError for one that the task of the run has no use for, or that no task has.

    judging: to evaluate, not to answer.  spelt: how the door writes an option.
    """
    wanted, known = (
        {name: value for name, value in given.items() if value is not None},
        model.judged_with if judging else model.options,
    )
    for name in wanted:
        if name not in known:
            options = ", ".join(map(spelt, sorted(known)))
            if name in OPTIONS:
                expected = f"a run whose task has it; {model.config.task} knows {options}"
                raise ArgumentError(message(spelt(name), expected, str(model.folder), "Leave it out."))
            ours = [key.removeprefix("decode.") for key in keys_called(name) if key.removeprefix("decode.") in known]
            near = f" Did you mean '{ours[0]}'?" if ours else did_you_mean(name, known)
            do = f"Correct or remove it.{near}"
            raise ArgumentError(message(spelt(name), f"one of {options}", "no such word", do))
    return wanted
