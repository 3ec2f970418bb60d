"""Peepholes let the gates of an LSTM see its memory cell: exact times and counts, where gradients are cut; little more where they are not.

Gers, Schraudolph & Schmidhuber 2002 (JMLR 3): generating timed spikes (GTS) was learnt only with peepholes, in 17 weights, by online
training with truncated gradients; on measuring spike delays (MSD, NMSD) an LSTM with forget gates was as good or better at long delays.
With full gradients and Adam an independent run of MSD found .881 (peepholes) and .873 (none) over seven seeds: no ranking is claimed here.

Protocol.  Numerics (the only part that is judged): i and f see c_{t-1} and o sees c_t, against ten lines written from the paper; gradcheck
in float64; peepholes of zero = the plain LSTM.  GTS: a start bit, then nothing; a spike is due every F steps; trained on 4 periods, then
how many periods come right in a row, of 20 (the paper: 1000), every output within .49.  MSD: two spikes D steps apart, D of 30 ... 60, in
150 steps; one spike is due D after the second; the share of 1000 fresh sequences whose highest output is exactly there.  NMSD: streams of
5 spikes, F or F + 1 steps apart; at each the net says which; streams until 1000 spikes are right, within .49.  Adam, its rate halved half
way; MSD: .005, 8 units, cells as drawn (as in that run); GTS and NMSD: .02, 4 units, forget gates begin with a bias of 2.  Timing: forward
and backward, 128 units, 100 steps, batches of 32, the best of `repeats`.

    python studies/peepholes.py [--quick] [--seeds 0 1 2] [--threads 1]
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from study import Row, Study
from torch import Tensor, nn

from regard.networks.cells import LSTM, Cell
from regard.networks.peephole import FullPeepholeLSTM, PeepholeLSTM

CELLS = {"lstm": LSTM, "lstm-peephole": PeepholeLSTM, "lstm-peephole-full": FullPeepholeLSTM}
LEARNT = ("lstm", "lstm-peephole")
PUBLISHED = {
    "gts": "only with peepholes",
    "msd": ".881 with, .873 without",
    "nmsd": "no better with peepholes, worse at long delays",
}


def by_the_paper(cell: PeepholeLSTM, x: Tensor) -> Tensor:
    """The last hidden state, one gate after the other."""
    h = c = x.new_zeros(len(x), cell.size)
    (wi, wf, wg, wo), (ui, uf, ug, uo), (bi, bf, bg, bo) = (w.chunk(4) for w in (cell.weight_ih, cell.weight_hh, cell.bias))
    pi, pf, po = cell.peephole
    for x_t in x.unbind(1):
        i = torch.sigmoid(x_t @ wi.T + h @ ui.T + pi * c + bi)
        f = torch.sigmoid(x_t @ wf.T + h @ uf.T + pf * c + bf)
        c = f * c + i * torch.tanh(x_t @ wg.T + h @ ug.T + bg)
        o = torch.sigmoid(x_t @ wo.T + h @ uo.T + po * c + bo)
        h = o * torch.tanh(c)
    return h


def apart(a: Cell, b: Cell | None, x: Tensor) -> float:
    """The largest difference in last state and in the gradient of the input; b: None stands for the paper's lines."""
    told = []
    for cell in (a, b):
        x = x.detach().requires_grad_()
        h = cell.over(x, cell.start(x.new_zeros(len(x), cell.size)))[0][:, -1] if cell else by_the_paper(a, x)
        told.append(torch.cat([h.flatten(), torch.autograd.grad(h.square().sum(), x)[0].flatten()]))
    return (told[0] - told[1]).abs().max().item()


