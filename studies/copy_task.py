"""Copying: attention copies as long as it was trained to, one fixed vector does not.

Claim: an encoder-decoder that must squeeze its source into one vector loses long sentences; one that looks back does not.
Bahdanau et al. 2015, sections 1 and 5.2.2 and figure 2 (there in BLEU, on translation); the task is that of Graves et al. 2014,
section 4.1.

Protocol: strings of the ten symbols 0-9, training lengths uniform in 1-20, batches of 64 fresh strings; bidirectional GRU of
128, decoder GRU of 128, embeddings of 32; the decoder looks with additive attention, or has the last state of the encoder as its first
state and as input of every step.  Both: the same number of updates, AdamW, 0.002 falling over the last half to a tenth, norm clipped to 1.
Judged by greedy search: share of 500 strings of each length copied without a fault.  Test strings come from a stream of their own.
Lengths 30 and 40 were never trained: content alone finds no place that it has not seen.  Reported, not gated.

    python studies/copy_task.py            # three seeds
    python studies/copy_task.py --quick
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from study import Row, Study, median
from toys import batch, copied, exact, falling, network, strings, training

LENGTHS = (5, 10, 20, 30, 40)
KINDS = {"attention": "additive", "fixed vector": "none"}
FULL = {"updates": 2000, "rate": 0.002, "judged": 500, "every": 250, "size": 128}
QUICK = {"updates": 20, "judged": 20, "every": 10, "size": 32}


def learn(study: Study, kind: str, seed: int) -> Row:
    """One training: the share that is right at each length, at its end, and at length 20 along the way."""
    own = {"encoder": "bigru", "decoder": "gru", "embedding": 32, "size": study["size"], "dropout": 0.0}
    net = network({**own, "attention": KINDS[kind]}, seed=seed, source_words=10, target_words=10)
    fresh, other = Random(f"train {seed}"), Random("test")
    tests = {n: [copied(s) for s in strings(other, study["judged"], symbols=10, least=n, most=n)] for n in LENGTHS}
    way = []
    for update in training(
        net,
        lambda _: batch([copied(s) for s in strings(fresh, 64, symbols=10, least=1, most=20)]),
        updates=study["updates"],
        rate=falling(study["rate"]),
    ):
        if update % study["every"] == 0:
            way.append(round(exact(net, tests[20][:200]), 3))
    parameters = sum(p.numel() for p in net.parameters())
    return {"parameters": parameters, **{f"exact {n}": exact(net, t) for n, t in tests.items()}, "at 20": " ".join(map(str, way))}


def draw(study: Study, figure: Any) -> None:
    by_length, by_update = figure.subplots(1, 2)
    for row in study.rows:
        colour, label = ("C0", "attention") if row["kind"] == "attention" else ("C3", "fixed vector")
        label = label if row["seed"] == study.seeds[0] else "_"
        by_length.plot(LENGTHS, [row[f"exact {n}"] for n in LENGTHS], "o-", color=colour, label=label)
        way = [float(x) for x in str(row["at 20"]).split()]
        by_update.plot([study["every"] * (i + 1) for i in range(len(way))], way, color=colour, label=label)
    by_length.axvline(20, color="gray", linestyle=":")
    by_length.set(xlabel="length (dotted: the longest trained)", ylabel="copied without a fault", ylim=(-0.03, 1.03))
    by_update.set(xlabel="updates", ylabel="the same at length 20", ylim=(-0.03, 1.03))
    by_length.legend()


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    for seed in study.seeds:
        for kind in KINDS:
            study.run({"kind": kind, "seed": seed}, partial(learn, study, kind, seed))
    middle = {kind: {n: median([r[f"exact {n}"] for r in study.rows if r["kind"] == kind]) for n in LENGTHS} for kind in KINDS}
    published = {"attention": "flat to 50 words and more", "fixed vector": "falls from about 20 words on"}
    study.show(
        "Copied without a fault, median over seeds",
        [
            {"kind": kind, "published (Bahdanau et al. 2015, fig. 2, translation)": published[kind]}
            | {f"length {n}": share for n, share in middle[kind].items()}
            for kind in KINDS
        ],
    )
    ours, fixed = middle["attention"][20], middle["fixed vector"][20]
    study.claim("attention copies at least 0.95 at length 20", ours >= 0.95)
    study.claim("the fixed vector at most half of that, after the same number of updates", fixed <= ours / 2)
    study.plot(lambda figure: draw(study, figure), size=(9.0, 4.0))
    study.end()


if __name__ == "__main__":
    main()
