"""Gradients through time vanish or explode geometrically with the lag; a memory cell behind an open forget gate keeps them.

Pascanu, Mikolov & Bengio 2013, section 2.1: the gradient of a step in one k steps before is a product of k Jacobians; it vanishes where
their largest singular value stays below 1, and can explode only where it is above.  Hochreiter & Schmidhuber 1997, sections 3 and 4.1: an
error carousel of weight 1 neither loses nor amplifies it; with the forget gate of Gers, Schmidhuber & Cummins 2000 its weight is that
gate, sigmoid(b) at rest.

Protocol: nets of 16 units, sequences of 100 steps; the norm of d h_T / d x_{T-k}, by `regard.networks.bptt.gradients_by_lag`.  At rest:
no biases but those named, inputs of 1e-6 in float64, so that every step has the Jacobian J of the zero state; then the norm changes, from
lag 50 to the longest, by the spectral radius of J a step.  RNN: U orthogonal times .9, 1 or 1.1.  LSTM and GRU: forget (keeping) biases of
0, 1, 5; without U (`alone`: the carousel by itself, whose factor is sigmoid(b)) and with U as drawn.  Awake: inputs N(0, 1), cells as
drawn, and with a bias of 5.

    python studies/gradients.py [--quick] [--seeds 0 1 2]
"""

from __future__ import annotations

import math

import torch
from study import Row, Study
from torch import nn

from regard.networks.bptt import gradients_by_lag
from regard.networks.cells import GRU, LSTM, RNN, Cell
from regard.networks.gru_reset_before import ResetBeforeGRU
from regard.networks.peephole import FullPeepholeLSTM, PeepholeLSTM

INPUT, SIZE = 8, 16
CELLS = {
    "rnn": RNN, "gru": GRU, "gru-reset-before": ResetBeforeGRU,
    "lstm": LSTM, "lstm-peephole": PeepholeLSTM, "lstm-peephole-full": FullPeepholeLSTM,
}  # fmt: skip


def keep(cell: Cell, bias: float) -> None:
    """Set the bias of an LSTM's forget gates, or of what a GRU keeps: the second of the gates in both."""
    turned = isinstance(cell, ResetBeforeGRU)  # its z renews
    cell.input_bias.data[SIZE : 2 * SIZE] = -bias if turned else bias


def at_rest(kind: str, strength: float) -> Cell:
    """A cell without biases but that of `keep`; strength: it, or the scale of an RNN's U.  kind: `lstm alone`: without U."""
    word, *alone = kind.split()
    cell = CELLS[word](INPUT, SIZE).double()
    for name, parameter in cell.named_parameters():
        if "bias" in name or (alone and "weight_hh" in name):
            nn.init.zeros_(parameter)
    if word == "rnn":
        nn.init.orthogonal_(cell.net.weight_hh_l0, gain=strength)
    else:
        keep(cell, strength)
    return cell


def radius(cell: Cell) -> float:
    """The largest |eigenvalue| of one step's Jacobian at rest, of the whole state."""
    state = cell.start(torch.zeros(1, SIZE, dtype=torch.double))
    parts = list(state) if isinstance(state, tuple) else [state]
    gates = cell.gates(torch.zeros(1, INPUT, dtype=torch.double)).detach()

    def step(flat: torch.Tensor) -> torch.Tensor:
        given = tuple(flat.chunk(len(parts), -1)) if len(parts) > 1 else flat
        after = cell.step(gates, given)[1]
        return torch.cat(list(after) if len(parts) > 1 else [after], -1)

    jacobian = torch.autograd.functional.jacobian(step, torch.cat(parts, -1))[0, :, 0]
    return torch.linalg.eigvals(jacobian).abs().max().item()


