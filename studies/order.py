"""Without positions attention is a bag of words: it cannot tell the order of what it reads.

Raffel & Ellis 2015, section 3: on two-symbol temporal order feed-forward attention tells X, X from Y, Y perfectly and X, Y from Y, X not at
all, a ceiling of 75 %.  The problem is experiment 6a of Hochreiter & Schmidhuber 1997, section 5.6, whose LSTM needed 31,390
sequences.  Vaswani et al. 2017, section 3.5, give the cure: add the position to the word.

Protocol: 100 symbols, E first, B last, noise a ... d, and X or Y at one place of 10 ... 19 and one of 50 ... 59: four classes.  Net:
word vectors of 64 (plus positions: none, learned or sinusoidal), h = LReLU(W x + b), the house's `Pool` with the score `key-only`,
LReLU(W c + b), four logits; beside it an LSTM of 64 that reads no positions, its forget gates begun with a bias of 5.  Adam .003,
gradients clipped to norm 1, batches of 100; tested every `every` updates on fresh sequences of another stream; stopped where .999 are
right.

Bag of words: a Transformer of the house (2 + 2 layers, in float64) reads sentences and the same words in another order.  Without positions
the states are those of the words, permuted (apart: the largest difference), their mean and what the decoder says do not change.

    python studies/order.py [--quick] [--seeds 0 1 2] [--threads 1]
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from study import Row, Study, median
from torch import Tensor, nn

from regard.attention import Attention, KeyOnly, LearnedPositions, NoPositions, Pool, SinusoidalPositions
from regard.build import networks
from regard.config import ModelSection
from regard.networks.cells import LSTM
from regard.networks.embedding import Embedding, PositionedEmbedding, table

LENGTH, SIZE, E, B, NOISE, X = 100, 64, 0, 1, 2, 6  # symbols: E, B, four of noise, X, Y
CLASSES = ("XX", "XY", "YX", "YY")
PUBLISHED = {"none": ".75 (XX, YY right; XY, YX by chance)", "lstm": "31,390 sequences, 156 weights"}


def draw(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Symbols "B L" and classes "B"."""
    words = torch.randint(NOISE, X, (count, LENGTH), generator=random)
    words[:, 0], words[:, -1] = E, B
    place = torch.tensor([10, 50]) + torch.randint(10, (count, 2), generator=random)
    which = torch.randint(2, (count, 2), generator=random)
    return words.scatter_(1, place, X + which), 2 * which[:, 0] + which[:, 1]


