"""What the novels' words know of sentiment, read as simply as can be: how much pre-training on them could bring SST-2.

    python benchmarks/tasks/novels.py [--words 8000] [--subsets 8]

Each word's company in the eleven novels (five places to either side, nearer ones counting more) as positive pointwise mutual information,
its 300 best directions (Levy & Goldberg 2014): that is what a text tells of its words without any net.  A sentence is the mean of its
words' vectors, or the bag of its words, or both, read by a logistic regression from 500 labelled sentences; the best of three strengths of
its penalty is shown, which flatters all rows alike.  Learned from and judged on SST-2's training sentences that
`benchmarks/tasks/pretrain.py` does not use: 3,000 to judge on.
Data: REGARD_DATA, else ../shared/data.
Writes benchmarks/results/task-novels.csv and .md.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import sys
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import write

DATA = Path(os.environ.get("REGARD_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
NEAR, WIDTH = 5, 300  # places to either side; directions
LABELLED, JUDGED, USED = 500, 3000, range(1, 6)  # the last: subsets of pretrain.py
PENALTIES = (1e-4, 1e-3, 1e-2)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|[^\sa-z]", text.lower())


def vectors(paragraphs: list[list[str]], number: dict[str, int]) -> Tensor:
    """ "V 300", of length one."""
    V = len(number)
    counts = np.zeros(V * V, np.float32)
    for far in range(1, NEAR + 1):
        pairs = []
        for paragraph in paragraphs:
            ids = np.array([number.get(word, -1) for word in paragraph])
            a, b = ids[:-far], ids[far:]
            known = (a >= 0) & (b >= 0)
            pairs += [a[known] * V + b[known], b[known] * V + a[known]]
        which, often = np.unique(np.concatenate(pairs), return_counts=True)
        counts[which] += often / far
    seen = torch.from_numpy(counts).view(V, V)
    context = seen.sum(0) ** 0.75
    pmi = (seen * (context.sum() / context)).div_(seen.sum(1, keepdim=True).clamp(min=1)).log_().clamp_(min=0)
    torch.manual_seed(0)
    left, strength, _ = torch.svd_lowrank(pmi, WIDTH + 20, niter=4)
    return normalize(left[:, :WIDTH] * strength[:WIDTH].sqrt())


def accuracy(learned: tuple[Tensor, Tensor], judged: tuple[Tensor, Tensor], penalty: float) -> float:
    """Of a logistic regression, in per cent."""
    (x, y), (x_judged, y_judged) = learned, judged
    weights, start = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    steps = torch.optim.LBFGS([weights, start], max_iter=100)

    def loss() -> Tensor:
        steps.zero_grad()
        value = binary_cross_entropy_with_logits(x @ weights + start, y) + penalty * weights.square().sum()
        value.backward()
        return value

    steps.step(loss)
    return 100 * float(((x_judged @ weights + start > 0) == (y_judged > 0)).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=8000, help="the most frequent ones of the novels")
    parser.add_argument("--subsets", type=int, default=8)
    asked = parser.parse_args()
    novels = sorted((DATA / "text/gutenberg_en").glob("*.txt.gz"))
    if not novels:
        raise SystemExit(f"error: {DATA}: expected data sets (text/gutenberg_en, cls); received none. Set REGARD_DATA.")
    paragraphs = [words(line) for path in novels for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    frequent = Counter(word for paragraph in paragraphs for word in paragraph).most_common(asked.words)
    number = {word: n for n, (word, _) in enumerate(frequent)}
    of_word = vectors(paragraphs, number)
    lines = gzip.decompress((DATA / "cls/sst2/train.tsv.gz").read_bytes()).decode().splitlines()
    used = {line for n in USED for line in Random(n).sample(lines, LABELLED)}
    rest = [line for line in lines if line not in used]
    Random(77).shuffle(rest)

    def read(some: list[str], way: str) -> tuple[Tensor, Tensor]:
        bag = torch.zeros(len(some), len(number))
        for row, line in enumerate(some):
            bag[row, [number[word] for word in words(line.split("\t")[1]) if word in number]] = 1
        mean = bag @ of_word / bag.sum(1, keepdim=True).clamp(min=1)
        parts = {"the words": [0.3 * bag], "their vectors": [3 * mean], "both": [0.3 * bag, 3 * mean]}[way]
        return torch.cat(parts, 1), torch.tensor([float(line[0]) for line in some])

    rows = []
    for way in ("the words", "their vectors", "both"):
        judged = read(rest[:JUDGED], way)
        subsets = [read(Random(100 + n).sample(rest[JUDGED:], LABELLED), way) for n in range(1, asked.subsets + 1)]
        found = [[accuracy(subset, judged, penalty) for subset in subsets] for penalty in PENALTIES]
        best = max(found, key=statistics.mean)
        rows.append((way, len(number), len(best), f"{statistics.mean(best):.1f} ± {statistics.stdev(best):.1f}"))
    title = "SST-2 from 500 labelled sentences, read by a logistic regression: what the novels' words know"
    command = f"python benchmarks/tasks/novels.py --words {asked.words} --subsets {asked.subsets}"
    write("task-novels", title, command, ("a sentence is", "words", "subsets", "accuracy, %, mean ± deviation"), rows)


if __name__ == "__main__":
    main()
