"""Touching: without the places where it looked for the year, a date's model writes another year, and nothing else is changed.

Claim: erasing the places that were attended most while the four digits of the year were written changes the year in at least 95 % of
sentences, and nothing else in at least 90 %.  (What an intervention on a weight shows: Jain & Wallace 2019; Wiegreffe & Pinter 2019.)

Protocol: the demo's model and data (`regard demo`: bidirectional GRU 128, GRU 128, additive attention), dates that training never saw.
For each: its own answer, greedy; the place of the largest weight at each of the four steps of the year (end mark included); these places
erased at every step.  Beside it as many places drawn from all others (NumPy's generator, seed 22).

    python studies/touch.py --seeds 1    # the demo's own seed
    python studies/touch.py --quick
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from study import Row, Study

import regard
from regard import runs
from regard.config import read_config
from regard.tasks.transduce.demo import CONFIG
from regard.tasks.transduce.demo_data import dates

CROSS, YEAR = "decoder.0.cross", slice(0, 4)
FULL = {"pairs": 12_000, "epochs": 8, "held": 500}
QUICK = {"pairs": 200, "epochs": 1, "held": 5}


def trained(study: Study, seed: int, folder: Path) -> tuple[regard.Model, list[tuple[str, str]]]:
    """The demo's model, and pairs that it never saw."""
    parts, named = dates(1, study["pairs"]), {}
    for name, part in zip(("train", "valid"), parts, strict=True):
        named[name] = [str(folder / f"{name}.tsv")]
        Path(named[name][0]).write_text("".join(f"{a}\t{b}\n" for a, b in part), "utf-8")
    settings: dict[str, Any] = {**CONFIG, "train": {**CONFIG["train"], "epochs": study["epochs"], "seed": seed}}
    runs.train(read_config({"data": named, **settings}), folder / "run", say=lambda line: None)
    return regard.load(folder / "run"), parts[1][: study["held"]]


def touched(model: regard.Model, pairs: list[tuple[str, str]]) -> list[Row]:
    """For each way to choose places how often the year changed, and how often nothing else did."""
    random, counts = np.random.default_rng(22), {"attended": [0, 0, 0], "others": [0, 0, 0]}
    own = model.predict([source for source, _ in pairs], beam=1, say=str)
    for answer in own:
        weights = answer.attention[CROSS].mean(0)
        attended = sorted(set(weights[YEAR].argmax(-1).tolist()))
        rest = np.setdiff1d(np.arange(weights.shape[1]), attended)
        drawn = random.choice(rest, min(len(attended), len(rest)), replace=False).tolist()
        for way, places in (("attended", attended), ("others", drawn)):
            erase = regard.Erase(CROSS, source=places)
            (changed,) = model.predict([answer.source], beam=1, attention=False, interventions=[erase], say=str)
            counts[way][0] += changed.text[YEAR] != answer.text[YEAR]
            counts[way][1] += changed.text[4:] == answer.text[4:]
            counts[way][2] += len(places)
    right = sum(answer.text == target for answer, (_, target) in zip(own, pairs, strict=True)) / len(pairs)
    rows = []
    for way, (year, rest_stays, places) in counts.items():
        figures = {"year changed": year / len(own), "nothing else changed": rest_stays / len(own), "places": places / len(own)}
        rows.append({"erased": way, "exact before": right, **figures})
    return rows


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    for seed in study.seeds:
        found: list[Row] = []

        def measure(way: int, seed: int = seed, found: list[Row] = found) -> Row:
            if not found:
                with tempfile.TemporaryDirectory() as folder:
                    found.extend(touched(*trained(study, seed, Path(folder))))
            return {k: v for k, v in found[way].items() if k != "erased"}

        for way, name in enumerate(("attended", "others")):
            study.run({"erased": name, "seed": seed}, lambda way=way: measure(way))
    attended = [row for row in study.rows if row["erased"] == "attended"]
    study.claim("the year changes in at least 95 % of sentences", all(row["year changed"] >= 0.95 for row in attended))
    study.claim("nothing else changes in at least 90 %", all(row["nothing else changed"] >= 0.9 for row in attended))
    study.plot(
        lambda figure: figure.subplots().bar(
            [f"{row['erased']}\nseed {row['seed']}" for row in study.rows], [row["year changed"] for row in study.rows]
        )
    )
    study.end()


if __name__ == "__main__":
    main()