class Net(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        words = table(X + 3, SIZE, padding=X + 2)
        positions = {"learned": lambda: LearnedPositions(SIZE, LENGTH), "sinusoidal": lambda: SinusoidalPositions(SIZE)}
        made = positions[kind]() if kind in positions else NoPositions(SIZE)
        self.embed: Embedding = PositionedEmbedding(words, made)
        self.cell = LSTM(SIZE, SIZE) if kind == "lstm" else None
        self.inner, self.outer, self.last = nn.Linear(SIZE, SIZE), nn.Linear(SIZE, SIZE), nn.Linear(SIZE, len(CLASSES))
        self.pool = Pool(Attention(0, SIZE, score=KeyOnly(SIZE)))
        if self.cell:
            self.cell.input_bias.data[SIZE : 2 * SIZE] = 5.0

    def forward(self, words: Tensor) -> Tensor:
        x = self.embed(words, torch.arange(LENGTH).expand_as(words))
        if self.cell:
            context = self.cell.over(x, self.cell.start(x.new_zeros(len(x), SIZE)))[0][:, -1]
        else:
            context = self.pool(F.leaky_relu(self.inner(x))).context[:, 0]
        return self.last(F.leaky_relu(self.outer(context)))


def train(kind: str, seed: int, study: Study) -> Row:
    torch.manual_seed(seed)
    net = Net(kind)
    fresh, other = torch.Generator().manual_seed(1000 + seed), torch.Generator().manual_seed(2000 + seed)
    tests = [draw(100, other) for _ in range(study["tests"] // 100)]
    optimizer = torch.optim.Adam(net.parameters(), lr=study["rate"])
    update, right = 0, 0.0
    while update < study["updates"] and right < 0.999:
        for _ in range(study["every"]):
            words, which = draw(100, fresh)
            loss = F.cross_entropy(net(words), which)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        update += study["every"]
        with torch.no_grad():
            hits = torch.cat([net(words).argmax(1) == which for words, which in tests])
        right, all_of = hits.double().mean().item(), torch.cat([which for _, which in tests])
    each = {name: hits[all_of == i].double().mean().item() for i, name in enumerate(CLASSES)}
    return {"right": right, **each, "sequences": 100 * update}


def bag(positions: str, seed: int) -> Row:
    """How far a Transformer's readings of a sentence and of the same words in another order are apart."""
    words = {"size": 32, "heads": 2, "feedforward": 64, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.0}
    torch.manual_seed(seed)
    net = networks.transformer(ModelSection(family="transformer", positions=positions, **words), 40, 40).double().eval()
    source, target, other = torch.randint(4, 40, (5, 17)), torch.randint(4, 40, (5, 7)), torch.randperm(17)
    told = []
    with torch.no_grad():
        for read in (source, source[:, other]):
            encoded = net.encode(read, torch.ones_like(read, dtype=torch.bool))
            told.append((encoded.states, encoded.states.mean(1), net(target, net.start(encoded, read))[0]))
    (states, mean, spoken), (moved, mean_2, spoken_2) = told
    far = {"states": (states[:, other], moved), "mean": (mean, mean_2), "decoder": (spoken, spoken_2)}
    return {f"{name} apart": (a - b).abs().max().item() for name, (a, b) in far.items()}


def main() -> None:
    full = {"updates": 1500, "every": 50, "tests": 2000, "rate": 0.003}
    study = Study(__file__, __doc__, full=full, quick={"updates": 20, "every": 20, "tests": 200})
    right, compared = {}, []
    for kind in ("none", "learned", "sinusoidal", "lstm"):
        runs = [study.run({"part": "order", "net": kind, "seed": s}, lambda k=kind, s=s: train(k, s, study)) for s in study.seeds]
        right[kind] = [r["right"] for r in runs]
        shares = {what: " ".join(f"{r[what]:.3f}" for r in runs) for what in ("right", *CLASSES)}
        compared.append(
            {"net": kind, "published": PUBLISHED.get(kind, ""), **shares, "sequences": median([r["sequences"] for r in runs])}
        )
    apart = {
        p: study.run({"part": "bag", "net": p, "seed": 0}, lambda p=p: bag(p, 0))
        for p in ("none", "sinusoidal", "learned", "rotary")
    }
    study.show("Share right of each seed; sequences: until .999, or all", compared)
    study.show(
        "A sentence and its words in another order",
        [{k: r[k] for k in r if k not in ("part", "seed", "seconds")} for r in apart.values()],
    )
    study.claim("at most .77 without positions", max(right["none"]) <= 0.77)
    study.claim("at least .99 with positions, learned or sinusoidal", min(right["learned"] + right["sinusoidal"]) >= 0.99)
    names = ("states apart", "mean apart", "decoder apart")
    study.claim(
        "without positions a Transformer is a bag of words, to 1e-9", all(apart["none"][n] < 1e-9 for n in names), always=True
    )
    ordered = all(apart[p][n] > 1e-3 for p in apart if p != "none" for n in names)
    study.claim("with any kind of positions it is not", ordered, always=True)
    study.plot(lambda figure: plot(figure, study.rows))
    study.end()


def plot(figure, rows: list[Row]) -> None:
    ax = figure.subplots()
    runs = [r for r in rows if r["part"] == "order" and r["seed"] == rows[0]["seed"]]
    for i, row in enumerate(runs):
        ax.bar([k + (i - 1.5) / 5 for k in range(4)], [row[name] for name in CLASSES], width=0.18, label=row["net"])
    ax.axhline(0.5, color="grey", linestyle=":")
    ax.set(xticks=range(4), xticklabels=CLASSES, ylabel="share right", title="Which of two symbols came first")
    ax.legend(ncols=4, loc="lower center")


if __name__ == "__main__":
    main()
