"""Reversing: Luong's attention with input feeding turns number strings round, as well as JoeyNMT's tutorial says of its own.

Claim: at least 95 BLEU on the reverse task within 7,000 updates, with the general score and with the additive one.
JoeyNMT, tutorial and configs/rnn_reverse.yaml (Kreutzer et al. 2019); the decoder is that of Luong et al. 2015, sections 3.1 and 3.3.

Protocol: the very data of its scripts/generate_reverse_task.py (numbers 0-49, NumPy's generator with seed 42): 50,000 strings of 1-25 for
training; dev and test 1,000 each of 1-30, those above 25 left out as there.  Embeddings 16, bidirectional LSTM 64, LSTM 64, input
feeding, dropout 0.1, AdamW 0.001, halved after 5 validations without a gain, norm clipped to 1, batches of 10, Xavier's uniform weights,
no biases at the start, embeddings N(0, 0.1).  BLEU: sacrebleu 13a of greedy answers, validated each 1,000 updates; the best by dev is
judged on test.
Differs from theirs: the decoder's first state is the house's bridge from the encoder's last (theirs is zero), and dropout falls on the
encoder's states too.

    python studies/reverse.py            # two scores, three seeds; --seeds 0 for one
    python studies/reverse.py --quick
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from itertools import count
from random import Random
from typing import Any

import numpy as np
from study import Row, Study, median
from torch import nn
from toys import FIRST, Pair, batch, network, training, turned, written

from regard.metrics.text_generation import judge
from regard.networks.encoder_decoder import EncoderDecoder
from regard.training.schedule import Plateau, ScheduleState

NUMBERS, LONGEST = 50, 25
THEIRS = {1000: 22.5, 2000: 57.3, 3000: 83.4, 4000: 89.8, 5000: 89.4, 7000: 95.42}  # dev BLEU by update; test 95.19
SCORES = ("general", "additive")
FULL = {"updates": 7000, "every": 1000, "train": 50_000, "held": 1000, "batch": 10, "embedding": 16, "size": 64}
QUICK = {"updates": 10, "every": 5, "train": 200, "held": 20}


def data(study: Study) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Their three parts, in the order in which they draw them."""
    random = np.random.RandomState(42)

    def drawn(number: int, longest: int) -> list[Pair]:
        strings = (random.randint(0, NUMBERS, random.randint(1, longest + 1)).tolist() for _ in range(number))
        return [turned(s) for s in strings if len(s) <= LONGEST]

    return drawn(study["train"], LONGEST), drawn(study["held"], LONGEST + 5), drawn(study["held"], LONGEST + 5)


def begun(net: EncoderDecoder) -> EncoderDecoder:
    """Their first weights."""
    for name, p in net.named_parameters():
        if "table" in name or "embed" in name:
            nn.init.normal_(p, std=0.1)
        elif p.dim() > 1:
            nn.init.xavier_uniform_(p)
        elif "bias" in name:
            nn.init.zeros_(p)
    return net


def epochs(pairs: list[Pair], size: int, seed: int) -> Iterator[list[Pair]]:
    """Batches for ever: each epoch has every pair once, in another order."""
    for epoch in count():
        order = Random(f"{seed} {epoch}").sample(pairs, len(pairs))
        yield from (order[i : i + size] for i in range(0, len(order), size))


def judged(net: EncoderDecoder, pairs: list[Pair]) -> dict[str, float]:
    """BLEU and exact match of the greedy answers, as texts of numbers."""

    def text(ids: tuple[int, ...] | list[int]) -> str:
        return " ".join(str(i - FIRST) for i in ids[:-1])

    answers, references = [text(w) for w in written(net, pairs)], [[text(t)] for _, t in pairs]
    return judge(answers, references, str.split, metrics=("bleu", "exact"), bleu_tokenize="13a").metrics


def learn(study: Study, score: str, seed: int) -> Row:
    """One training: dev BLEU along the way, then BLEU and exact match on test with the weights that were best on dev."""
    train, dev, test = data(study)
    words = {"encoder": "bilstm", "decoder": "lstm", "embedding": study["embedding"], "size": study["size"], "attention": score}
    words |= {"order": "luong", "input_feeding": True, "dropout": 0.1, "embedding_dropout": 0.1}
    net = begun(network(words, seed=seed, source_words=NUMBERS, target_words=NUMBERS))
    batches, schedule, standing = epochs(train, study["batch"], seed), Plateau(1e-3, factor=0.5, patience=5), [ScheduleState()]
    way: list[float] = []
    best = deepcopy(net.state_dict())
    for update in training(
        net, lambda _: batch(next(batches)), updates=study["updates"], rate=lambda done: schedule.rate(0, standing[-1])
    ):
        if update % study["every"] == 0:
            way.append(round(judged(net, dev)["bleu"], 2))
            gained = way[-1] > max(way[:-1], default=-1.0)
            standing.append(schedule.judged(standing[-1], gained))
            best = deepcopy(net.state_dict()) if gained else best
    net.load_state_dict(best)
    found = judged(net, test)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "dev bleu": max(way),
        "at update": study["every"] * (1 + way.index(max(way))),
        "test bleu": found["bleu"],
        "test exact": found["exact"],
        "way": " ".join(map(str, way)),
    }


def draw(study: Study, figure: Any) -> None:
    axes = figure.subplots()
    axes.plot(list(THEIRS), list(THEIRS.values()), "k--", label="JoeyNMT, general")
    for row in study.rows:
        way = [float(x) for x in str(row["way"]).split()]
        label = row["score"] if row["seed"] == study.seeds[0] else "_"
        at = [study["every"] * (i + 1) for i in range(len(way))]
        axes.plot(at, way, "o-", color=f"C{SCORES.index(row['score'])}", label=label)
    axes.axhline(95, color="gray", linestyle=":")
    axes.set(xlabel="updates of ten strings", ylabel="dev BLEU")
    axes.legend()


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    for seed in study.seeds:
        for score in SCORES:
            study.run({"score": score, "seed": seed}, partial(learn, study, score, seed))
    columns = ("dev bleu", "at update", "test bleu", "test exact")
    rows = [
        {"who": "JoeyNMT, general (its tutorial)", "dev bleu": 95.42, "at update": 7000, "test bleu": 95.19, "test exact": "-"}
    ]
    for score in SCORES:
        own = [r for r in study.rows if r["score"] == score]
        rows.append({"who": f"ours, {score}, median of {len(own)}", **{c: median([r[c] for r in own]) for c in columns}})
    study.show("BLEU 13a, greedy", rows)
    for score in SCORES:
        least = median([r["test bleu"] for r in study.rows if r["score"] == score])
        study.claim(f"{score}: at least 95 BLEU on test within {study['updates']} updates", least >= 95)
    study.plot(lambda figure: draw(study, figure))
    study.end()


if __name__ == "__main__":
    main()
