"""Is a look an explanation?  What an answer loses when places of it are erased, and whether other weights would have said the same.

Comprehensiveness and sufficiency: DeYoung et al. 2020, section 4, here of log-probabilities, for every row of a look at once.  Even and
permuted weights: Jain & Wallace 2019, section 4.2; Wiegreffe & Pinter 2019, section 4.  Agreement with gradients: Jain & Wallace 2019,
section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regard.core.errors import ArgumentError, DataError, RunFolderError, did_you_mean, message
from regard.core.say import Say
from regard.metrics.correlation import kendall
from regard.metrics.resampling import Interval, mean_interval
from regard.tasks.base import Predictor, Scored, TaskPrediction
from regard.tasks.interventions import intervene
from regard.tasks.options import AnswerOptions

if TYPE_CHECKING:
    from regard.attention.interventions import Intervention

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)  # of the places in sight that are erased, or kept; DeYoung et al. 2020, section 4
FEW = 30  # items below which intervals say little
ROWS = 32  # items whose gradients are taken together
SMALL = 0.05  # of answers that may change where weights are said not to matter


class Answered(NamedTuple):
    """An item; the same with the model's own answer in the place of what is right; that answer."""

    item: Any
    pair: Any
    answer: TaskPrediction


@dataclass(frozen=True)
class LookFindings:
    """What was seen of one look.  head: None: all its heads together.

    drops: what the log-probability of the model's own answer loses a token, in nats, under "most", "random", "least" (one place of each
    row erased), "uniform" and "permuted" weights, and under "without 10%" and "only 10%" of the places and the like.  margin: "most"
    less "random", item by item.  changed: the share of items whose answer is another text then.  tau: Kendall's tau-b between a row of
    weights and gradient times input; None where the rows of the look are not what is said, or its columns not what was read.
    """

    look: str
    head: int | None
    items: int
    drops: Mapping[str, Interval]
    changed: Mapping[str, float]
    margin: Interval
    tau: Interval | None

    @property
    def name(self) -> str:
        return f"{self.look}, {'all heads' if self.head is None else f'head {self.head}'}"

    def conclude(self) -> str:
        """One sentence on what may be concluded."""
        lost, other = (round(self.drops[name].mean, 3) + 0.0 for name in ("most", "random"))  # no "-0.000"
        even = self.changed["uniform"]
        if self.margin.low <= 0:
            return (
                f"erasing the place that it takes most of costs {lost:.3f} nats a token and a place drawn at random {other:.3f}, "
                "which cannot be told apart: where it looks most does not say what the answer depends on."
            )
        told = (
            f"the place that it takes most of is used: without it {lost:.3f} nats a token are lost, "
            f"without one drawn at random {other:.3f}"
        )
        if even <= SMALL:
            return f"{told}; yet with even weights {1 - even:.0%} of the answers stay as they are, so that they do not rest on its weights."
        agreement = ""
        if self.tau is not None:
            told_apart = "agrees well" if self.tau.mean >= 0.5 else "agrees in part" if self.tau.mean >= 0.2 else "hardly agrees"
            agreement = f"; how it ranks all places {told_apart} with the gradient (tau {self.tau.mean:.2f})"
        return f"{told}, and even weights change {even:.0%} of the answers{agreement}."


def find_looks(model: Predictor, look: str | None) -> dict[str, int]:
    """The looks of a model, as predictions show them, each with its number of heads; with `look` that one alone.

    RunFolderError for a model that says nowhere where it looks, or that has no PyTorch; ArgumentError for a look that is not there.
    """
    if not hasattr(model.network, "attentions"):
        do = "Ask the run folder that it was exported from."
        raise RunFolderError(message("faithfulness", "a run folder", f"{model.folder}, an exported one", do))
    parts = model.network.attentions()
    named = {shown: rows.name for shown, rows in model.name_looks(list(parts)).items()}
    heads = {shown: getattr(parts[name], "attention", parts[name]).heads for shown, name in named.items()}
    if not heads:
        do = "Train with attention (model.attention)."
        raise RunFolderError(message("faithfulness", "a run that looks somewhere", f"{model.folder}, which does not", do))
    if look is not None and look not in heads:
        raise ArgumentError(
            message("look", f"one of {', '.join(heads)}", repr(look), f"Name one of them.{did_you_mean(look, heads)}")
        )
    return heads if look is None else {look: heads[look]}


