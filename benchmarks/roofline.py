"""Where a step's time goes, and what the machine allows: bytes and products against what it reads and multiplies, measured here.

    python benchmarks/roofline.py [--threads 1] [--repeats 7]

Machine: bytes a second that a sum reads; products a second of 1,024 x 1,024 matrices in float32 and bfloat16 (PyTorch), and of 48 rows
with a laid out matrix in float32 and bytes (our loops).
Training: an update of 32 sentences of 14 and 25 tokens, or of 33 words of 9 letters by the net of configs/g2p.yaml: forward, backward and
AdamW, by PyTorch's profiler; products are counted by `torch.utils.flop_counter` (two operations each).  Decoding: 25 steps of the nets of
`benchmarks/decoding.py`, exported; bytes and products of a step's weights are counted.  Least: what products and weights alone take at the
machine's rates.
Writes benchmarks/results/roofline.csv, roofline.md and docs/roofline.svg.  Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import decoding
import tables
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from regard.cli.memory import keep_freed_memory
from regard.config.train import TrainSection
from regard.core.library import set_threads
from regard.core.optional import module, without_loops
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.linear_products import fast_products
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.training.optimizer import make_optimizer, step

NETS = {**decoding.MODELS, "g2p": {
    "encoder": "bilstm", "decoder": "lstm", "embedding": 128, "size": 160, "order": "luong", "input_feeding": False, "attention": "general",
}}  # fmt: skip
SIZES = {
    "transformer": (32, 14, 25, 8000),
    "gru": (32, 14, 25, 8000),
    "g2p": (33, 9, 9, 60),
}  # sentences, their tokens, target's, words
LARGE, NEAR = 64 << 20, 4 << 20  # numbers of 4 bytes: more than any cache holds, and what the last one of a server's does
# Of the profiler's names what they begin with, or hold, in this order; the rest is "others".
KINDS = {
    "recurrent layers": ("rnn_layer", "aten::lstm", "aten::gru", "_Sequence"),
    "products": (
        "aten::mm",
        "aten::addmm",
        "aten::bmm",
        "aten::linear",
        "mkldnn",
        "aten::_addmm",
        "aten::baddbmm",
        "_Linear",
        "_Once",
        "_Gathered",
    ),
    "looks": ("scaled_dot_product", "softmax", "_TanhScores", "masked_fill", "AttentionBackward"),
    "loss": ("_Chunked", "log_softmax", "nll"),
    "norms": ("layer_norm",),
    "dropout": ("_Dropped", "dropout", "bernoulli", "random_"),
    "optimizer": ("adam", "foreach", "Optimizer", "clip_grad", "norm"),
    "tables": ("embedding", "index_"),
}
COLOURS = ("#3b6ea5", "#6aa0d8", "#8c6bb1", "#d95f0e", "#fe9929", "#9ecae1", "#636363", "#74c476", "#cccccc")


def median(call: Callable[[], Any], repeats: int) -> float:
    """Seconds; the first two calls are for warming up."""
    taken = []
    for turn in range(repeats + 2):
        began = time.perf_counter()
        call()
        taken += [time.perf_counter() - began] if turn > 1 else []
    return statistics.median(taken)


def machine(repeats: int) -> dict[str, float]:
    """Billions a second: bytes read, products."""
    found = {}
    for name, size in (("memory", LARGE), ("the last cache", NEAR)):
        numbers, times = torch.ones(size), LARGE // size
        found[f"bytes read from {name}"] = (
            4e-9 * size * times / median(lambda x=numbers, n=times: [x.sum() for _ in range(n)], repeats)
        )
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a, b = torch.randn(1024, 1024).to(kind), torch.randn(1024, 1024).to(kind)
        found[f"products, {name}"] = 1024**3 * 1e-9 / median(lambda a=a, b=b: a @ b, repeats)
    if (loops := module("core.matrices_loops")) is not None:
        a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
        made = median(lambda: loops.PackedMatrix.of_floats(b).linear(a, None), repeats)
        found["products, float32, ours laid out anew"] = 1024**3 * 1e-9 / made
        x, weight = torch.randn(48, 512), torch.randn(2048, 512)
        q = (weight * 20).clamp(-127, 127).to(torch.int8)
        for name, laid_out in (
            ("float32", loops.PackedMatrix.of_floats(weight)),
            ("bytes", loops.PackedMatrix.of_bytes(q, torch.ones(2048))),
        ):
            made = median(lambda laid_out=laid_out: [laid_out.linear(x, None) for _ in range(20)], repeats)
            found[f"products of few rows, {name}"] = 20 * 48 * 512 * 2048 * 1e-9 / made
    return found


def network(kind: str, dropout: float) -> EncoderDecoder:
    torch.manual_seed(0)
    config, words = decoding.Config.model_validate({"model": {**NETS[kind], "dropout": dropout}}), SIZES[kind][-1]
    return build_seq2seq(config, source_words=words, target_words=words).network


def update(net: EncoderDecoder, kind: str, low: bool) -> Callable[[], None]:
    """Forward, backward and AdamW; low: in bfloat16, as autocast has it."""
    optimizer, (rows, long, short, words) = make_optimizer(net, TrainSection()), SIZES[kind]
    source, target = torch.randint(4, words, (rows, long)), torch.randint(4, words, (rows, short))
    real, written = torch.ones_like(source, dtype=torch.bool), torch.ones_like(target, dtype=torch.bool)

    def call() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=low), fast_products():
            total, _, _ = net.loss(target, target, written, net.start(net.encode(source, real), source), smoothing=0.1)
        total.backward()
        step(optimizer, rate=1e-3, tokens=target.numel(), clip=1.0)
        optimizer.zero_grad(set_to_none=True)

    return call


def kind_of(name: str) -> str:
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "others")


def profiled(call: Callable[[], None], repeats: int) -> dict[str, float]:
    """Milliseconds of a call by kind, of the profiler's own times on a processor."""
    call()
    with profile(activities=[ProfilerActivity.CPU]) as told:
        for _ in range(repeats):
            call()
    found: dict[str, float] = defaultdict(float)
    for event in told.key_averages():
        found[kind_of(event.key)] += event.self_cpu_time_total / 1000 / repeats
    return found


