"""Kinds of questions (TREC-6), mood of sentences (SST-2), names by language: benchmarks/results/task-classify.csv and .md.

    python benchmarks/tasks/classify.py --seeds 1 2 3 --threads 2        # all; some hours on two cores
    python benchmarks/tasks/classify.py --only trec6/attention sst2/attention names18/attention

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  TREC-6: the epoch is chosen on a tenth of train that is set aside, the figures are those of test.  SST-2 and names: judged on valid,
which also chose the epoch that was kept.  Minutes: wall time of `regard train`, whole process, reading and validation included.
Baselines: the most frequent label of train; every token by itself and their mean (a bag of words, no recurrence).
"""

from __future__ import annotations

from collections import Counter

from seeds import DATA, ROOT, Row, Table, go, judged

from regard.data.text_files import lines
from regard.metrics.classification import class_figures

FILES = {  # train, valid, judged
    "trec6": (("cls/trec6/train.tsv.gz",), (), ("cls/trec6/test.tsv",)),
    "sst2": (("cls/sst2/train.tsv.gz",), *(("cls/sst2/valid.tsv",),) * 2),
    "names18": (("cls/names18/train.tsv",), *(("cls/names18/valid.tsv",),) * 2),
}
WORDS = {  # what the recipe is told of each
    "trec6": ("data.source=3", "data.target=1"),
    "sst2": (
        *("data.source=2", "data.target=1", "model.embedding=200", "model.size=100", "model.embedding_dropout=0.5"),
        *("train.batch_tokens=1000", "train.epochs=7", "train.warmup=150"),
        *("classify.min_count=2", "classify.unseen=0.2"),
    ),
    "names18": (
        *("data.source=2", "data.target=1", "data.source_tokenizer=char", "classify.letters=0", "classify.min_count=1"),
        *("model.embedding=32", "model.embedding_dropout=0.1", "model.dropout=0.3"),
    ),
}
# Every token sees itself alone, and does not know where it stands.
BAG = (
    *("model.family=transformer", "model.size=128", "model.heads=1", "model.feedforward=256", "model.encoder_layers=1"),
    *("model.positions=none", "model.self_attention.scope=window(0)", "classify.pooling=mean"),
)
RUNS = {
    f"{data}/{model}": words
    for data in FILES
    for model, words in {
        "attention": (),
        "mean": ("classify.pooling=mean",),
        "last": ("classify.pooling=last",),
        "max": ("classify.pooling=max",),
        "structured": ("classify.pooling=structured", "classify.hop_penalty=0.1"),
        "bag of words": BAG,
    }.items()
}
RUNS |= {f"{data}/no letters": ("classify.letters=0",) for data in ("trec6", "sst2")}
RUNS |= {"names18/balanced": ("classify.class_weights=balanced",)}
TABLE = Table("task-classify", "Classification", "classify.py", ("accuracy", "macro_f1", "loss"), RUNS)


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Train and judge."""
    data = name.split("/")[0]
    train, valid, test = ([DATA / file for file in part] for part in FILES[data])
    words = [str(ROOT / "configs" / "classify.yaml"), *WORDS[data], *RUNS[name]]
    found, minutes, _ = judged(words, train, valid, test, seed=seed, threads=threads)
    return [TABLE.row(name, seed, found, minutes, threads)]


def most_frequent(data: str) -> Row:
    """What answering the most frequent label of train with every text would reach."""
    column = int(next(word.partition("=")[2] for word in WORDS[data] if word.startswith("data.target"))) - 1
    known, asked = ([line.split("\t")[column] for line in lines(str(DATA / FILES[data][part][0]))] for part in (0, 2))
    found = class_figures([Counter(known).most_common(1)[0][0]] * len(asked), asked)
    return TABLE.row(f"{data}/most frequent label", "-", found, "-", "-")


if __name__ == "__main__":
    asked = TABLE.asked(__doc__, [file for parts in FILES.values() for part in parts for file in part])
    go(TABLE, asked, run, [most_frequent(data) for data in FILES])
