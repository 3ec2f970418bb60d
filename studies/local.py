"""Looking at a few places: local-m copies but cannot reverse, local-p does both, and what it costs does not grow with the source.

Claim: a window that moves with the clock (local-m, p_t = t) is enough where the alignment is monotonic and useless where it is not; one
whose centre is predicted (local-p, p_t = S sigmoid(v . tanh(W h_t))) does what global attention does, at a cost of 2 D + 1 places a word.
Luong et al. 2015, section 3.2, eq. 9-10, and table 1 (WMT14 English-German, BLEU: global with location 18.1, local-p with general 19.0).

Protocol: strings of the ten symbols 0-9, to be copied or reversed, batches of 64 fresh ones; judged by greedy search on 300 strings of
20-40 from another stream: share without a fault.  Bidirectional LSTM and LSTM of 64, Luong's order without input feeding (all steps of
training at once), the general score, D = 3.  All three scopes: the same net, number of updates and rules.  Training lengths are uniform
from 1 to a longest, which is 5 at first, grows by one where what is trained is learnt, and is 40 from six tenths of the updates on
for all (`toys.Growing`).  AdamW, norm clipped to 1; the learning rate is .002, from a longest of 8 on .016 / longest, and falls
over the last half to a tenth.
Without these two, local-p is hard to train: with lengths of 1-40 from the start, or growing by the clock, p_t goes to the end of the
sentence, where the sigmoid is flat, and stays there (tried with rates of .001 and .002, three seeds, GRU and LSTM, with
positions and without): a word far from the window says nothing of where to look, so a prediction must be nearly right to get better.
And p_t moves S times as far as its sigmoid: where the rate does not fall as strings grow, what was learnt is lost again (rates of
.002 and .001, constant until 40 was reached: two of three seeds; halved every 600 updates: one of two).
Cost: one look of 16 sentences at N places.  The look as the house makes it scores all N and masks; `window` first cuts 2 D + 1 places
out of the memory around p_t, and reads the same (checked to 1e-6).

    python studies/local.py            # two tasks, three scopes, three seeds
    python studies/local.py --quick
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import torch
from jaxtyping import Float
from study import Row, Study, median
from torch import Tensor
from toys import Growing, batch, copied, exact, falling, network, strings, training, turned

from regard.attention import Attention, LocalP, Memory
from regard.build.networks import make_attention
from regard.core.state import tree_map

D = 3
SCOPES = {"global": "everywhere", "local-m": f"local-m({D})", "local-p": f"local-p({D})"}
TASKS = {"copy": copied, "reverse": turned}
SHORT = 8  # letters of a string up to which the rate is the whole one
LENGTHS = (50, 100, 200, 400, 800, 1600)
ROWS, WIDTH = 16, 256  # of the looks that are timed
FULL = {"updates": 5000, "size": 64, "rows": 64, "longest": 40, "judged": 300, "rate": 0.002, "times": 200}
QUICK = {"updates": 5, "size": 16, "rows": 8, "longest": 10, "judged": 10, "times": 3}


def learn(study: Study, task: str, scope: str, seed: int) -> Row:
    """One training: the share of the longer half of the lengths that is right, at its end and along the way."""
    words = {"encoder": "bilstm", "decoder": "lstm", "embedding": 32, "size": study["size"], "dropout": 0.0}
    words |= {"order": "luong", "input_feeding": False, "attention": {"score": "general", "scope": SCOPES[scope]}}
    net = network(words, seed=seed, source_words=10, target_words=10)
    fresh, longest, way = Random(f"train {seed}"), study["longest"], []
    growing = Growing(5, longest, by=study["updates"] * 6 // 10)
    judged = strings(Random("test"), study["judged"], symbols=10, least=longest // 2, most=longest)
    test = [TASKS[task](s) for s in judged]
    for update in training(
        net,
        lambda _: batch([TASKS[task](s) for s in strings(fresh, study["rows"], symbols=10, least=1, most=growing.longest)]),
        updates=study["updates"],
        rate=lambda done: falling(study["rate"])(done) * min(1.0, SHORT / growing.longest),
        hear=growing.hear,
    ):
        if update % max(1, study["updates"] // 6) == 0:
            way.append(round(exact(net, test), 3))
    return {"parameters": sum(p.numel() for p in net.parameters()), "exact": way[-1], "way": " ".join(map(str, way))}


def window(memory: Memory, centre: Float[Tensor, " B"]) -> Memory:
    """The 2 D + 1 places around the centre of each row, and the last real one, by which a scope knows where the sentence ends."""
    rows, last = torch.arange(len(centre))[:, None], memory.length[:, None] - 1
    place = (centre - D).ceil().long()[:, None] + torch.arange(2 * D + 1)
    inside = torch.cat([(place >= 0) & (place < last), torch.ones_like(last, dtype=torch.bool)], 1)
    place = torch.cat([place.clamp(min=0).minimum(last), last], 1)
    cut: Memory = tree_map(lambda t: t[rows, place] if t.dim() == 2 else t[rows, :, place].transpose(1, 2), memory)
    return replace(cut, valid=cut.valid & inside)


def timed(study: Study, scope: str, N: int, cut: bool) -> Row:
    """Microseconds of one look of ROWS sentences, the least of many; and how far the cut reads from the whole."""
    torch.manual_seed(N)
    look: Attention = make_attention(score="general", scope=SCOPES[scope], query_size=WIDTH // 2, memory_size=WIDTH).eval()
    query, source = torch.randn(ROWS, 1, WIDTH // 2), torch.randn(ROWS, N, WIDTH)
    at, memory = torch.full((ROWS, 1), N // 2), look.remember(source)

    def once() -> Tensor:
        if not cut:
            return look(query, memory, at).context
        told = look.scope.centre(query, memory.length[:, None]) if isinstance(look.scope, LocalP) else at.float()
        return look(query, window(memory, told[:, 0]), at).context

    with torch.no_grad():
        off = float((once() - look(query, memory, at).context).abs().max())
        least = min(_seconds(once) for _ in range(study["times"]))
    return {"microseconds": 1e6 * least, "off": off}


def _seconds(once: Any) -> float:
    began = time.perf_counter()
    once()
    return time.perf_counter() - began


def draw(study: Study, costs: list[Row], figure: Any) -> None:
    learned, cost = figure.subplots(1, 2)
    for i, scope in enumerate(SCOPES):
        for j, task in enumerate(TASKS):
            shares = [r["exact"] for r in study.rows if (r.get("task"), r.get("scope")) == (task, scope)]
            learned.bar(j + 0.28 * (i - 1), median(shares), 0.25, color=f"C{i}", label="_" if j else scope)
            learned.plot([j + 0.28 * (i - 1)] * len(shares), shares, "k.", markersize=4)
    learned.set(xticks=range(len(TASKS)), xticklabels=list(TASKS), ylabel="without a fault", ylim=(0, 1.1))
    learned.legend(ncols=3, loc="upper center", fontsize=8)
    for name, style in zip(list(costs[0])[1:], ("C0-", "C1--", "C2--", "C1-", "C2-"), strict=True):
        cost.loglog([r["N"] for r in costs], [r[name] for r in costs], style, marker=".", label=name)
    cost.set(xlabel="places of the source", ylabel=f"microseconds a look of {ROWS}")
    cost.legend(fontsize=8)


def main() -> None:
    study = Study(__file__, __doc__, full=FULL, quick=QUICK)
    for seed in study.seeds:
        for task in TASKS:
            for scope in SCOPES:
                key = {"task": task, "scope": scope, "seed": seed}
                study.run(key, partial(learn, study, task, scope, seed))
    middle = {
        (t, s): median([r["exact"] for r in study.rows if (r.get("task"), r.get("scope")) == (t, s)])
        for t in TASKS
        for s in SCOPES
    }
    published = {"global": "18.1 (location)", "local-m": "-", "local-p": "19.0 (general)"}
    study.show(
        f"Without a fault at lengths {study['longest'] // 2}-{study['longest']}, median over seeds",
        [{"scope": s, "published (table 1, WMT14, BLEU)": published[s], **{t: middle[t, s] for t in TASKS}} for s in SCOPES],
    )
    costs, off = [], 0.0
    for N in LENGTHS:
        row: Row = {"N": N}
        for cut, scope in [(False, s) for s in SCOPES] + [(True, "local-m"), (True, "local-p")]:
            found = study.run({"cost": scope, "cut": int(cut), "N": N}, partial(timed, study, scope, N, cut))
            row[f"{scope}, {'window' if cut else 'masked'}" if scope != "global" else scope] = found["microseconds"]
            off = max(off, found["off"])
        costs.append(row)
    study.show("Microseconds a look", costs)
    study.claim("local-m is within 2 points of global on copy", middle["copy", "local-m"] >= middle["copy", "global"] - 0.02)
    study.claim("local-m is right at most half the time on reverse", middle["reverse", "local-m"] <= 0.5)
    for task in TASKS:
        study.claim(f"local-p is within 2 points of global on {task}", middle[task, "local-p"] >= middle[task, "global"] - 0.02)
    study.claim("the window reads what the whole reads, to 1e-6", off <= 1e-6, always=True)
    grown = costs[-1]["local-p, window"] / costs[0]["local-p, window"]
    study.claim(f"local-p costs at N = {LENGTHS[-1]} at most 1.5 times what it costs at {LENGTHS[0]}", grown <= 1.5)
    study.plot(lambda figure: draw(study, costs, figure), size=(9.5, 4.0))
    study.end()


if __name__ == "__main__":
    main()