def numerics(kind: str) -> Row:
    torch.manual_seed(0)
    x, cell, plain = torch.randn(2, 7, 3).double(), CELLS[kind](3, 5).double(), LSTM(3, 5).double()
    row: Row = {"from the paper": apart(cell, None, x)} if kind == "lstm-peephole" else {}
    x.requires_grad_()
    row["gradcheck"] = torch.autograd.gradcheck(lambda x: cell.over(x, cell.start(x.new_zeros(2, 5)))[0], x, atol=1e-6)
    zero = {"lstm-peephole": "peephole", "lstm-peephole-full": "weight_ch"}[kind]
    with torch.no_grad():
        getattr(cell, zero).zero_()
        for ours, theirs in ((cell.weight_ih, "weight_ih_l0"), (cell.weight_hh, "weight_hh_l0"), (cell.bias, "bias_ih_l0")):
            getattr(plain.net, theirs).copy_(ours)
        plain.net.bias_hh_l0.zero_()
    return {**row, "without peepholes, from lstm": apart(cell, plain, x)}


def timing(kind: str, repeats: int) -> Row:
    cell, x, took = CELLS[kind](128, 128), torch.randn(32, 100, 128), []
    for _ in range(repeats):
        began = time.perf_counter()
        cell.over(x, cell.start(x.new_zeros(32, 128)))[0].sum().backward()
        took.append(time.perf_counter() - began)
    return {"milliseconds": 1e3 * min(took)}


class Net(nn.Module):
    """A cell and one output, a logit for each step."""

    def __init__(self, kind: str, size: int, forget: float | None = None) -> None:
        """forget: the bias of the forget gates; None: as drawn."""
        super().__init__()
        self.cell, self.last = CELLS[kind](1, size), nn.Linear(size, 1)
        if forget is not None:
            self.cell.input_bias.data[size : 2 * size] = forget

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cell.over(x[..., None], self.cell.start(x.new_zeros(len(x), self.cell.size)))[0])[..., 0]


def spikes(rows: int, steps: int, place: Tensor) -> Tensor:
    return torch.zeros(rows, steps).scatter_(1, place, 1.0)


def rated(net: Net, updates: int, rate: float) -> Iterator[tuple[int, torch.optim.Optimizer]]:
    """Each update's number and optimizer."""
    optimizer = torch.optim.Adam(net.parameters())
    for update in range(updates):
        optimizer.param_groups[0]["lr"] = rate * 0.5 ** int(2 * update >= updates)
        yield update, optimizer


def step(optimizer: torch.optim.Optimizer, loss: Tensor, net: Net) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()


def gts(kind: str, period: int, updates: int) -> Row:
    net, most = Net(kind, 4, 2.0), 20
    due = spikes(1, most * period, torch.arange(period, most * period + 1, period)[None] - 1)
    x = spikes(1, most * period, torch.zeros(1, 1, dtype=torch.long))
    some = 4 * period
    for _, optimizer in rated(net, updates, 0.02):
        step(optimizer, F.binary_cross_entropy_with_logits(net(x[:, :some]), due[:, :some]), net)
    with torch.no_grad():
        right = ((net(x).sigmoid() - due).abs() < 0.49).view(most, period).all(1)
    return {"periods": int(right.long().cumprod(0).sum())}


def msd(kind: str, updates: int) -> Row:
    net, steps = Net(kind, 8), 150

    def draw(rows: int) -> tuple[Tensor, Tensor]:
        delay = torch.randint(30, 61, (rows, 1))
        first = (torch.rand(rows, 1) * (steps - 2 * delay)).long()
        return spikes(rows, steps, torch.cat([first, first + delay], 1)), (first + 2 * delay)[:, 0]

    for _, optimizer in rated(net, updates, 0.005):
        x, due = draw(32)
        step(optimizer, F.cross_entropy(net(x), due), net)
    with torch.no_grad():
        x, due = draw(1000)
        return {"share": (net(x).argmax(1) == due).double().mean().item()}


