"""Feed-forward attention solves problems of long memory that a mean over time does not: addition and multiplication of two marked numbers.

Raffel & Ellis 2015 (arXiv 1512.08756), section 2.2, table 1: epochs of 1000 updates until all of 1000 test sequences are right, the best
learning rate of four.  Here the two best of theirs, .01 and .003, both shown.

Protocol, after the code that they released: arrays of L = ceil(1.1 T0) steps, of which T0 ... L - 1 are real.  Channel 0 is U[-1, 1]
(addition) or U[0, 1] (multiplication), 0 in padding; channel 1 is -1 at the first and the last real step, 1 at the two marked ones, n1
from 1 ... 9 and n2 from 1 ... len / 2 - 2, else 0.  y = .5 + (a + b) / 4, or a b.  h = LReLU(W x + b), e = tanh(w . h + b), a =
softmax(e), c = sum a h, s = LReLU(W c + b), y = LReLU(w . s + b): 100 units throughout, 10,602 parameters (the mean: 10,501), weights
N(0, 1 / sqrt(fan in)), biases 0.  Adam, batches of 100, squared error.  Every 1000 updates 1000 fixed sequences from another stream of
random numbers: solved where every error is below .04.  As in the released code the softmax runs over padding too; `mask_text` does not.

The net that is tested is the paper's, with the house's `Pool` and the score `key-only` (feedforward.py).  The net that is trained is
the same with the same parameters, faster: most steps differ in one number v alone, in which h is linear between the 100 places where
a unit changes its sign, so that sums over steps become sums over 101 stretches.  Both agree in values and gradients (checked in every
run).

    python studies/raffel_ellis.py [--quick] [--seeds 0 1 2] [--threads 1]
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from feedforward import FeedForwardNet
from study import Row, Study, median
from torch import Tensor

from regard.attention import KeyOnly

SIZE, SLOPE, TOLERANCE = 100, 0.01, 0.04
LENGTHS = (50, 100, 500, 1000, 5000, 10000)
PUBLISHED = {  # table 1: epochs, or the share solved after 100
    ("add", "attention"): (1, 1, 1, 1, 2, 3), ("add", "mean"): (1, 1, 1, 2, 8, 17),
    ("multiply", "attention"): (1, 2, 4, 2, 15, 6), ("multiply", "mean"): (2, 2, 8, 33, "89.8 %", "80.8 %"),
}  # fmt: skip
MOST = {
    "add": dict.fromkeys(LENGTHS, 2),
    "multiply": {50: 2, 100: 3, 500: 6, 1000: 4},
}  # epochs within which attention is to solve it


class Sums(NamedTuple):
    """A batch.  x: "B L 2"; y: "B"; length: "B"; place: "B 4", the steps whose channel 1 is not 0."""

    x: Tensor
    y: Tensor
    length: Tensor
    place: Tensor


def draw(problem: str, T0: int, count: int, random: torch.Generator) -> Sums:
    L = math.ceil(1.1 * T0)
    length = torch.randint(T0, L, (count,), generator=random)
    value = torch.rand(count, L, generator=random)
    value = (2 * value - 1 if problem == "add" else value) * (torch.arange(L) < length[:, None])
    n1 = torch.randint(1, 10, (count,), generator=random)
    n2 = 1 + (torch.rand(count, generator=random) * (length // 2 - 3)).long()  # of 1 ... length / 2 - 2 one is n1
    place = torch.stack([torch.zeros_like(n1), length - 1, n1, n2 + (n2 >= n1)], 1)
    mark = torch.zeros(count, L).scatter_(1, place, torch.tensor([-1.0, -1.0, 1.0, 1.0]).expand(count, -1))
    a, b = value.gather(1, place[:, 2:]).unbind(1)
    return Sums(torch.stack([value, mark], -1), 0.5 + (a + b) / 4 if problem == "add" else a * b, length, place)


def net_of(kind: str) -> FeedForwardNet:
    """kind: attention (over padding too), masked or mean (over padding too)."""
    net = FeedForwardNet(SIZE, attention=kind != "mean")
    assert sum(p.numel() for p in net.parameters()) == (10_501 if kind == "mean" else 10_602)
    return net


def plain(net: FeedForwardNet, kind: str, sums: Sums) -> Tensor:
    """As the paper has it."""
    return net(sums.x, torch.arange(sums.x.shape[1]) < sums.length[:, None] if kind == "masked" else None)


def fast(net: FeedForwardNet, kind: str, sums: Sums) -> Tensor:
    """The same: marked steps and padding (all alike, counted) one by one, the others by the stretch of v where they lie."""
    (x, _, length, place), (w, bias), L = sums, (net.inner.weight[:, 0], net.inner.bias), sums.x.shape[1]
    alone = torch.cat([x.gather(1, place[..., None].expand(-1, -1, 2)), x.new_zeros(len(x), 1, 2)], 1)
    h_alone = F.leaky_relu(net.inner(alone), SLOPE)
    count = torch.cat([torch.ones_like(place), (L - length)[:, None] * (kind != "masked")], 1)
    turns = (-bias / w).detach()
    ordered = turns.sort().values
    between = F.pad((ordered[1:] + ordered[:-1]) / 2, (1, 1))  # a number in each stretch; beyond the ends:
    between[0], between[-1] = ordered[0] - 1, ordered[-1] + 1
    slope = torch.where((between[:, None] > turns) == (w > 0), 1.0, SLOPE)  # of each unit in each stretch
    v = x[..., 0].contiguous()
    stretch = torch.bucketize(v, ordered)
    other = (torch.arange(L) < length[:, None]).scatter(1, place, False)
    if kind == "mean":
        taken, taken_alone = other / L, count / L
    else:
        score: KeyOnly = net.pool.pool.attention.score
        key = score.w[0, 0]
        line = slope @ torch.stack([key * w, key * bias], 1)  # w . h = line[0] v + line[1]
        steep, level = (part.expand(len(x), -1).gather(1, stretch) for part in line.unbind(1))
        e = torch.tanh(torch.addcmul(level + score.b, steep, v)).masked_fill(~other, -torch.inf)
        e_alone = torch.tanh(h_alone @ key + score.b) + count.log()
        taken, taken_alone = torch.cat([e, e_alone], 1).softmax(1).split([L, 5], 1)
    room = x.new_zeros(2, len(x), SIZE + 1)
    level, steep = room.scatter_add(2, stretch.expand(2, -1, -1), torch.stack([taken, taken * v])) @ slope
    context = level * bias + steep * w + (taken_alone[:, None] @ h_alone)[:, 0]
    return F.leaky_relu(net.last(F.leaky_relu(net.outer(context), SLOPE)), SLOPE)[:, 0]


def check(net: FeedForwardNet, kind: str, sums: Sums) -> float:
    """The largest difference between the two ways, in values and in gradients."""
    told = []
    for way in (plain, fast):
        net.zero_grad()
        y = way(net, kind, sums)
        F.mse_loss(y, sums.y).backward()
        told.append(torch.cat([y.detach(), *(p.grad.flatten() for p in net.parameters())]))
    return float((told[0] - told[1]).abs().max())


def train(problem: str, T0: int, kind: str, rate: float, seed: int, study: Study) -> Row:
    """epochs: until solved; share: of the test sequences that are right in the end; apart: the two ways, before and after."""
    torch.manual_seed(seed)
    net = net_of(kind)
    fresh, other = torch.Generator().manual_seed(1000 + seed), torch.Generator().manual_seed(2000 + seed)
    tests = [draw(problem, T0, 10, other) for _ in range(study["tests"] // 10)]  # small parts stay near the processor
    before = check(net, kind, tests[0])
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    epochs, right = 0, 0.0
    while right < 1 and epochs < study["most_epochs"]:
        for _ in range(study["updates"]):
            sums = draw(problem, T0, 100, fresh)
            loss = F.mse_loss(fast(net, kind, sums), sums.y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = torch.cat([(plain(net, kind, part) - part.y).abs() < TOLERANCE for part in tests]).double().mean().item()
        epochs += 1
    return {"epochs": epochs, "share": right, "apart": torch.tensor([before, check(net, kind, tests[0])]).max().item()}


def main() -> None:
    full = {"T0": [50, 100, 500, 1000], "rates": [0.01, 0.003], "updates": 1000, "tests": 1000, "most_epochs": 40}
    study = Study(__file__, __doc__, full=full, quick={"T0": [50], "updates": 20, "tests": 50, "most_epochs": 2})
    told: dict[tuple[str, str, int], list[float]] = {}  # the best rate of each seed, as in the paper
    compared, apart = [], []
    for problem in ("add", "multiply"):
        for T0 in study["T0"]:
            line: Row = {"problem": problem, "T0": T0}
            for kind in ("attention", "masked", "mean"):
                runs = [
                    [
                        study.run(
                            {"problem": problem, "T0": T0, "net": kind, "rate": rate, "seed": seed},
                            lambda w=(problem, T0, kind, rate, seed): train(*w, study),
                        )
                        for rate in study["rates"]
                    ]
                    for seed in study.seeds
                ]
                apart += [row["apart"] for seed in runs for row in seed]
                told[problem, kind, T0] = [min(map(epochs, seed)) for seed in runs]
                if kind != "masked":
                    line[f"{kind}, published"] = PUBLISHED[problem, kind][LENGTHS.index(T0)]
                for i, rate in enumerate(study["rates"]):
                    line[f"{kind}, {rate}"] = " ".join(said(seed[i]) for seed in runs)
            compared.append(line)
    study.show("Epochs until solved, of each seed", compared)
    for kind in ("attention", "masked"):
        for problem, most in MOST.items():
            held = all(median(told[problem, kind, T0]) <= most[T0] for T0 in study["T0"])
            words = ", ".join(str(most[T0]) for T0 in study["T0"])
            study.claim(f"{kind}, {problem}: in at most {words} epochs (best rate, median of the seeds)", held)
    long = [T0 for T0 in study["T0"] if T0 >= 500]
    later = all(median(told["multiply", "mean", T0]) > median(told["multiply", "attention", T0]) for T0 in long)
    study.claim(f"multiplication at T0 = {', '.join(map(str, long))}: the mean needs more epochs than attention", later)
    study.claim("the fast net and the house's agree to 1e-3 in values and gradients", all(x < 1e-3 for x in apart), always=True)
    study.plot(lambda figure: plot(figure, told, study["T0"]), size=(7.4, 3.2))
    study.end()


def epochs(row: Row) -> float:
    return row["epochs"] if row["share"] == 1 else math.inf


def said(row: Row) -> str:
    return str(row["epochs"]) if row["share"] == 1 else f"{100 * row['share']:.1f} %"


def plot(figure, told: dict[tuple[str, str, int], list[float]], lengths: list[int]) -> None:
    for ax, problem in zip(figure.subplots(1, 2), ("add", "multiply"), strict=True):
        for kind in ("attention", "mean"):
            ours = [median(told[problem, kind, T0]) for T0 in lengths]
            (line,) = ax.plot(lengths, [x if x < math.inf else math.nan for x in ours], marker="o", label=kind)
            ax.plot(lengths, PUBLISHED[problem, kind][: len(lengths)], "--", color=line.get_color(), label=f"{kind}, published")
        ax.set(title=problem, xlabel="T0", xscale="log", yscale="log", ylabel="epochs until solved")
    ax.legend()


if __name__ == "__main__":
    main()
