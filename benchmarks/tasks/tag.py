"""Slots and intents of SNIPS, and entities of WNUT-17: benchmarks/results/task-tag.csv and .md.

    python benchmarks/tasks/tag.py --seeds 1 2 3 --threads 2        # all; an hour and a half on two cores
    python benchmarks/tasks/tag.py --only snips/recipe wnut17/recipe

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  SNIPS: judged on valid, which also chose the epoch that was kept.  WNUT-17: the epoch is chosen on valid, the figures are those of
test.  Minutes: wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

from seeds import DATA, ROOT, Row, Table, go, judged

FILES = {  # train, valid, judged
    "snips": (
        tuple(f"slot/snips/train.{part}" for part in ("in.gz", "out.gz", "label")),
        *(tuple(f"slot/snips/valid.{part}" for part in ("in", "out", "label")),) * 2,
    ),
    "wnut17": (("ner/wnut17/train.conll.gz",), ("ner/wnut17/valid.conll",), ("ner/wnut17/test.conll",)),
}
# Every token sees itself alone, and does not know where it stands; its label is still read from all of them.
FEED_FORWARD = (
    *("model.family=transformer", "model.size=200", "model.heads=1", "model.feedforward=400", "model.encoder_layers=1"),
    *("model.positions=none", "model.self_attention.scope=window(0)", "model.embedding_dropout=0.2", "model.dropout=0.2"),
    "tag.head=softmax",
)
MORE = "train.epochs=40"  # of half as many tokens, nearly all of them O
RUNS = {
    "snips/recipe": (),
    "snips/softmax": ("tag.head=softmax",),
    "snips/no letters": ("tag.letters=0",),
    "snips/min_count 1": ("tag.min_count=1",),
    "snips/feed-forward": FEED_FORWARD,
    "wnut17/recipe": (MORE,),
    "wnut17/feed-forward": (*FEED_FORWARD, MORE),
}
FIGURES = ("slot_f1", "slot_precision", "slot_recall", "token_accuracy", "intent_accuracy", "sentence_accuracy", "loss")
TABLE = Table("task-tag", "Tagging", "tag.py", FIGURES, RUNS)


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Train and judge."""
    train, valid, test = ([DATA / file for file in part] for part in FILES[name.split("/")[0]])
    words = [str(ROOT / "configs" / "tag.yaml"), *RUNS[name]]
    found, minutes, _ = judged(words, train, valid, test, seed=seed, threads=threads)
    return [TABLE.row(name, seed, found, minutes, threads)]


if __name__ == "__main__":
    go(TABLE, TABLE.asked(__doc__, [file for parts in FILES.values() for part in parts for file in part]), run)
