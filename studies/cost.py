"""What a layer costs: self-attention n^2 d, recurrent n d^2, convolution k n d^2, restricted self-attention r n d.

Vaswani et al. 2017, section 4, table 1: complexity of a layer, sequential operations, and the longest path between two places of the
sequence, for n places of width d, kernels of k places and neighbourhoods of r.

Protocol.  Complexity: floating-point operations counted by torch.utils.flop_counter, and seconds (forward, the best of `repeats`, one
thread), over sweeps of one size with the others fixed; the exponent is the slope of the logarithms.  Sequential operations: the longest
chain of dependent operations in autograd's graph, at two n; what it grows by for each place more.  Longest path: which outputs of a layer
depend on which inputs, by gradients in float64; layers upon layers (boolean products) until the last place depends on the first.  The
convolutions of that path are causal and dilated by k^layer, as the paper says; a recurrent layer counts its steps, 1 + those from place to
place.

Layers, all of the house but the convolution: `Attention` with `scaled`, unprojected (projections add 4 n d^2 to both kinds of attention);
`RNN`; nn.Conv1d; `Attention` in `Window(r)` over blocks of 2 r queries and the 4 r places that they can see.

    python studies/cost.py [--quick] [--threads 1]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from study import Row, Study
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from regard.attention import Attention, Window
from regard.networks.cells import RNN

Layer = Callable[[Tensor], Tensor]  # "B N D" to "B N D"
KINDS = ("self-attention", "recurrent", "convolution", "restricted")
PUBLISHED = {
    "self-attention": ("n^2 d", "1", "1"), "recurrent": ("n d^2", "n", "n"),
    "convolution": ("k n d^2", "1", "log_k n"), "restricted": ("r n d", "1", "n / r"),
}  # fmt: skip
EXPONENTS = {
    "self-attention": {"n": 2, "d": 1}, "recurrent": {"n": 1, "d": 2},
    "convolution": {"n": 1, "d": 2, "k": 1}, "restricted": {"n": 1, "d": 1, "r": 1},
}  # fmt: skip
SWEEPS = {  # the sizes that stay fixed, and each that changes; large enough that the products outweigh what surrounds them
    "self-attention": ({"n": 1024, "d": 256}, {"n": [512, 1024, 2048, 4096], "d": [256, 512, 1024, 2048]}),
    "recurrent": ({"n": 64, "d": 512, "rows": 16}, {"n": [32, 64, 128, 256], "d": [512, 1024, 2048]}),
    "convolution": (
        {"n": 512, "d": 256, "k": 5},
        {"n": [256, 512, 1024, 2048], "d": [128, 256, 512, 1024], "k": [3, 5, 9, 17]},
    ),
    "restricted": (
        {"n": 8192, "d": 256, "r": 64},
        {"n": [4096, 8192, 16384, 32768], "d": [256, 512, 1024, 2048], "r": [32, 64, 128, 256]},
    ),
}


def fused(query: list[int], keys: list[int], values: list[int], *_: object, **__: object) -> int:
    """Operations of PyTorch's fused attention on a CPU, which its counter does not know: two products, each multiply and add."""
    (B, H, Q, D), K = query, keys[2]
    return 2 * B * H * Q * K * (D + values[3])


FUSED = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: fused}


def layer(kind: str, size: Row) -> Layer:
    d = size["d"]
    if kind == "recurrent":
        cell = RNN(d, d)
        return lambda x: cell.over(x, cell.start(x.new_zeros(len(x), d)))[0]
    if kind == "convolution":
        conv, reach = nn.Conv1d(d, d, size["k"], dilation=size.get("dilation", 1)), size["k"] - 1
        return lambda x: conv(F.pad(x.mT, (reach * size.get("dilation", 1), 0))).mT
    if kind == "self-attention":
        look = Attention(d, d)
        return lambda x: look(x, look.remember(x)).context
    return lambda x: restricted(Attention(d, d, scope=Window(size["r"])), x, size["r"])


