"""Several processes that train together: whether they are the run of one, what a killed one costs, and how fast they are.

    python benchmarks/ranks.py [agree] [kill] [speed] [--kills 30] [--seed 1] [--updates 40]

agree: four nets without dropout, 200 updates with `accumulate: 2`, `average: 3` and a plateau schedule, by 1, 2 and 3 processes of one
thread, and by 2, 1 and 3 in turn.  kill: a run of two processes, of which a random one is killed with SIGKILL at a random moment, resumed;
compared are the bytes of model.safetensors and the rows of metrics.jsonl.  speed: Multi30k as in `training.py`, float32, the same global
batches by one process of one and of two threads and by two processes of one; the median of the reports but the first, in target tokens a
second.  Each word writes a table of its own into benchmarks/results.  Seconds are of this machine as busy as it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tables
import training
import yaml

from regard.tasks.pretrain.demo_data import stories
from regard.tasks.tag.demo_data import tickets
from regard.tasks.transduce.demo_data import dates
from regard.training.reporting import MEASURED

DRY = {"dropout": 0.0, "embedding_dropout": 0.0}
COURSE = {
    **{"updates": 200, "epochs": 999, "accumulate": 2, "average": 3, "validate_every": 25, "report_every": 1, "samples": 0},
    **{"learning_rate": 2e-3, "schedule": "plateau", "plateau_patience": 1, "precision": "float32", "threads": 1},
}
TURNS = ((2, 50), (1, 125), (3, 200))  # processes, and the update that they end with


def nets(home: Path) -> dict[str, dict[str, Any]]:
    """Configs by name; their data is written into the folder."""
    for name, part in zip(("train", "valid"), dates(1, 700), strict=True):
        (home / f"{name}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in part[:600]), encoding="utf-8")
    for name, part in zip(("train", "valid"), tickets(3, 600), strict=True):
        for file, lines in (("words", [s.tokens for s in part]), ("tags", [s.tags for s in part])):
            (home / f"{name}.{file}").write_text("".join(f"{' '.join(line)}\n" for line in lines), encoding="utf-8")
    for name, told in zip(("train", "valid"), stories(3, 120, sentences=6), strict=True):
        (home / f"{name}.txt").write_text("\n".join("".join(f"{line}\n" for line in s) for s in told), encoding="utf-8")
    pairs, tagged, text = (
        {part: [f"{part}.{end}" for end in ends] for part in ("train", "valid")} for ends in (["tsv"], ["words", "tags"], ["txt"])
    )
    train, small = {**COURSE, "batch_tokens": 400}, {"size": 48, "heads": 4, "feedforward": 96, "encoder_layers": 2, **DRY}
    recurrent = {"encoder": "bigru", "embedding": 32, "size": 48, **DRY}
    return {
        "GRU, additive": {"data": pairs, "model": {**recurrent, "decoder": "gru", "attention": "additive"}, "train": train},
        "Transformer": {
            "data": pairs,
            "model": {"family": "transformer", "decoder_layers": 2, **small},
            "train": {**train, "learning_rate": 5e-4, "warmup": 30},
        },
        "tagger (CRF)": {"task": "tag", "data": tagged, "model": recurrent, "tag": {"unseen": 0.0}, "train": train},
        "BERT": {"task": "pretrain", "data": text, "model": small, "pretrain": {"vocabulary": "wordpiece(400)"}, "train": train},
    }


def train(home: Path, values: dict[str, Any], out: str, count: int, *more: str) -> None:
    """`regard train --processes`, to its end."""
    (home / f"{out}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "regard", "train", f"{out}.yaml", "--out", out, "--processes", str(count), "--quiet", *more]
    subprocess.run(command, cwd=home, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


DOUBLE = "import torch; torch.set_default_dtype(torch.float64); from regard.cli.main import main; main()"


def train_double(home: Path, values: dict[str, Any], out: str, count: int) -> None:
    """The same in float64, which no key of a config asks for: the processes are started here, as the command starts them."""
    (home / f"{out}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-c", DOUBLE, "train", f"{out}.yaml", "--out", out, "--quiet"]
    common = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    common |= {"WORLD_SIZE": str(count), "REGARD_MEETING": str(home / f"{out}.meeting")} if count > 1 else {}
    processes = [subprocess.Popen(command, cwd=home, env={**common, "RANK": str(rank)}) for rank in range(count)]
    if any([process.wait() for process in processes]):
        raise SystemExit(f"error: {out} failed")


def rows(run: Path) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in every]


def apart(run: Path, alone: Path) -> tuple[float, float, str]:
    """The largest relative difference of a training loss, that of a validation's figure, and whether all else is equal."""
    worst, same = {"train": 0.0, "valid": 0.0}, True
    found, wanted = rows(run), rows(alone)
    for got, want in zip(found, wanted, strict=True):
        for name, value in want.items():
            if isinstance(value, float) and name not in ("learning_rate",):
                worst[want["kind"]] = max(worst[want["kind"]], abs(got[name] - value) / max(abs(value), 1e-9))
            else:
                same = same and got[name] == value
    return worst["train"], worst["valid"], "yes" if same else "NO"


