"""The sinusoidal position p + k is a linear map of position p, the same for every p; dot products fall with distance.

Vaswani et al. 2017, section 3.5: "we hypothesized it would allow the model to easily learn to attend by relative positions, since for any
fixed offset k, PE(pos + k) can be represented as a linear function of PE(pos)".  The map is known in closed form: each pair (sin, cos) of
rate w is turned by the angle k w, so M_k is block-diagonal of rotations; hence PE(p) . PE(p + k) = sum_i cos(k w_i), whatever p.

Protocol: width 64, positions 0 ... 511, offsets of 1 to 100.  Residual: the largest |PE(p + k) - M_k PE(p)|, in float64 and float32; of the
best linear map by least squares; and of the same for learned positions as they are drawn, which have no such map.  Distance: the mean
of the dot product over blocks of distances, and where it first rises again.  Rotary (Su et al. 2021, section 3.2.2): q . k after
turning, for the same q and k at all p, depends on the offset alone.

    python studies/positions.py [--quick]
"""

from __future__ import annotations

import torch
from study import Study
from torch import Tensor

from regard.attention import LearnedPositions, Positions, SinusoidalPositions
from regard.attention.positions import Rotary


def turn(positions: SinusoidalPositions, k: int) -> Tensor:
    """M_k: for each pair (sin, cos) the block [[cos kw, sin kw], [-sin kw, cos kw]]."""
    cos, sin = (k * positions.rate).cos(), (k * positions.rate).sin()
    return torch.block_diag(*torch.stack([cos, sin, -sin, cos], -1).unflatten(-1, (2, 2)))


def encoded(positions: Positions, count: int) -> Tensor:
    """ "P D", each row a position."""
    with torch.no_grad():
        return positions(torch.arange(count)[None])[0]


def fitted(before: Tensor, after: Tensor) -> float:
    """The largest error of the best linear map from the one to the other."""
    best = torch.linalg.lstsq(before, after, driver="gelsd").solution  # the columns of slow rates are nearly alike
    return (before @ best - after).abs().max().item()


def main() -> None:
    full = {"width": 64, "positions": 512, "offsets": [1, 2, 5, 10, 20, 50, 100]}
    study = Study(__file__, __doc__, full=full, quick={})
    torch.manual_seed(0)
    width, count = study["width"], study["positions"]
    sinusoidal, learned = SinusoidalPositions(width), LearnedPositions(width, 2 * count)
    double = SinusoidalPositions(width)
    double.rate = torch.nn.Buffer(double.rate.double(), persistent=False)
    tables = {"float64": encoded(double, 2 * count), "float32": encoded(sinusoidal, 2 * count)}
    free = encoded(learned, 2 * count).double()
    rotary, (q, key) = Rotary(width), torch.randn(2, 1, 1, 1, width)

    def offset(k: int) -> dict[str, float]:
        residual = {
            f"residual, {name}": (t[k : count + k] - t[:count] @ turn(p, k).T).abs().max().item()
            for (name, t), p in zip(tables.items(), (double, sinusoidal), strict=True)
        }
        table, at = tables["float64"], torch.arange(count)[None]
        dots = (table[:count] * table[k : count + k]).sum(1)
        turned = (rotary(q.expand(1, 1, count, -1), at) * rotary(key.expand(1, 1, count, -1), at + k)).sum(-1)
        return {
            **residual,
            "least squares": fitted(table[:count], table[k : count + k]),
            "learned, least squares": fitted(free[:count], free[k : count + k]),
            "dot product": dots.mean().item(),
            "spread over p": (dots.max() - dots.min()).item(),
            "rotary, spread over p": (turned.max() - turned.min()).item(),
        }

    rows = [study.run({"part": "offset", "k": k}, lambda k=k: offset(k)) for k in study["offsets"]]
    dots = torch.cos(torch.arange(2 * count)[:, None] * double.rate).sum(1)  # of positions that far apart
    rises = int((dots[1:] > dots[:-1]).nonzero()[0])
    blocks = ((0, 1), (1, 5), (5, 10), (10, 20), (20, 50), (50, 100), (100, 200), (200, 500))
    far = [
        study.run({"part": "distance", "from": a, "to": b - 1}, lambda a=a, b=b: {"mean dot product": dots[a:b].mean().item()})
        for a, b in blocks
    ]
    matrix = turn(double, 1)[:4, :4].tolist()
    study.say("M_1, its first two blocks: " + "; ".join("[" + " ".join(f"{x:.4f}" for x in row) + "]" for row in matrix))
    published = {1: "a linear function of PE(p)"}
    study.show(
        "PE(p + k) and M_k PE(p)",
        [{"k": r["k"], "published": published.get(r["k"], "the same"), **{n: r[n] for n in list(r)[2:-1]}} for r in rows],
    )
    study.show(
        "Dot products by distance", [{"distance": f"{r['from']} ... {r['to']}", "mean": r["mean dot product"]} for r in far]
    )
    study.claim("PE(p + k) = M_k PE(p): to 1e-9 in float64", all(r["residual, float64"] < 1e-9 for r in rows), always=True)
    study.claim(
        "to 1e-3 in float32, whose angles of up to 600 are known to 3e-5",
        all(r["residual, float32"] < 1e-3 for r in rows),
        always=True,
    )
    study.claim(
        "learned positions, as drawn, have no such map", all(r["learned, least squares"] > 0.1 for r in rows), always=True
    )
    study.claim("the dot product depends on the distance alone", all(r["spread over p"] < 1e-9 for r in rows), always=True)
    study.claim(
        "so does that of rotary queries and keys, in float32", all(r["rotary, spread over p"] < 1e-3 for r in rows), always=True
    )
    means = [r["mean dot product"] for r in far]
    study.claim("it falls with distance, in the mean of each block", means == sorted(means, reverse=True), always=True)
    study.say(f"One by one it falls up to distance {rises} and then wavers: a sum of cosines is no measure of far distances.")

    def plot(figure) -> None:
        left, right = figure.subplots(1, 2)
        left.imshow(turn(double, 5)[:16, :16], cmap="RdBu", vmin=-1, vmax=1)
        left.set(title="M_5, first 16 columns")
        left.grid(False)
        right.plot(range(200), dots[:200])
        right.set(title="PE(p) . PE(p + k)", xlabel="k")

    study.plot(plot, size=(7.4, 3.4))
    study.end()


if __name__ == "__main__":
    main()