def training(kind: str, low: bool, rates: dict[str, float], repeats: int) -> tuple[list[Any], dict[str, float]]:
    net = network(kind, 0.1).train()
    call = update(net, kind, low)
    taken, parts = 1000 * median(call, repeats), profiled(call, 3)
    with without_loops(), torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counted:
        call()  # by operations that it knows
    products = counted.get_total_flops() / 2
    numbers = sum(p.numel() for p in net.parameters())
    quickest = max(rates["products, float32"], rates.get("products of few rows, float32", 0.0))
    least = products * 1e-6 / (rates["products, bfloat16"] if low else quickest)
    read = (
        7 * 4 * numbers * 1e-6 / rates["bytes read from memory"]
    )  # weight, gradient and two averages read, weight and averages written
    name = f"{kind}, an update, {'bfloat16' if low else 'float32'}"
    share = {part: ms * taken / sum(parts.values()) for part, ms in parts.items()}  # the profiler itself takes time
    return [
        name,
        round(taken, 1),
        round(products * 1e-9, 2),
        round(28e-6 * numbers),
        round(least + read, 1),
        f"{(least + read) / taken:.0%}",
    ], share


def decoded(kind: str, rows: int, in_bytes: bool, rates: dict[str, float], repeats: int) -> list[Any]:
    net = network(kind, 0.0).eval()
    call = decoding.exported(net, in_bytes)
    taken = 1000 * median(lambda: call(rows, 1), repeats) / decoding.STEPS
    head = net.target.table.weight
    numbers = sum(p.numel() for p in net.decoder.parameters()) + head.numel()
    products = rows * numbers
    size, name = (1, "bytes") if in_bytes else (4, "float32")
    read = rates["bytes read from memory" if size * numbers > 8 * NEAR else "bytes read from the last cache"]
    least = max(products * 1e-6 / rates[f"products of few rows, {name}"], size * numbers * 1e-6 / read)
    told = f"{kind}, a step of {rows} sentence{'s' * (rows > 1)}, {name}"
    return [
        told,
        round(taken, 3),
        round(products * 1e-9, 4),
        round(size * numbers * 1e-6, 1),
        round(least, 3),
        f"{least / taken:.0%}",
    ]


def draw(shares: dict[str, dict[str, float]], path: Path) -> None:
    """Bars of milliseconds by kind."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "regard", "svg.fonttype": "none"}):
        figure = Figure((8, 0.7 * len(shares) + 1.3), layout="constrained")
        axes = figure.subplots()
        left = [0.0] * len(shares)
        for kind, colour in zip([*KINDS, "others"], COLOURS, strict=True):
            wide = [share.get(kind, 0.0) for share in shares.values()]
            axes.barh([*shares], wide, left=left, color=colour, label=kind)
            left = [a + b for a, b in zip(left, wide, strict=True)]
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds an update")
        axes.legend(fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False)
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    set_threads(asked.threads)
    keep_freed_memory()
    rates = machine(asked.repeats)
    rows: list[list[Any]] = [
        [f"the machine: {name}, billions a second", "", "", "", "", round(rate, 1)] for name, rate in rates.items()
    ]
    shares = {}
    for kind in NETS:
        for low in (False, True) if kind in decoding.MODELS else (False,):
            row, share = training(kind, low, rates, asked.repeats)
            rows.append(row)
            shares[row[0]] = share
            print(*row, {k: round(v, 1) for k, v in share.items()}, flush=True)
    for kind in decoding.MODELS:
        for sentences in (1, 32):
            for in_bytes in (False, True):
                rows.append(decoded(kind, sentences, in_bytes, rates, asked.repeats))
                print(*rows[-1], flush=True)
    head = ("what", "ms", "products, billions", "bytes of weights, millions", "least ms", "of the machine")
    command = f"python benchmarks/roofline.py --threads {asked.threads} --repeats {asked.repeats}"
    tables.write("roofline", "Where a step's time goes", command, head, rows)
    draw(shares, Path(__file__).parents[1] / "docs" / "roofline.svg")


if __name__ == "__main__":
    main()
