"""Hard attention against soft: one place for each word, learnt by four ways, on copying and on looking up.

Claim: attention that takes one place whole can be trained and is about as good as soft attention; learning it by draws alone
(REINFORCE) is slow, and summing over all places exactly is not.
Xu et al. 2015, section 4.1 and table 1 (COCO captions, BLEU-1 and BLEU-4: soft 70.7 and 24.3, hard 71.8 and 25.0);
Jang et al. 2017, section 2 (straight-through Gumbel); Wu, Shapiro & Cotterell 2018, section 3 (exact marginal).

Protocol: copy: strings of ten symbols, lengths uniform in 1-10.  Look up: ten pairs of a key and a value in random order, then one of the
keys; the answer is its value.  Bidirectional GRU and GRU of 64, the general score, Luong's order without input feeding (so that what
is drawn does not change the states, and the marginal is exact).  Batches of 64 fresh strings, the same number of updates for all, AdamW
0.002 falling over the last half to a tenth, norm clipped to 1.  Gumbel's temperature falls from 1 to 0.3; REINFORCE has the house's
moving-average baseline and an entropy bonus of 0.01 (Xu's mixing with the soft context is not used).  In use hard, Gumbel and REINFORCE
take the best place, the marginal mixes what each place would say.  Judged on 300 others by greedy search, along the way on 150 of them.

    python studies/hard_soft.py            # two tasks, four ways, three seeds
    python studies/hard_soft.py --quick
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from study import Row, Study, median
from toys import Pair, batch, copied, exact, falling, network, pair, strings, training

WAYS = {"soft": "softmax", "gumbel": "gumbel(1, 0.3)", "reinforce": "hard", "marginal": "marginal"}
TASKS = ("copy", "look up")
KEYS = SYMBOLS = 10
ASK = 2 * SYMBOLS  # the sign before the key that is asked for; keys are 0-9, values 10-19
GOAL = 0.9
FULL = {"updates": 3000, "every": 100, "size": 64, "rows": 64, "judged": 300}
QUICK = {"updates": 4, "every": 2, "size": 16, "rows": 8, "judged": 10}


def drawn(task: str, random: Random, count: int) -> list[Pair]:
    """`count` fresh sources with their answers."""
    if task == "copy":
        return [copied(s) for s in strings(random, count, symbols=SYMBOLS, least=1, most=10)]
    return [looked_up(random) for _ in range(count)]


def looked_up(random: Random) -> Pair:
    """`k3 v1 k0 v7 ... ? k0` to `v7`."""
    told = {key: SYMBOLS + random.randrange(SYMBOLS) for key in random.sample(range(KEYS), KEYS)}
    asked = random.randrange(KEYS)
    return pair([symbol for item in told.items() for symbol in item] + [ASK, asked], [told[asked]])


def learn(study: Study, task: str, way: str, seed: int) -> Row:
    """One training: the share that is right at its end, and at which update it was first GOAL."""
    words = {"encoder": "bigru", "decoder": "gru", "embedding": 32, "size": study["size"], "dropout": 0.0}
    words |= {"order": "luong", "input_feeding": False, "attention": {"score": "general", "weighting": WAYS[way]}}
    net = network(words, seed=seed, source_words=ASK + 1, target_words=ASK + 1)
    fresh, test = Random(f"train {seed}"), drawn(task, Random("test"), study["judged"])
    curve: list[float] = []
    for update in training(
        net, lambda _: batch(drawn(task, fresh, study["rows"])), updates=study["updates"], rate=falling(0.002)
    ):
        if update % study["every"] == 0:
            curve.append(round(exact(net, test[: len(test) // 2]), 3))
    reached = [i for i, share in enumerate(curve, 1) if share >= GOAL]
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "exact": exact(net, test),
        f"updates to {GOAL}": study["every"] * reached[0] if reached else "never",
        "way": " ".join(map(str, curve)),
    }


def draw(study: Study, figure: Any) -> None:
    for axes, task in zip(figure.subplots(1, len(TASKS), sharey=True), TASKS, strict=True):
        for i, way in enumerate(WAYS):
            for row in [r for r in study.rows if (r["task"], r["way of learning"]) == (task, way)]:
                curve = [float(x) for x in str(row["way"]).split()]
                label = way if row["seed"] == study.seeds[0] else "_"
                axes.plot([study["every"] * (k + 1) for k in range(len(curve))], curve, color=f"C{i}", label=label, linewidth=1)
        axes.set(title=task, xlabel="updates", ylabel="without a fault", ylim=(-0.03, 1.03))
        axes.legend(fontsize=8)


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    for seed in study.seeds:
        for task in TASKS:
            for way in WAYS:
                key = {"task": task, "way of learning": way, "seed": seed}
                study.run(key, partial(learn, study, task, way, seed))
    published = {"soft": "70.7 / 24.3", "reinforce": "71.8 / 25.0"}
    rows: list[Row] = []
    for way in WAYS:
        row: Row = {"way": way, "published (Xu, table 1, COCO, BLEU-1 / BLEU-4)": published.get(way, "-")}
        for task in TASKS:
            own = [r for r in study.rows if (r["task"], r["way of learning"]) == (task, way)]
            reached = [10**9 if r[f"updates to {GOAL}"] == "never" else r[f"updates to {GOAL}"] for r in own]
            row |= {task: median([r["exact"] for r in own]), f"{task}: updates to {GOAL}": median(reached)}
        rows.append(row)
    by = {row["way"]: row for row in rows}
    shown = [{k: "never" if v == 10**9 else v for k, v in row.items()} for row in rows]
    study.show("Without a fault, and updates to get there, median over seeds", shown)
    for task in TASKS:
        late = f"{task}: updates to {GOAL}"
        study.claim(
            f"{task}: the exact marginal at least soft less half a point", by["marginal"][task] >= by["soft"][task] - 0.005
        )
        study.claim(f"{task}: Gumbel at least soft less two points", by["gumbel"][task] >= by["soft"][task] - 0.02)
        study.claim(f"{task}: REINFORCE gets there last", by["reinforce"][late] >= max(by[w][late] for w in WAYS))
    study.plot(lambda figure: draw(study, figure), size=(8.5, 3.8))
    study.end()


if __name__ == "__main__":
    main()
