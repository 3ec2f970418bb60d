"""BLEU by length of the sentence, one fixed vector against attention, on real translation: Multi30k, English to German.

Claim: with a fixed vector quality falls as sentences grow, with attention it does not.  Bahdanau et al. 2015, section 5.2.1 and figure 2
(BLEU on WMT14 English-French by length: the fixed vector falls from about 20 words on, RNNsearch-50 does not).

Protocol: as in length_curve.py, whose nets these are: bidirectional GRU and GRU, additive attention against the last state, wider until
both have the same number of parameters, the same batches and updates.  29,000 pairs, BPE of 4,000 for each side, 8 epochs, no dropout;
test2016, greedy, sacrebleu 13a, cased, by the number of words of the English sentence.  Not comparable with published figures of
Multi30k, which come from longer trainings.

    python studies/length_translation.py --seeds 0     # data: $REGARD_DATA, else ../shared/data beside the checkout; about half an hour
    python studies/length_translation.py --quick       # dates stand in for sentences
"""

from __future__ import annotations

import os
from pathlib import Path

from length_curve import KINDS, Curve, Task, curve, dated, draw
from study import Study

from regard.data.columns import Layout
from regard.data.pairs import read_pairs
from regard.metrics.text_generation import judge

DATA = Path(os.environ.get("REGARD_DATA", Path(__file__).parents[2] / "shared" / "data")) / "multi30k"
WORDS = {"1-8": (1, 8), "9-12": (9, 12), "13-16": (13, 16), "17 and more": (17, 99)}
FULL = {"updates": 2000, "size": 256, "rate": 0.001, "tokens": 2000, "bpe": 4000}
QUICK = {"updates": 3, "size": 16, "dates": 100, "held": 3, "updates dates": 3, "tokens": 500}


def translated(study: Study) -> Task:
    """Captions, judged by the number of words."""

    def pairs(part: str, zipped: str) -> list[tuple[str, str]]:
        items, _ = read_pairs([str(DATA / f"{part}.{side}{zipped}") for side in ("en", "de")], Layout())
        return [(item.source, str(item.target)) for item in items]

    test = pairs("test2016", "")
    tests = {name: [p for p in test if least <= len(p[0].split()) <= most] for name, (least, most) in WORDS.items()}
    return Task(
        pairs("train", ".gz"), tests, (f"bpe({study['bpe']})",) * 2, study["updates"], bleu, ("words of the sentence", "BLEU")
    )


def bleu(told: list[str], wanted: list[str]) -> float:
    return judge(told, [[text] for text in wanted], str.split, metrics=("bleu",), bleu_tokenize="13a").metrics["bleu"]


def kept(found: Curve, kind: str) -> float:
    """How much of the quality of the shortest sentences is left in the longest."""
    figures = list(found[kind].values())
    return figures[-1] / max(figures[0], 1e-9)


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    if not study.quick and not DATA.is_dir():
        raise SystemExit(f"error: {DATA}: expected the files of Multi30k, task 1; received nothing. Set REGARD_DATA.")
    name, task = ("dates", dated(study)) if study.quick else ("Multi30k en-de", translated(study))
    found = curve(study, name, task)
    study.say("Longest to shortest: " + ", ".join(f"{kind} {kept(found, kind):.2f}" for kind in KINDS) + ".")
    study.claim(
        "attention keeps more of its BLEU in long sentences than the fixed vector",
        kept(found, "attention") > kept(found, "fixed vector"),
    )
    study.plot(lambda figure: draw({name: task}, {name: found}, figure))
    study.end()


if __name__ == "__main__":
    main()