def agree(asked: argparse.Namespace, home: Path) -> None:
    """Losses and figures of several processes beside those of one."""
    found = []
    for number, (name, values) in enumerate(nets(home).items()):
        train(home, values, alone := f"net{number}", 1)
        for count in (2, 3):
            train(home, values, f"{alone}-{count}", count)
            found.append([name, f"{count} processes", *apart(home / f"{alone}-{count}", home / alone)])
            print(found[-1], flush=True)
        for turn_number, (count, end) in enumerate(TURNS):
            turn = {**values, "train": {**values["train"], "updates": end}}
            train(home, turn, f"{alone}-turns", count, *["--resume"] * bool(turn_number))
        found.append([name, "2, 1 and 3 in turn", *apart(home / f"{alone}-turns", home / alone)])
        print(found[-1], flush=True)
    values = nets(home)["Transformer"]
    for name, more in (("Transformer", {}), ("Transformer, rate 2e-3, no warm-up", {"learning_rate": 2e-3, "warmup": 0})):
        for count in (1, 2):
            train_double(home, {**values, "train": {**values["train"], **more}}, f"{len(found)}-double-{count}", count)
        found.append([name, "2 processes, float64", *apart(*(home / f"{len(found)}-double-{count}" for count in (2, 1)))])
        print(found[-1], flush=True)
    head = ["net", "by", "training loss, largest relative difference", "validation figures", "all else equal"]
    shown = [[a, b, f"{c:.1e}", f"{d:.1e}", e] for a, b, c, d, e in found]
    tables.write("ranks-agree", "Several processes beside one", "python benchmarks/ranks.py agree", head, shown)


def kill(asked: argparse.Namespace, home: Path) -> None:
    """A random process killed at a random moment, and the run resumed."""
    values, moments = nets(home)["GRU, additive"], random.Random(asked.seed)
    values["model"]["dropout"] = 0.2  # what is drawn must be drawn again
    values["train"] |= {"checkpoint_every": 2, "updates": 120, "report_every": 10}
    begun = time.perf_counter()
    train(home, values, "whole", 2)
    whole, found = time.perf_counter() - begun, []
    for number in range(asked.kills):
        run = home / f"killed-{number}"
        (home / f"{run.name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        command = [sys.executable, "-m", "regard", "train", f"{run.name}.yaml", "--out", run.name, "--processes", "2", "--quiet"]
        process = subprocess.Popen(command, cwd=home, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)
        time.sleep(moments.uniform(0.1, 0.95) * whole)
        ranks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() if process.poll() is None else []
        chosen = moments.randrange(2)
        if chosen < len(ranks):
            os.kill(int(ranks[chosen]), signal.SIGKILL)
        at = time.perf_counter()
        told = (process.communicate()[1].decode().splitlines() or [""])[-1]
        seconds, steps = time.perf_counter() - at, sorted(p.name for p in (run / "checkpoints").glob("step-*"))
        ended = process.returncode == 0
        train(home, values, run.name, 2, "--resume")
        same = [(rows(r), hashlib.sha256((r / "model.safetensors").read_bytes()).digest()) for r in (run, home / "whole")]
        named = "SIGKILL" in told or ended
        which = "after its end" if ended else f"rank {chosen}, {steps[-1] if steps else 'no checkpoint'}"
        equal = "equal" if same[0] == same[1] else "DIFFERENT"
        found.append([number + 1, which, f"{seconds:.1f}", equal, "yes" if named else "NO"])
        print(found[-1], flush=True)
        _write_kills(found, asked)


def _write_kills(found: list[list[Any]], asked: argparse.Namespace) -> None:
    """What was found so far: it takes half an hour."""
    count = sum(row[3] == "equal" for row in found)
    head = ["kill", "which, and with what", "seconds to the end of all", "after resume, bit for bit", "the kill was named"]
    title = f"A process killed, and the run resumed: {count} of {len(found)} equal the run never stopped"
    tables.write("ranks-kill", title, f"python benchmarks/ranks.py kill --kills {asked.kills} --seed {asked.seed}", head, found)


def speed(asked: argparse.Namespace, home: Path) -> None:
    """Multi30k, by processes and threads, one after the other."""
    training.pieces(home)
    files = [w for s in ("en", "de") for w in ("--train", f"train.{s}", "--valid", f"valid.{s}")]
    common = ["data.source_tokenizer=space", "data.target_tokenizer=space", "data.joint=true", "train.precision=float32"]
    common += [
        "train.validate_every=1000000",
        f"train.updates={asked.updates}",
        "train.report_every=5",
        "train.samples=0",
        "decode.valid_beam=1",
    ]
    models = {"Transformer 3+3": training.TRANSFORMER, "GRU 512": training.GRU}
    found = []
    for name, words in models.items():
        base = 0.0
        for count, threads in ((1, 1), (1, 2), (2, 1)):
            out = f"{name.split()[0].lower()}-{count}-{threads}"
            command = [sys.executable, "-m", "regard", "train", *files, *common, *words, f"train.threads={threads}", "--out", out]
            load = os.getloadavg()[0]
            subprocess.run(
                [*command, "--processes", str(count), "--quiet"],
                cwd=home,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
            each = [
                row["tokens_per_second"]
                for row in map(json.loads, (home / out / "metrics.jsonl").open())
                if row["kind"] == "train"
            ]
            rate = statistics.median(each[1:])
            base = rate if (count, threads) == (1, 2) else base
            found.append([name, count, threads, f"{rate:.0f}", f"{rate / base:.2f}" if base else "", f"{load:.1f}"])
            print(found[-1], flush=True)
    head = ["net", "processes", "threads each", "target tokens/s", "times one process of two threads", "load when it began"]
    tables.write(
        "ranks-speed", "Processes and threads", f"python benchmarks/ranks.py speed --updates {asked.updates}", head, found
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["agree", "kill", "speed", []], default=["agree", "kill", "speed"])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--updates", type=int, default=40)
    asked = parser.parse_args()
    for word in asked.what:
        with tempfile.TemporaryDirectory() as place:
            {"agree": agree, "kill": kill, "speed": speed}[word](asked, Path(place))


if __name__ == "__main__":
    main()