def measure(cell: Cell, x: torch.Tensor) -> Row:
    norms = gradients_by_lag(cell.over, x, cell.start(x.new_zeros(len(x), SIZE)))
    first, last = len(norms) // 2, len(norms) - 1
    rate = math.exp((norms[last].log() - norms[first].log()).item() / (last - first))
    return {"rate": rate, **{f"lag {k}": (norms[k] / norms[0]).item() for k in (1, first // 2, first, last)}}


def rest(kind: str, strength: float, seed: int, study: Study) -> Row:
    torch.manual_seed(seed)
    cell = at_rest(kind, strength)
    x = 1e-6 * torch.randn(study["rows"], study["steps"], INPUT, dtype=torch.double)
    return {"radius of J": radius(cell), **measure(cell, x)}


def awake(kind: str, bias: float | None, seed: int, study: Study) -> Row:
    torch.manual_seed(seed)
    cell = CELLS[kind](INPUT, SIZE).double()
    if bias is not None:
        keep(cell, bias)
    return measure(cell, torch.randn(study["rows"], study["steps"], INPUT, dtype=torch.double))


def main() -> None:
    study = Study(__file__, __doc__, full={"steps": 100, "rows": 16}, quick={"rows": 2})
    resting, waking = [], []
    for kind in ("rnn", "gru alone", "gru", "lstm alone", "lstm"):
        for strength in (0.9, 1.0, 1.1) if kind == "rnn" else (0.0, 1.0, 5.0):
            for seed in study.seeds:
                key = {"part": "at rest", "cell": kind, "strength": strength, "seed": seed}
                resting.append(study.run(key, lambda w=(kind, strength, seed): rest(*w, study)))
    for kind in CELLS:
        for bias in (None,) if kind == "rnn" else (None, 5.0):
            for seed in study.seeds:
                key = {"part": "awake", "cell": kind, "strength": "as drawn" if bias is None else bias, "seed": seed}
                waking.append(study.run(key, lambda w=(kind, bias, seed): awake(*w, study)))
    for title, runs in (("At rest", resting), ("Awake", waking)):
        first = [
            {k: v for k, v in r.items() if k not in ("part", "seed", "seconds")} for r in runs if r["seed"] == study.seeds[0]
        ]
        study.show(f"{title}, first seed: the factor a step, and the norm relative to lag 0", first)
    apart = [abs(r["rate"] / r["radius of J"] - 1) for r in resting]
    study.claim(
        "at rest the factor a step is the spectral radius of one step's Jacobian, to 3 %",
        all(x < 0.03 for x in apart),
        always=True,
    )
    off = [abs(r["rate"] - 1 / (1 + math.exp(-r["strength"]))) for r in resting if "alone" in r["cell"]]
    study.claim(
        "a cell alone is a carousel whose weight is its gate, sigmoid(b), to 1e-3", all(x < 1e-3 for x in off), always=True
    )
    far = f"lag {study['steps'] - 1}"
    of = [[r[far] for r in resting if (r["cell"], r["strength"]) == ("rnn", g)] for g in (0.9, 1.1)]
    study.claim("an RNN of radius .9 vanishes, of radius 1.1 explodes", max(of[0]) < 1e-3 and min(of[1]) > 1e3, always=True)
    drawn = [r[far] for r in waking if r["strength"] == "as drawn"]
    held = [r[far] for r in waking if r["strength"] != "as drawn" and r["cell"] in ("gru", "lstm")]
    study.claim("awake and as drawn every cell vanishes: below 1e-9 at the longest lag", max(drawn) < 1e-9, always=True)
    study.claim("awake, with open gates, LSTM and GRU keep above 1e-3", min(held) > 1e-3, always=True)
    study.plot(lambda figure: plot(figure, resting), size=(7.0, 4.2))
    study.end()


def plot(figure, runs: list[Row]) -> None:
    ax = figure.subplots()
    lags = [column for column in runs[0] if column.startswith("lag")]
    for row in runs:
        if row["seed"] == runs[0]["seed"]:
            style = {"rnn": "-", "gru": "--", "lstm": ":"}[row["cell"].split()[0]]
            ax.plot(
                [0, *(int(c.split()[1]) for c in lags)],
                [1, *(row[c] for c in lags)],
                style,
                label=f"{row['cell']} {row['strength']:g}",
            )
    ax.set(yscale="log", xlabel="lag", ylabel="norm, relative to lag 0", ylim=(1e-12, None))
    ax.legend(ncols=3, fontsize="x-small")


if __name__ == "__main__":
    main()
