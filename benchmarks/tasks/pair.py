"""Entailment and relatedness of SICK: benchmarks/results/task-pair.csv and .md.

    python benchmarks/tasks/pair.py --seeds 1 2 3 --threads 2        # all; three quarters of an hour on two cores
    python benchmarks/tasks/pair.py --only entailment/recipe relatedness/recipe

Data: $REGARD_DATA, else ../shared/data beside the checkout.  The table is written again after each run, and a row that it has is not run
again.  Judged on valid, which also chose the epoch that was kept.  `word overlap` is no net: which share of each sentence's words the
other has, read by a linear model fitted to train (softmax for entailment, least squares for relatedness); `most frequent` always says
the label, or the mean, that train has most.  Minutes: wall time of `regard train`, whole process, reading and validation included.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from seeds import DATA, ROOT, Row, Table, go, judged

from regard.metrics.classification import class_figures
from regard.metrics.correlation import number_figures

TRAIN, VALID = "pairs/sick/train.tsv.gz", "pairs/sick/valid.tsv"
NUMBER = ("data.target=relatedness_score", "pair.output=number", "train.metric=pearson")
MODELS = {
    "recipe": (),
    "no marks": ("pair.overlap=false",),
    "no look": ("pair.align=none",),
    "neither": ("pair.overlap=false", "pair.align=none"),
}
RUNS = {
    **{f"entailment/{name}": keys for name, keys in MODELS.items()},
    **{f"relatedness/{name}": (*NUMBER, *keys) for name, keys in MODELS.items()},
    "relatedness/squared error": (*NUMBER, "pair.ratings=square"),
}
FIGURES = ("accuracy", "macro_f1", "pearson", "spearman", "mse", "loss")
TABLE = Table("task-pair", "Two texts to one", "pair.py", FIGURES, RUNS)


def run(name: str, seed: int, threads: int) -> list[Row]:
    """Train and judge."""
    words = [str(ROOT / "configs" / "pair.yaml"), *RUNS[name]]
    found, minutes, _ = judged(words, [DATA / TRAIN], [DATA / VALID], [DATA / VALID], seed=seed, threads=threads)
    return [TABLE.row(name, seed, found, minutes, threads)]


def read(file: str) -> list[dict[str, str]]:
    path = DATA / file
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def shares(rows: list[dict[str, str]]) -> np.ndarray:
    """Of each pair: which share of the first sentence's words the second has, the reverse, and which share of both is common."""
    made = []
    for each in rows:
        a, b = (set(each[side].lower().split()) for side in ("sentence_A", "sentence_B"))
        made.append([len(a & b) / len(a), len(a & b) / len(b), len(a & b) / len(a | b), 1.0])
    return np.array(made)


def plain() -> list[Row]:
    """What needs no net."""
    train, valid = read(TRAIN), read(VALID)
    x, y = shares(train), shares(valid)
    labels = Counter(each["entailment_judgment"] for each in train)
    names, right = list(labels), [each["entailment_judgment"] for each in valid]
    weights = torch.zeros(x.shape[1], len(names), dtype=torch.float64, requires_grad=True)
    targets, inputs = torch.tensor([names.index(each["entailment_judgment"]) for each in train]), torch.from_numpy(x)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(inputs @ weights, targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    said = [names[n] for n in (torch.from_numpy(y) @ weights).argmax(1).tolist()]
    numbers = np.array([float(each["relatedness_score"]) for each in train])
    truth = [float(each["relatedness_score"]) for each in valid]
    line = np.linalg.lstsq(x, numbers, rcond=None)[0]
    found = {
        "entailment/word overlap": class_figures(said, right),
        "relatedness/word overlap": number_figures((y @ line).tolist(), truth),
        "entailment/most frequent": class_figures([labels.most_common(1)[0][0]] * len(right), right),
        "relatedness/most frequent": number_figures([float(numbers.mean())] * len(truth), truth),
    }
    return [TABLE.row(name, "-", figures, "-", "-") for name, figures in found.items()]


if __name__ == "__main__":
    go(TABLE, TABLE.asked(__doc__, [TRAIN, VALID]), run, plain())