def restricted(look: Attention, x: Tensor, r: int) -> Tensor:
    """What `look` reads of one sequence, block by block: nobody in a block of 2 r queries sees more than 4 r places."""
    _, n, d = x.shape
    source = F.pad(x, (0, 0, r, r)).unfold(1, 4 * r, 2 * r)[0].mT
    at = torch.arange(0, n, 2 * r)[:, None] + torch.arange(-r, 3 * r)
    memory = look.remember(source, (at >= 0) & (at < n), at)
    return look(x.reshape(-1, 2 * r, d), memory, at[:, r:-r]).context.reshape(1, n, d)


def measure(kind: str, size: Row, repeats: int) -> Row:
    run, x = layer(kind, size), torch.randn(size.get("rows", 1), size["n"], size["d"])
    with torch.no_grad():
        with FlopCounterMode(display=False, custom_mapping=FUSED) as counter:
            run(x)
        took = []
        for _ in range(repeats):
            began = time.perf_counter()
            run(x)
            took.append(time.perf_counter() - began)
    return {"gigaflop": counter.get_total_flops() / 1e9, "milliseconds": 1e3 * min(took)}


def slope(sizes: list[int], told: list[float]) -> float:
    x, y = torch.tensor(sizes).double().log(), torch.tensor(told).double().log()
    return (((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()).item()


def depth(kind: str, n: int) -> int:
    """The longest chain of operations in the graph of one output."""
    x = torch.randn(1, n, 4, requires_grad=True)
    last = layer(kind, {"d": 4, "k": 3, "r": 2})(x).sum().grad_fn
    longest, stack = {None: 0}, [last]
    while stack:  # each node after those that it depends on
        node = stack.pop()
        if node in longest:
            continue
        before = [part for part, _ in node.next_functions if part is not None and part not in longest]
        if before:
            stack += [node, *before]
        else:
            longest[node] = 1 + max((longest[part] for part, _ in node.next_functions), default=0)
    return longest[last]


def depends(run: Layer, n: int) -> Tensor:
    """ "N N": does output i move with input j?"""
    x = torch.randn(1, n, 4, dtype=torch.double, requires_grad=True)
    y = run(x)
    moved = [torch.autograd.grad(y[0, i].sum(), x, retain_graph=True)[0][0].abs().sum(1) > 0 for i in range(n)]
    return torch.stack(moved)


def path(kind: str, n: int, width: int) -> int:
    """Layers, or steps, until the last place depends on the first.  width: k or r."""
    torch.set_default_dtype(torch.double)
    seen, count = torch.eye(n, dtype=torch.double), 0
    cell = RNN(4, 4)

    def step(x: Tensor) -> Tensor:
        """Every place takes the state of the place before it: one step of a recurrent net."""
        return cell.step(cell.gates(torch.zeros_like(x[0])), F.pad(x, (0, 0, 1, 0))[0, :-1])[1][None]

    while seen[-1, 0] == 0 or count == 0:
        if kind == "recurrent":  # first from the input to the state, then from place to place; a place keeps what it knows
            more = depends(step, n) | torch.eye(n, dtype=torch.bool) if count else torch.eye(n, dtype=torch.bool)
        else:
            more = depends(layer(kind, {"d": 4, "k": width, "r": width, "dilation": width**count}), n)
        seen, count = ((more.double() @ seen) > 0).double(), count + 1
    torch.set_default_dtype(torch.float)
    return count


def main() -> None:
    full = {"repeats": 7, "sweeps": SWEEPS, "n": 64, "widths": [2, 4]}
    small = {"n": [64, 128], "d": [16, 32], "k": [3, 5], "r": [4, 8]}
    quick = {
        kind: ({**fixed, "n": 128, "d": 16, "r": 4}, {s: small[s] for s in swept}) for kind, (fixed, swept) in SWEEPS.items()
    }
    study = Study(__file__, __doc__, full=full, quick={"repeats": 1, "sweeps": quick, "n": 16})
    torch.manual_seed(0)
    compared, counted, timed = [], [], []
    for kind in KINDS:
        fixed, swept = study["sweeps"][kind]
        flops, seconds = {}, {}
        for name, sizes in swept.items():
            runs = []
            for value in sizes:
                size = {**fixed, name: value}
                key = {"part": "complexity", "layer": kind, "sweep": name, **{s: size[s] for s in EXPONENTS[kind]}}
                runs.append(study.run(key, lambda w=(kind, size): measure(*w, study["repeats"])))
            flops[name] = slope(sizes, [r["gigaflop"] for r in runs])
            seconds[name] = slope(sizes, [r["milliseconds"] for r in runs])
            counted.append(abs(flops[name] - EXPONENTS[kind][name]))
            timed.append(abs(seconds[name] - EXPONENTS[kind][name]))
        told = [" ".join(f"{s}^{e:.2f}" for s, e in exponents.items()) for exponents in (flops, seconds)]
        compared.append({"layer": kind, "published": PUBLISHED[kind][0], "ours, operations": told[0], "ours, seconds": told[1]})
    study.show("Complexity of a layer", compared)
    n, waits, paths = study["n"], {}, {}
    for kind in KINDS:
        chain = {
            m: study.run({"part": "chain", "layer": kind, "n": m}, lambda w=(kind, m): {"length": depth(*w)}) for m in (n, 2 * n)
        }
        waits[kind] = (chain[2 * n]["length"] - chain[n]["length"]) / n
        paths[kind] = [
            study.run({"part": "path", "layer": kind, "n": n, "width": w}, lambda w=(kind, n, w): {"length": path(*w)})["length"]
            for w in study["widths"]
        ]
    want = {"self-attention": [1, 1], "recurrent": [n, n]}
    want["convolution"] = [math.ceil(math.log(n, w) - 1e-9) for w in study["widths"]]
    want["restricted"] = [math.ceil((n - 1) / w) for w in study["widths"]]
    waiting = [
        {
            "layer": kind,
            "operations one after the other, published": PUBLISHED[kind][1],
            "longer for a place more": waits[kind],
            "longest path, published": PUBLISHED[kind][2],
            "that is": " ".join(map(str, want[kind])),
            "ours": " ".join(map(str, paths[kind])),
        }
        for kind in KINDS
    ]
    study.show(f"What waits for what; paths at n = {n}, k = r = {' and '.join(map(str, study['widths']))}", waiting)
    study.claim("every exponent of the operations within .05 of the paper's", all(x < 0.05 for x in counted), always=True)
    study.claim("every exponent of the seconds within .5", all(x < 0.5 for x in timed))
    alone = all(waits[kind] == 0 for kind in KINDS if kind != "recurrent")
    study.claim("only the recurrent layer waits from place to place", alone and waits["recurrent"] >= 1, always=True)
    study.claim("the longest paths are 1, n, log_k n and n / r", paths == want, always=True)
    look, x = Attention(8, 8, scope=Window(3)), torch.randn(1, 24, 8)
    apart = (restricted(look, x, 3) - look(x, look.remember(x)).context).abs().max().item()
    study.claim("block by block a restricted look reads what it reads in one call, to 1e-6", apart < 1e-6, always=True)
    study.plot(lambda figure: plot(figure, study.rows), size=(7.4, 3.4))
    study.end()


def plot(figure, rows: list[Row]) -> None:
    for ax, name in zip(figure.subplots(1, 2), ("n", "d"), strict=True):
        for kind in KINDS:
            runs = [r for r in rows if r.get("layer") == kind and r.get("sweep") == name]
            ax.plot([r[name] for r in runs], [r["milliseconds"] for r in runs], marker="o", label=kind)
        ax.set(xscale="log", yscale="log", xlabel=name, ylabel="milliseconds")
    ax.legend(fontsize="small")


if __name__ == "__main__":
    main()
