"""What is asked for here and now of a model in use, beside what its config says under `decode`; and which of it a task takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.config.other_names import keys_called
from regard.core.errors import ArgumentError, ConfigError, did_you_mean, message
from regard.core.plural import many
from regard.runtime.settings import Settings

if TYPE_CHECKING:
    from regard.config import Config, DecodeSection

TRAINING = "valid_beam"  # the one key of the section that is of training
AHEAD = 16  # batches that are read and sorted by length at a time


@dataclass(frozen=True)
class AnswerOptions:
    """Options of predictions; None: as the config says.  The names are those of the keys of `decode`."""

    beam: int | None = None
    n_best: int | None = None
    batch_size: int | None = None
    sample: bool | None = None
    seed: int | None = None


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of figures.  tokenize: how BLEU and TER cut texts, see `text_generation.judge`.  train: the files that the model was
    trained on, to tell items whose source it saw there from others.  by_item: with what each figure is counted from, as `by_item`: of its
    name an `ItemCounts`, where the task has one of it."""

    beam: int | None = None
    batch_size: int | None = None
    tokenize: str = "auto"
    train: Sequence[str] = ()
    by_item: bool = False

    def best(self) -> AnswerOptions:
        """Of predictions that are judged: the best of each item."""
        return AnswerOptions(beam=self.beam, n_best=1, batch_size=self.batch_size)


AS_CONFIGURED, ALL_FIGURES = AnswerOptions(), EvaluationOptions()
OPTIONS = frozenset(field.name for kind in (AnswerOptions, EvaluationOptions) for field in fields(kind)) - {
    "by_item"
}  # which is for programs


@dataclass(frozen=True)
class Accepted:
    """The names of the options that a task takes: of its answers, and of its evaluation."""

    answers: frozenset[str]
    evaluation: frozenset[str]

    @staticmethod
    def of(answers: str, evaluation: str) -> Accepted:
        return Accepted(frozenset(answers.split()), frozenset(evaluation.split()))


ONE_ANSWER = Accepted.of("batch_size", "batch_size")
RANKED = Accepted.of("n_best batch_size", "batch_size")
SEARCHED = Accepted.of("beam n_best batch_size sample seed", "beam batch_size tokenize")  # answers are searched for, or drawn


def apply_decode(
    config: Config, decode: Mapping[str, Any] | Sequence[str] | None = None, options: AnswerOptions = AS_CONFIGURED
) -> Config:
    """The config with other keys of `decode`, held to all that a config file is held to; the run folder is not touched.

    decode: keys without their section and their values, or words `decode.KEY=VALUE` as the command line takes them.  options: go before.
    A beam that is narrower than the config's n_best gives what it holds.
    Raises ConfigError for what the config of a run could not say.
    """
    asked = dict(decode) if isinstance(decode, Mapping) else {}
    if decode is not None and (isinstance(decode, str) or not isinstance(decode, Mapping | Sequence)):
        do = 'Write decode={"length_penalty": 1.0}.'
        raise ArgumentError(message("decode", "a mapping of keys to values", repr(decode)[:60], do))
    words = [] if decode is None or isinstance(decode, Mapping) else list(decode)
    asked |= {name: value for name, value in vars(options).items() if value is not None}
    keys = [*asked, *(word.partition("=")[0].strip().removeprefix("decode.") for word in words)]
    if not keys:
        return config
    if TRAINING in keys:
        do = "Set decode.beam."
        raise ConfigError(message(f"decode.{TRAINING}", "a key of writing in use", "the beam of validation in training", do))
    beam = asked.get("beam")
    if "n_best" not in keys and isinstance(beam, int) and 0 < beam < config.decode.n_best and not asked.get("sample"):
        asked["n_best"] = beam
    values = {f"decode.{name}": value for name, value in asked.items()}
    if isinstance(config, Settings):
        made: Any = config.with_values(words, values)  # which says under the same names what a config does
        return made
    from regard.config import with_values  # which is not there where exported models run

    return with_values(config, words, values)


def ahead(settings: DecodeSection) -> int:
    """How many items are read at a time, to sort them by length."""
    return settings.batch_size * (AHEAD if settings.batch_size > 1 else 1)


def count_answers(n_best: int | None) -> int:
    """How many answers are wanted of a task that does not search.  ArgumentError for what is no such number."""
    if n_best is None:
        return 1
    if not isinstance(n_best, int) or n_best < 1:
        raise ArgumentError(message("n_best", "a whole number, at least 1", repr(n_best), "Give one, or leave it out."))
    return n_best


def describe_limit(count: int) -> str:
    """What people should know of answers that are as long as they may be."""
    return f"{many(count, 'answer')} reached the bound (decode.max_ratio, decode.max_extra)."


def accept_options(
    given: Mapping[str, Any], known: frozenset[str], *, task: str, run: Path, spelt: Callable[[str], str] = str
) -> dict[str, Any]:
    """The options that were given, None being none.  ArgumentError for one that the task of the run has no use for, or that no task has.

    known: those that it takes.  spelt: how an option is written where it was given.
    """
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in known:
            listed = ", ".join(map(spelt, sorted(known)))
            if name in OPTIONS:
                expected = f"a run whose task has it; {task} knows {listed}"
                raise ArgumentError(message(spelt(name), expected, str(run), "Leave it out."))
            ours = [key.removeprefix("decode.") for key in keys_called(name) if key.removeprefix("decode.") in known]
            near = f" Did you mean '{ours[0]}'?" if ours else did_you_mean(name, known)
            raise ArgumentError(message(spelt(name), f"one of {listed}", "no such word", f"Correct or remove it.{near}"))
    return options
