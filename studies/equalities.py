"""What is written in two ways in the papers is one thing: each equality, measured, in float32 and float64.

* Attention as a recurrent net (Feng et al. 2024, sections 3.1-3.3): the prefix scan = one place after the other = causal softmax
  attention with a learned query, for every size of block; and what it keeps does not grow, from 1 place to 4,096.
* Sparsemax (Martins & Astudillo 2016) and entmax (Peters et al. 2019; Correia et al. 2019) = the threshold found by bisection, and the
  authors' package `entmax` where it is installed.
* Scaled dot-product attention (Vaswani et al. 2017, section 3.2) = PyTorch's fused kernel; 12 heads of 64 = 12 looks of their own.
* Relative positions (Shaw et al. 2018; Raffel et al. 2020; Press et al. 2022; Su et al. 2021): shift all positions alike, and nothing
  changes.
* Attention over attention (Cui et al. 2017) with a question of one word = the attention-sum reader (Kadlec et al. 2016).
* Soft monotonic attention (Raffel et al. 2017, section 2.3) = the mean over all alignments, up to 8 x 8, one by one.

Protocol: random inputs, the largest absolute difference over `draws` draws.  Allowed: 1e-5 in float32 (the state of Aaren too), 1e-10 in
float64, times the size of what is compared where that is above 1.

    python studies/equalities.py [--quick]
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from study import Row, Study
from torch import Tensor

from regard.attention import (
    T5,
    Aaren,
    Alibi,
    Attention,
    AttentionOverAttention,
    Causal,
    Dot,
    Entmax,
    Entmax15,
    Memory,
    MonotonicSoft,
    Relative,
    Rotary,
    ScaledDot,
    Sparsemax,
    Weighting,
)  # fmt: skip
from regard.core.state import tree_map

Pair = tuple[Tensor, Tensor]


def weighed(weighting: Weighting, scores: Tensor) -> Tensor:
    memory = Memory(
        scores, scores, torch.ones(len(scores), scores.shape[-1], dtype=torch.bool), torch.arange(scores.shape[-1])[None]
    )
    return weighting(scores, torch.ones_like(scores, dtype=torch.bool), memory, torch.zeros(1, 1, dtype=torch.long)).values


def aaren(block: int, steps: bool) -> Callable[[], Pair]:
    def both() -> Pair:
        net = Aaren(Attention(12, 6, scope=Causal(), heads=3), 12, block=block)
        x = 3 * torch.randn(2, 37, 6)
        if steps:
            told, state = [], net.start(x)
            for x_t in x.split(1, 1):
                context, state, _ = net(x_t, state)
                told.append(context)
            return torch.cat(told, 1), net(x, net.start(x)).context
        look = net.attention
        query = net.query.expand(2, 37, -1)
        return net(x, net.start(x)).context, look(query, look.remember(x)).context

    return both


def bisected(weighting: Callable[[], Weighting], alpha: float) -> Callable[[], Pair]:
    """alpha-entmax by halving the interval of its threshold, in float64."""

    def both() -> Pair:
        scores = 2 * torch.randn(2, 3, 5, 17)
        z = (alpha - 1) * scores.double()
        low, high = z.amax(-1, keepdim=True) - 1, z.amax(-1, keepdim=True)
        for _ in range(100):
            middle = (low + high) / 2
            above = ((z - middle).clamp(min=0) ** (1 / (alpha - 1))).sum(-1, keepdim=True) > 1
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        return weighed(weighting(), scores), ((z - low).clamp(min=0) ** (1 / (alpha - 1))).to(scores)

    return both


def packaged(weighting: Weighting, name: str) -> Callable[[], Pair]:
    def both() -> Pair:
        scores = 2 * torch.randn(2, 3, 5, 17)
        return weighed(weighting, scores), getattr(importlib.import_module("entmax"), name)(scores, dim=-1)

    return both


def fused() -> Pair:
    look, x, y = Attention(12, 10, heads=3, scope=Causal()), torch.randn(2, 7, 12), torch.randn(2, 7, 10)
    q, k, v = (linear(z).unflatten(-1, (3, 4)).transpose(1, 2) for linear, z in ((look.query, x), (look.key, y), (look.value, y)))
    context = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    return look(x, look.remember(y)).context, look.out(context)


def heads() -> Pair:
    look, x = Attention(768, 768, heads=12), torch.randn(2, 11, 768)
    parts = []
    for rows in torch.arange(768).split(64):
        one = Attention(64, 64)
        q, k, v = (x @ linear.weight[rows].T for linear in (look.query, look.key, look.value))
        parts.append(one(q, one.remember(k, values=v)).context)
    return look(x, look.remember(x)).context, torch.cat(parts, -1) @ look.out.weight.T


def shifted(score: Callable[[], object], *, rotary: bool = False) -> Callable[[], Pair]:
    def both() -> Pair:
        look, x = Attention(12, 12, heads=2, score=score(), rotary=Rotary(6) if rotary else None), torch.randn(2, 17, 12)
        at = torch.arange(17).expand(2, -1)
        first, later = (look(x, look.remember(x, at=p), p).context for p in (at, at + 100))
        return first, later

    return both


def one_word() -> Pair:
    document, question = torch.randn(3, 19, 8), torch.randn(3, 1, 8)
    return AttentionOverAttention()(document, question).share, (document @ question.mT)[..., 0].softmax(-1)


def alignments() -> Pair:
    """All ways in which 8 looks may move on over 8 places, one by one, each with its probability."""
    n = 8
    look, keys, queries = (
        Attention(4, 4, score=Dot(), weighting=MonotonicSoft()).eval(),
        torch.randn(1, n, 4),
        torch.randn(1, n, 4),
    )
    memory, told = look.remember(keys), []
    for t in range(n):
        reading = look(queries[:, t : t + 1], memory, torch.tensor([[t]]), weights=True)
        told.append(reading.weights[0, 0, 0])
        memory = reading.memory
    p, taken = torch.sigmoid(queries[0] @ keys[0].T).tolist(), torch.zeros(n, n, dtype=torch.double)
    passed = [[[math.prod(1 - x for x in p[i][a:b]) for b in range(n)] for a in range(n)] for i in range(n)]
    for t in range(n):
        for way in itertools.combinations_with_replacement(range(n), t + 1):  # the places of the first t + 1 looks, never back
            moves = enumerate(itertools.pairwise((0, *way)))
            taken[t, way[-1]] += math.prod(passed[i][before][place] * p[i][place] for i, (before, place) in moves)
    return torch.stack(told), taken.to(keys)


CHECKS: dict[str, Callable[[], Pair]] = {
    **{f"Aaren: scan in blocks of {b} = softmax attention": aaren(b, steps=False) for b in (1, 2, 5, 16, 37)},
    "Aaren: one after the other = scan": aaren(32, steps=True),
    "sparsemax = bisection": bisected(Sparsemax, 2.0),
    "entmax15 = bisection": bisected(Entmax15, 1.5),
    **{f"entmax({a}) = bisection": bisected(lambda a=a: Entmax(a), a) for a in (1.2, 1.5, 1.8)},
    "attention = PyTorch's fused kernel": fused,
    "12 heads of 64 = 12 looks of their own": heads,
    "shifted: scaled + relative": shifted(lambda: ScaledDot() + Relative(6, 4)),
    "shifted: scaled + t5": shifted(lambda: ScaledDot() + T5(8, 20, heads=2)),
    "shifted: scaled + alibi": shifted(lambda: ScaledDot() + Alibi(heads=2)),
    "shifted: rotary": shifted(ScaledDot, rotary=True),
    "attention over attention, one word = attention-sum reader": one_word,
    "monotonic = all alignments, 8 x 8": alignments,
}
if importlib.util.find_spec("entmax"):
    CHECKS |= {
        "sparsemax = package entmax": packaged(Sparsemax(), "sparsemax"),
        "entmax15 = package entmax": packaged(Entmax15(), "entmax15"),
    }


def apart(check: Callable[[], Pair], dtype: torch.dtype, draws: int) -> Row:
    torch.set_default_dtype(dtype)
    worst = 0.0
    with torch.no_grad():
        for seed in range(draws):
            torch.manual_seed(seed)
            a, b = check()
            far = ((a - b).abs() / b.abs().clamp(min=1)).max().item()
            worst = worst if far <= worst else far  # so that nan is not passed by
    torch.set_default_dtype(torch.float32)
    return {"apart": worst}


def kept(places: int) -> Row:
    """Bytes that must be kept of so many places: by Aaren, and by the memory of causal self-attention."""
    look, x = Attention(64, 64, scope=Causal(), heads=4), torch.randn(1, places, 64)
    net = Aaren(look, 64)
    with torch.no_grad():
        state, memory = net(x, net.start(x)).state, look.remember(x)
    told: list[list[int]] = []
    for tree in (state, memory):
        told.append([])
        tree_map(lambda t: told[-1].append(t.nelement() * t.element_size()), tree)
    return {"bytes, Aaren": sum(told[0]), "bytes, memory": sum(told[1])}


def main() -> None:
    study = Study(__file__, __doc__, full={"draws": 10}, quick={"draws": 1})
    types = {"float32": torch.float32, "float64": torch.float64}
    compared = []
    for name, check in CHECKS.items():
        line: Row = {"equality": name, "published": "exact"}
        for word, dtype in types.items():
            key = {"part": "equality", "what": name, "type": word}
            line[word] = study.run(key, lambda c=check, t=dtype: apart(c, t, study["draws"]))["apart"]
        compared.append(line)
    study.show("The largest difference", compared)
    sizes = [study.run({"part": "kept", "what": n}, lambda n=n: kept(n)) for n in (1, 16, 256, 4096)]
    study.show(
        "Bytes kept of so many places",
        [{"places": r["what"], **{k: r[k] for k in ("bytes, Aaren", "bytes, memory")}} for r in sizes],
    )
    study.claim("all equal to 1e-5 in float32", all(line["float32"] < 1e-5 for line in compared), always=True)
    study.claim("all equal to 1e-10 in float64", all(line["float64"] < 1e-10 for line in compared), always=True)
    study.claim("the state of Aaren is flat from 1 place to 4,096", len({r["bytes, Aaren"] for r in sizes}) == 1, always=True)

    def plot(figure) -> None:
        ax = figure.subplots()
        for word in types:
            ax.plot([max(line[word], 1e-17) for line in compared], range(len(compared)), "o", label=word)
        ax.axvline(1e-5, color="grey", linestyle=":")
        ax.axvline(1e-10, color="grey", linestyle=":")
        ax.set(
            xscale="log",
            yticks=range(len(compared)),
            yticklabels=[line["equality"] for line in compared],
            xlabel="largest difference",
        )
        ax.legend()

    study.plot(plot, size=(7.4, 5.0))
    study.end()


if __name__ == "__main__":
    main()
