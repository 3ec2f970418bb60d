"""Whether an exported net answers as the trained one: the same items through both, by one road; what differs is told, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regard.core.errors import RegardError, message
from regard.tasks.base import Predictor, TaskPrediction
from regard.tasks.options import AnswerOptions

CLOSE = 1e-5  # of a log-probability a token, and of a number
# Of a weight of attention: where scores are large float32 leaves no more.  Of a Transformer of the usual sizes, 400 updates on dates,
# PyTorch's own weights were 1.4e-4 from those in float64, and the graph's 3.7e-5.
CLOSE_LOOKS = 5e-4
BATCHES = (1, 64)  # items side by side
ALONE, ALL = 50, 10_000  # about so many items are answered one by one, and by what takes longer
BEAMS = (1, 5)
NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass
class Proof:
    """What was compared.  answers: how many; ties: other texts that the trained net finds as likely; score, attention, number: the largest
    differences, a score's a token; changed: other texts, with an example or two."""

    answers: int = 0
    ties: int = 0
    changed: int = 0
    score: float = 0.0
    attention: float = 0.0
    number: float = 0.0
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing differs by more than rounding."""
        return not self.changed and max(self.score, self.number) <= CLOSE and self.attention <= CLOSE_LOOKS

    def __str__(self) -> str:
        largest = f"largest differences: scores {self.score:.1e} a token, attention {self.attention:.1e}"
        return f"{self.answers:,} answers; other texts {self.changed:,}, as likely {self.ties:,}; {largest}"


def prove(trained: Predictor, exported: Predictor, items: Sequence[Any]) -> Proof:
    """Both models' answers to the same items: alone and in batches, by beams where the task searches, with attention."""
    proof = Proof()
    for options, most in ways(trained):
        some = items[:: max(1, len(items) // most)]
        for right, told in zip(trained.stream(some, options), exported.stream(some, options), strict=True):
            _compare(proof, right, told)
    return proof


def join(*proofs: Proof) -> Proof:
    """What was compared in all."""
    whole = Proof()
    for each in proofs:
        for name in ("answers", "ties", "changed"):
            setattr(whole, name, getattr(whole, name) + getattr(each, name))
        for name in ("score", "attention", "number"):
            setattr(whole, name, max(getattr(whole, name), getattr(each, name)))
        whole.examples += each.examples
    return whole


def ways(model: Predictor) -> Iterator[tuple[AnswerOptions, int]]:
    """The options under which models are compared, and on about how many items: all in batches, some alone."""
    accepted = model.accepts.answers
    if "beam" not in accepted:
        n_best = 3 if "n_best" in accepted else None
        yield from (
            (AnswerOptions(n_best=n_best, batch_size=size), most) for size, most in zip(BATCHES, (ALONE, ALL), strict=True)
        )
        return
    yield AnswerOptions(beam=1, n_best=1, batch_size=BATCHES[1]), ALL
    yield from ((AnswerOptions(beam=beam, n_best=min(beam, 3), batch_size=size), ALONE) for beam in BEAMS for size in BATCHES)
    yield AnswerOptions(sample=True, n_best=2, seed=7, batch_size=BATCHES[1]), ALONE


def _compare(proof: Proof, right: Sequence[TaskPrediction], told: Sequence[TaskPrediction]) -> None:
    proof.answers += 1
    texts = [p.text for p in right], [p.text for p in told]
    if texts[0] != texts[1] and len(right) == len(told) and all(map(_rounds, *texts)):
        proof.ties += 1
    elif texts[0] != texts[1]:
        gaps = [abs((a.score or 0.0) - (b.score or 0.0)) for a, b in zip(right, told, strict=False)]
        if len(right) == len(told) and right[0].score is not None and max(gaps) <= CLOSE * _length(right[0]):
            proof.ties += 1
        else:
            proof.changed += 1
            proof.examples += [{"source": right[0].source[:200], "trained": right[0].text[:200], "exported": told[0].text[:200]}][
                : 3 - len(proof.examples)
            ]
        return
    for a, b in zip(right, told, strict=True):
        if a.score is not None and b.score is not None and np.isfinite(a.score):
            proof.score = max(proof.score, abs(a.score - b.score) / _length(a))
        for name, look in a.attention.items():
            proof.attention = max(proof.attention, float(np.abs(look - b.attention[name]).max(initial=0.0)))


def _rounds(right: str, told: str) -> bool:
    """Whether two texts are the same but for numbers that were rounded up in one and down in the other."""
    mine, other = NUMBER.findall(right), NUMBER.findall(told)
    if NUMBER.sub("", right) != NUMBER.sub("", told) or len(mine) != len(other):
        return False
    return all(abs(float(a) - float(b)) <= 1.001 * 10.0 ** -len(a.partition(".")[2]) for a, b in zip(mine, other, strict=True))


def _length(prediction: TaskPrediction) -> int:
    return max(1, len(prediction.tokens))


def refuse(proof: Proof, out: object, own: str = "") -> None:
    """RegardError where the exported net does not say what the trained one says.  own: the classes of the user's that are part of it."""
    if not proof.holds:
        do = "Nothing was written. "
        if own:
            do += f"Look at {own}: its arithmetic must be the same whatever the numbers are (docs/export.md)."
        else:
            do += "Please report it, with export.json's proof and the config of the run."
        raise RegardError(
            message(
                f"{out}: the proof",
                f"the same texts, scores within {CLOSE:g}, attention within {CLOSE_LOOKS:g}",
                f"{proof}; {proof.examples}",
                do,
            )
        )