def nmsd(kind: str, period: int, updates: int) -> Row:
    net, every = Net(kind, 4, 2.0), 25

    def draw(rows: int) -> tuple[Tensor, Tensor, Tensor]:
        late = torch.randint(2, (rows, 5))
        place = (period + late).cumsum(1)
        return spikes(rows, 5 * period + 6, torch.cat([torch.zeros_like(place[:, :1]), place], 1)), place, late.float()

    for update, optimizer in rated(net, updates, 0.02):
        x, place, late = draw(32)
        step(optimizer, F.binary_cross_entropy_with_logits(net(x).gather(1, place), late), net)
        if (update + 1) % every == 0:
            with torch.no_grad():
                x, place, late = draw(200)
                right = ((net(x).gather(1, place).sigmoid() - late).abs() < 0.49).double().mean().item()
            if right == 1:
                break
    return {"streams": 32 * (update + 1), "share": right}


def learn(task: str, period: int | str, kind: str, seed: int, study: Study) -> Row:
    torch.manual_seed(seed)
    updates = study[f"{task}_updates"]
    return msd(kind, updates) if task == "msd" else {"gts": gts, "nmsd": nmsd}[task](kind, int(period), updates)


def main() -> None:
    full = {
        "gts_updates": 5000,
        "msd_updates": 3000,
        "nmsd_updates": 5000,
        "repeats": 15,
        "gts_F": [10, 20],
        "nmsd_F": [10, 20, 30],
    }
    small = {"gts_updates": 5, "msd_updates": 2, "nmsd_updates": 25, "repeats": 2, "gts_F": [10], "nmsd_F": [10]}
    study = Study(__file__, __doc__, full=full, quick=small)
    exact = [study.run({"part": "numerics", "cell": kind}, lambda k=kind: numerics(k)) for kind in CELLS if kind != "lstm"]
    times = {k: study.run({"part": "timing", "cell": k}, lambda k=k: timing(k, study["repeats"]))["milliseconds"] for k in CELLS}
    tasks = [("gts", f) for f in study["gts_F"]] + [("msd", "")] + [("nmsd", f) for f in study["nmsd_F"]]
    compared = []
    for task, period in tasks:
        line: Row = {"task": f"{task} {period}".strip(), "published": PUBLISHED[task]}
        for kind in LEARNT:
            runs = [
                study.run(
                    {"part": task, "F": period, "cell": kind, "seed": s}, lambda w=(task, period, kind, s): learn(*w, study)
                )
                for s in study.seeds
            ]
            line[kind] = ", ".join(said(r) for r in runs)
        compared.append(line)
    study.show("Tasks, each seed: periods of 20; share exact; streams until right", compared)
    study.show("Forward and backward", [{"cell": k, "ms": ms, "times lstm": ms / times["lstm"]} for k, ms in times.items()])
    far = [r[name] for r in exact for name in ("from the paper", "without peepholes, from lstm") if name in r]
    study.claim("the paper's equations, and without peepholes the plain LSTM, to 1e-12", all(x < 1e-12 for x in far), always=True)
    study.claim("gradcheck to 1e-6", all(r["gradcheck"] == "True" for r in exact), always=True)
    study.claim("at most five times as slow as nn.LSTM", max(times.values()) <= 5 * times["lstm"])
    study.plot(lambda figure: plot(figure, study.rows))
    study.end()


def said(row: Row) -> str:
    if row["part"] == "gts":
        return str(row["periods"])
    return f"{row['share']:.3f}" if row["part"] == "msd" or row["share"] < 1 else str(row["streams"])


def plot(figure, rows: list[Row]) -> None:
    ax = figure.subplots()
    for i, kind in enumerate(LEARNT):
        runs = [r for r in rows if r["part"] == "nmsd" and r["cell"] == kind]
        ax.plot([r["F"] + i for r in runs], [r["streams"] for r in runs], "ox"[i], label=kind)
    ax.set(xlabel="F", ylabel="streams until right, or all", title="Is a delay F or F + 1?")
    ax.legend()


if __name__ == "__main__":
    main()