def measure(model: Predictor, items: Sequence[Any], looks: Mapping[str, int], say: Say) -> Iterator[LookFindings]:
    """Findings on each look, of all heads together and, where there are several, of each.

    Items whose answer is empty, or has no probability, are left out, and said.  DataError where none is left.
    """
    found = _answer(model, items, attention=True)
    answered = [Answered(item, model.with_answer(item, p), p) for item, p in zip(items, found, strict=True) if p.tokens]
    own = list(model.scores(each.pair for each in answered))
    kept = [i for i, scored in enumerate(own) if scored.score is not None and np.isfinite(scored.score)]
    if len(kept) < len(items):
        say(f"{len(items) - len(kept):,} of {len(items):,} items have no answer with a probability, and are left out.")
    if not kept:
        raise DataError(
            message("faithfulness", "items that the model answers", "none", "Give texts of the kind that it was trained on.")
        )
    if len(kept) < FEW:
        say(f"{len(kept):,} items are few: intervals will be wide, and say little.")
    answered, own = [answered[i] for i in kept], [own[i] for i in kept]
    gradients = _gradients(model, [each.pair for each in answered])
    for look, heads in looks.items():
        for head in (None, *range(heads)) if heads > 1 else (None,):
            yield _measure_look(model, answered, own, gradients, look, head)


def _measure_look(
    model: Predictor,
    answered: Sequence[Answered],
    own: Sequence[Scored],
    gradients: Sequence[np.ndarray] | None,
    look: str,
    head: int | None,
) -> LookFindings:
    each: dict[str, np.ndarray] = {}
    changed: dict[str, float] = {}
    items, right = [one.item for one in answered], [one.answer for one in answered]
    for name, way in _ways(look, head):
        touched = intervene(model, [way])
        scores = touched.scores(one.pair for one in answered)
        each[name] = np.array(
            [((a.score or 0.0) - (b.score or 0.0)) / max(1, len(a.tokens)) for a, b in zip(own, scores, strict=True)]
        )
        if name in ("most", "random", "uniform", "permuted"):
            other = _answer(touched, items, attention=False)
            changed[name] = float(np.mean([a.text != b.text for a, b in zip(right, other, strict=True)]))
    taus = None if gradients is None else _taus(right, gradients, look, head)
    drops = {name: mean_interval(drop) for name, drop in each.items()}
    margin = mean_interval(each["most"] - each["random"])
    return LookFindings(look, head, len(items), drops, changed, margin, None if taus is None else mean_interval(taus))


def _ways(look: str, head: int | None) -> Iterator[tuple[str, Intervention]]:
    """What is done to the weights, by its name."""
    from regard.attention.interventions import Permute, Uniform
    from regard.attention.ranked import EraseLeast, EraseMost, EraseRandom, KeepMost

    yield "most", EraseMost(look, head=head)
    yield "random", EraseRandom(look, head=head)
    yield "least", EraseLeast(look, head=head)
    yield "uniform", Uniform(look, head=head)
    yield "permuted", Permute(look, head=head)
    for share in SHARES:
        yield f"without {share:.0%}", EraseMost(look, head=head, share=share)
        yield f"only {share:.0%}", KeepMost(look, head=head, share=share)


def _answer(model: Predictor, items: Sequence[Any], *, attention: bool) -> list[TaskPrediction]:
    """The best answer to each item, greedily where it is searched for."""
    options = AnswerOptions(beam=1, n_best=1) if "beam" in model.accepts.answers else AnswerOptions()
    return [best[0] for best in model.stream(items, options, attention=attention)]


def _gradients(model: Predictor, items: Sequence[Any]) -> list[np.ndarray] | None:
    made: list[np.ndarray] = []
    for start in range(0, len(items), ROWS):
        found = model.attribute(items[start : start + ROWS])
        if found is None:
            return None
        made += found
    return made


def _taus(found: Sequence[TaskPrediction], gradients: Sequence[np.ndarray], look: str, head: int | None) -> list[float] | None:
    """Of each item the mean of its rows; None where rows or columns are others than those of the gradients."""
    taus = []
    for p, slopes in zip(found, gradients, strict=True):
        weights = p.attention.get(look)
        if weights is None or look.endswith(".self"):
            return None
        rows = weights.mean(0) if head is None else weights[head]
        if rows.shape[1] != slopes.shape[1] or (len(slopes) == 1 and len(rows) > 1):
            return None
        pairs = [(a, b) for a, b in zip(rows, slopes, strict=False) if a.any()]
        taus.append(float(np.mean([kendall(a, b) for a, b in pairs])) if pairs else 0.0)
    return taus
