"""What a simple recurrent net makes of `我 去 郑州` (I go to Zhengzhou) and `我 离开 郑州` (I leave Zhengzhou), by hand and by the house.

Claim: with 我=[1,1] 去=[2,2] 离开=[3,3] 郑州=[4,4], two hidden units, all weights 1 and biases 0, the two 郑州 give 24 and 28 where
nothing squashes the sums, so the net tells the destination from the place that is left; with tanh in float32 both give 1.0, and it
does not.  The net is the simple recurrent one, h_t = f(W x_t + U h_{t-1}): Elman 1990, figure 2.  So a net needs a memory, and small
weights to begin with.

Protocol: every step is written out: its sum over the word (W x), its sum over the state before (U h), the new state.  A feed-forward net
(U = 0) stands beside it: it gives 8 for either 郑州, as it sees one word alone.  The tanh net is `regard.networks.cells.RNN` with its
weights set; the linear net is the same sum without the tanh.

    python studies/worked_example.py [--quick]
"""

from __future__ import annotations

import torch
from study import Row, Study

from regard.networks.cells import RNN

WORDS = {"我": [1, 1], "去": [2, 2], "离开": [3, 3], "郑州": [4, 4]}
SENTENCES = (("我", "去", "郑州"), ("我", "离开", "郑州"))
EXAMPLE = {  # what it says
    "feed-forward": (8, 8),
    "recurrent, no squashing": (24, 28),
    "recurrent, tanh, float32": (1.0, 1.0),
}


def linear(sentence: tuple[str, ...], *, recurrent: bool) -> list[Row]:
    """h_t = W x_t + U h_{t-1}, all weights 1 (U = 0 where not recurrent): each hidden unit is the sum of all that comes in."""
    steps, state = [], [0.0, 0.0]
    for word in sentence:
        x = WORDS[word]
        before = state if recurrent else [0.0, 0.0]
        state = [sum(x) + sum(before)] * 2
        line = f"{x[0]} + {x[1]} + {before[0]:g} + {before[1]:g} = {state[0]:g}"
        steps.append({"word": word, "each unit": line, "state": state[0]})
    return steps


def squashed(sentence: tuple[str, ...], dtype: torch.dtype) -> list[Row]:
    """The same sums through tanh, by the house's own cell."""
    cell = RNN(2, 2).to(dtype)
    for name, parameter in cell.named_parameters():
        torch.nn.init.constant_(parameter, 0.0 if "bias" in name else 1.0)
    x = torch.tensor([[WORDS[word] for word in sentence]], dtype=dtype)
    with torch.no_grad():
        states = cell.over(x, cell.start(x.new_zeros(1, 2)))[0][0, :, 0].tolist()
    before = [0.0, *states[:-1]]
    return [
        {"word": w, "each unit": f"tanh({sum(WORDS[w])} + 2 x {b:.6g}) = {s:.17g}", "state": f"{s:.17g}"}
        for w, b, s in zip(sentence, before, states, strict=True)
    ]


NETS = {
    "feed-forward": lambda sentence: linear(sentence, recurrent=False),
    "recurrent, no squashing": lambda sentence: linear(sentence, recurrent=True),
    "recurrent, tanh, float32": lambda sentence: squashed(sentence, torch.float32),
    "recurrent, tanh, float64": lambda sentence: squashed(sentence, torch.float64),
}


def main() -> None:
    study = Study(__file__, __doc__, full={}, quick={})
    last: dict[str, list[str]] = {}
    for net, steps in NETS.items():
        for sentence in SENTENCES:
            for place, step in enumerate(steps(sentence)):
                row = study.run({"net": net, "sentence": " ".join(sentence), "step": place + 1}, lambda step=step: step)
            last.setdefault(net, []).append(str(row["state"]))
    compared = []
    for net, (go, leave) in last.items():
        said = EXAMPLE.get(net, ("", ""))
        compared.append(
            {
                "net": net,
                "去 郑州, the example": said[0],
                "去 郑州": go,
                "离开 郑州, the example": said[1],
                "离开 郑州": leave,
            }
        )
    study.show("The state after 郑州", compared)
    study.claim("24 and 28 without a squashing function", last["recurrent, no squashing"] == ["24", "28"], always=True)
    same = [float(x) for x in last["recurrent, tanh, float32"]] == [1.0, 1.0]
    study.claim("the same 1.0 with tanh in float32", same, always=True)
    study.claim("a net without a memory gives 8 for both", last["feed-forward"] == ["8", "8"], always=True)
    go, leave = (float(x) for x in last["recurrent, tanh, float64"])
    study.say(
        f"In float64 the two still differ by {abs(go - leave):.2g}: the difference is not lost in the net, but in its last digits."
    )
    study.plot(lambda figure: draw(figure, study.rows), size=(7.4, 3.2))
    study.end()


def draw(figure, rows: list[Row]) -> None:
    axes = figure.subplots(1, 2)
    for ax, net in zip(axes, ("recurrent, no squashing", "recurrent, tanh, float32"), strict=True):
        for sentence, label in zip(SENTENCES, ("go to Zhengzhou", "leave Zhengzhou"), strict=True):
            states = [float(r["state"]) for r in rows if r["net"] == net and r["sentence"] == " ".join(sentence)]
            ax.plot([1, 2, 3], states, marker="o", label=label)
        ax.set(title=net, xlabel="word", xticks=[1, 2, 3], ylabel="hidden unit")
    axes[0].legend()


if __name__ == "__main__":
    main()
