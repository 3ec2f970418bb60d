"""Quality by length of the source: one fixed vector against attention, on generated dates and, where the data is, on pronunciation.

Claim: with a fixed vector quality falls as sentences grow, with attention it does not; short sentences are the same to both.
Bahdanau et al. 2015, section 5.2.1 and figure 2 (BLEU on WMT14: the fixed vector falls from about 20 words on, RNNsearch-50 does not).

Protocol: bidirectional GRU encoder, GRU decoder; either additive attention before each step, or the encoder's last state as first state and
as input of every step, made wider until both have the same number of parameters.  Both: the same batches and updates, AdamW falling over
the last half, norm clipped to 1, greedy search.
Dates: one to four dates in a row, in English and Chinese, to their ISO forms (`regard.tasks.transduce.demo_data`; the days of the test
never occur in training); five and six dates are longer than anything trained.  Judged by the share of dates that are right, place by
place, which would not depend on the number of dates if memory did not.
Pronunciation: SIGMORPHON 2020 task 1 (Gorman et al. 2020), where $REGARD_DATA (default ../shared/data beside the checkout) has it:
words right, by letters, on the validation files, which no training saw.

    python studies/length_curve.py            # three seeds
    python studies/length_curve.py --quick
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from study import Row, Study, median
from toys import FIRST, Pair, cycled, falling, network, training, written

from regard.data.columns import Layout
from regard.data.pairs import read_pairs
from regard.data.tokenizer import Tokenizer
from regard.networks.encoder_decoder import EncoderDecoder
from regard.tasks.transduce.demo_data import dates

DATA = Path(os.environ.get("REGARD_DATA", Path(__file__).parents[2] / "shared" / "data")) / "g2p" / "sigmorphon2020"
Curve = dict[str, dict[str, float]]  # by kind and bucket
KINDS = {"attention": "additive", "fixed vector": "none"}
TRAINED, LONGEST = 4, 6  # dates in a row
LETTERS = {"1-5": (1, 5), "6-8": (6, 8), "9-11": (9, 11), "12 and more": (12, 99)}
FULL = {
    "dates": 12_000,
    "held": 200,
    "languages": ["hun", "gre"],
    "updates dates": 3000,
    "updates words": 1200,
    "size": 128,
    "tokens": 1500,
    "rate": 0.002,
}
QUICK = {"dates": 300, "held": 5, "languages": [], "updates dates": 3, "size": 16}

Texts = list[tuple[str, str]]


class Task(NamedTuple):
    """What is learnt.  tests: texts by bucket; words: the tokenizers of both sides; judged: a figure of answers and what was wanted;
    axes: what the buckets and the figure are called."""

    train: Texts
    tests: dict[str, Texts]
    words: tuple[str, str]
    updates: int
    judged: Callable[[list[str], list[str]], float]
    axes: tuple[str, str]


def rows_of_dates(pairs: Texts, count: int, many: int, seed: str) -> Texts:
    """`many` dates in a row, `count` times: `Nov 21 '26; 5/13/1999` to `2026-11-21 1999-05-13`."""
    random = Random(seed)
    drawn = [random.choices(pairs, k=many) for _ in range(count)]
    return [("; ".join(s for s, _ in row), " ".join(t for _, t in row)) for row in drawn]


def dated(study: Study) -> Task:
    """Rows of dates, judged by their number."""
    train, held = dates(1, study["dates"])
    rows = [row for n in range(1, TRAINED + 1) for row in rows_of_dates(train, study["dates"] // TRAINED, n, f"train {n}")]
    tests = {str(n): rows_of_dates(held, study["held"], n, f"test {n}") for n in range(1, LONGEST + 1)}
    return Task(
        rows,
        tests,
        ("char", "char"),
        study["updates dates"],
        dates_right,
        ("dates in a row (dotted: the most trained)", "dates right"),
    )


def spoken(study: Study, language: str) -> Task:
    """Words and their sounds, judged by the number of letters."""
    parts = []
    for part in ("train", "valid"):
        items, _ = read_pairs([str(DATA / f"{language}_{part}.tsv")], Layout(unicode="nfd"))
        parts.append([(item.source, str(item.target)) for item in items])
    tests = {name: [p for p in parts[1] if least <= len(p[0]) <= most] for name, (least, most) in LETTERS.items()}
    return Task(
        parts[0],
        {k: v for k, v in tests.items() if v},
        ("char", "space"),
        study["updates words"],
        words_right,
        ("letters", "words right"),
    )


def sized(kind: str, size: int, words: tuple[int, int], seed: int) -> EncoderDecoder:
    """The net with attention at `size`; the one without at the size at which it has as many parameters."""

    def made(attention: str, width: int) -> EncoderDecoder:
        own: Mapping[str, Any] = {"encoder": "bigru", "decoder": "gru", "embedding": 64, "size": width, "dropout": 0.0}
        return network({**own, "attention": attention}, seed=seed, source_words=words[0], target_words=words[1])

    def count(net: EncoderDecoder) -> int:
        return sum(p.numel() for p in net.parameters())

    looks = made(KINDS["attention"], size)
    if kind == "attention":
        return looks
    return made("none", min(range(size, 2 * size, 2), key=lambda width: abs(count(made("none", width)) - count(looks))))


def learn(study: Study, kind: str, seed: int, task: Task) -> Row:
    """One training, judged in each bucket."""
    source = Tokenizer.train(task.words[0], [s for s, _ in task.train])
    target = Tokenizer.train(task.words[1], [t for _, t in task.train])
    net = sized(kind, study["size"], (len(source) - FIRST, len(target) - FIRST), seed)

    def ids(texts: Texts) -> list[Pair]:
        return list(zip(source.encode_all([s for s, _ in texts]), target.encode_all([t for _, t in texts]), strict=True))

    batches = cycled(ids(task.train), tokens=study["tokens"], seed=seed)
    for _ in training(net, lambda _: next(batches), updates=task.updates, rate=falling(study["rate"])):
        pass
    told = {name: [target.decode(w) for w in written(net, ids(texts))] for name, texts in task.tests.items()}
    figures = {name: task.judged(told[name], [t for _, t in texts]) for name, texts in task.tests.items()}
    return {"parameters": sum(p.numel() for p in net.parameters()), **figures}


def dates_right(told: list[str], wanted: list[str]) -> float:
    """The share of dates told rightly, each at its place."""
    pairs = [(t, w) for told_row, row in zip(told, wanted, strict=True) for t, w in zip_longest(told_row.split(), row.split())]
    return sum(t == w for t, w in pairs if w is not None) / sum(w is not None for _, w in pairs)


def words_right(told: list[str], wanted: list[str]) -> float:
    return sum(t == w for t, w in zip(told, wanted, strict=True)) / len(wanted)


def curve(study: Study, name: str, task: Task) -> Curve:
    """Both kinds with every seed, and their table: by kind and bucket, the median over seeds."""
    for seed in study.seeds:
        for kind in KINDS:
            study.run({"data": name, "kind": kind, "seed": seed}, partial(learn, study, kind, seed, task))
    own = {kind: [r for r in study.rows if (r["data"], r["kind"]) == (name, kind)] for kind in KINDS}
    found = {kind: {bucket: median([float(r[bucket]) for r in rows]) for bucket in task.tests} for kind, rows in own.items()}
    published = {"attention": "flat", "fixed vector": "falls from about 20 words on"}
    rows = [{"kind": kind, "published (fig. 2, WMT14, BLEU)": published[kind], **found[kind]} for kind in KINDS]
    study.show(f"{name}, median over seeds", rows)
    return found


def draw(tasks: dict[str, Task], curves: dict[str, Curve], figure: Any) -> None:
    for axes, (name, by_kind) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        for kind, colour in zip(KINDS, ("C0", "C3"), strict=True):
            axes.plot(list(by_kind[kind]), list(by_kind[kind].values()), "o-", color=colour, label=kind)
        axes.set(title=name, xlabel=tasks[name].axes[0], ylabel=tasks[name].axes[1])
        axes.set_ylim(bottom=0)
        if name == "dates":
            axes.axvline(TRAINED - 1, color="gray", linestyle=":")
        axes.legend()


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    languages = [x for x in study["languages"] if (DATA / f"{x}_train.tsv").exists()]
    if languages != study["languages"]:
        study.say(f"No pronunciation: {DATA} is not there.")
    tasks = {"dates": dated(study), **{x: spoken(study, x) for x in languages}}
    curves = {name: curve(study, name, task) for name, task in tasks.items()}
    last = {kind: curves["dates"][kind][str(TRAINED)] / max(curves["dates"][kind]["1"], 1e-9) for kind in KINDS}
    study.claim(f"attention: right at {TRAINED} dates at least 0.7 of right at one", last["attention"] >= 0.7)
    study.claim(f"fixed vector: right at {TRAINED} dates at most 0.5 of right at one", last["fixed vector"] <= 0.5)
    study.plot(lambda figure: draw(tasks, curves, figure), size=(4.2 * len(curves), 3.6))
    study.end()


if __name__ == "__main__":
    main()
