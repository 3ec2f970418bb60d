"""Ratings of pairs: numbers that lie far outside of the others, all alike, or that are none; what is no rating is a label."""

from __future__ import annotations

from collections import Counter

from regard.check.column_profile import NUMBER
from regard.check.finding import Finding, listed
from regard.check.labels import Labels
from regard.core.plural import many

RATINGS = 30  # different numbers from which on they are ratings and no labels


class Ratings(Labels):
    """Counts each answer, in training and in validation."""

    def findings(self) -> list[Finding]:
        train = self.counts[False]
        numbers = [label for label in train if NUMBER.fullmatch(label)]
        rated = len(numbers) >= RATINGS or any("." in label for label in numbers)
        return self._ratings(train) if rated and len(numbers) > 0.5 * len(train) else super().findings()

    def _ratings(self, train: Counter[str]) -> list[Finding]:
        found = []
        words = [label for label in train if not NUMBER.fullmatch(label)]
        if words and self.case.given.output != "number":  # else each is a bad line
            what = f"{many(sum(train[w] for w in words), 'answer is no number', 'answers are no numbers')}: {listed(words)}."
            found.append(self.told("no-rating", "error", what, len(words), words, "Correct or remove them."))
        values = sorted((float(label), label) for label in train if label not in words)
        spread = [value for value, label in values for _ in range(min(train[label], 1000))]
        low, high = spread[int(0.005 * len(spread))], spread[int(0.995 * (len(spread) - 1))]
        room = high - low
        out = [label for value, label in values if value < low - 0.5 * room - 1e-9 or value > high + 0.5 * room + 1e-9]
        if len(values) == 1:
            what = f"All ratings are {values[0][1]}."
            found.append(self.told("one-label", "error", what, 1, [values[0][1]], "Is this the right column (data.target)?"))
        if out and room:
            what = (
                f"{many(len(out), 'rating lies', 'ratings lie')} far outside of the others ({low:g} to {high:g}): {listed(out)}."
            )
            found.append(self.told("rating-range", "warning", what, sum(train[x] for x in out), out, "Correct them."))
        return found
