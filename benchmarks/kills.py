"""Twenty runs, each killed with SIGKILL at a random moment and resumed: are they the run that was never stopped, bit for bit?

    python benchmarks/kills.py [--kills 20] [--seed 1]

A checkpoint is written at every second update, so that many kills fall into the writing of one.  Compared are the bytes of
model.safetensors and the rows of metrics.jsonl without their times.  Writes benchmarks/results/kills.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from regard.tasks.transduce.demo_data import dates

RESULTS = Path(__file__).parent / "results"
TIMES = ("seconds", "tokens_per_second", "eta_seconds", "memory_mb", "peak_memory_mb")
SETTINGS = """
data: {train: [dates.tsv]}
model: {encoder: bigru, decoder: gru, embedding: 32, size: 64}
train: {updates: 120, batch_tokens: 400, checkpoint_every: 2, validate_every: 40, report_every: 10, average: 2, metric: loss, threads: 1}
"""


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "regard", "train", "dates.yaml", "--out", folder.name, *more]


def told(run: Path) -> tuple[str, list[dict[str, object]]]:
    """What must be equal."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    weights = hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()
    return weights, [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def main() -> None:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    moments = random.Random(asked.seed)
    lines, equal = [], 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        (home / "dates.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in dates(1, 2000)[0]), encoding="utf-8")
        (home / "dates.yaml").write_text(SETTINGS, encoding="utf-8")
        begun = time.perf_counter()
        subprocess.run(command(home / "whole"), cwd=home, check=True, capture_output=True)
        whole = time.perf_counter() - begun
        for number in range(asked.kills):
            run = home / f"killed-{number}"
            process = subprocess.Popen(command(run), cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.05, 0.95) * whole)
            process.send_signal(signal.SIGKILL)
            ended = process.wait() != -signal.SIGKILL
            steps = sorted(p.name for p in (run / "checkpoints").glob("step-*"))
            left = (
                [p for p in (run / "checkpoints").glob("*") if p.name.startswith(".") or "tmp" in p.name] if run.exists() else []
            )
            subprocess.run(command(run, "--resume"), cwd=home, check=not ended, capture_output=True)
            same = told(run) == told(home / "whole")
            equal += same
            at = (
                "after its end"
                if ended
                else f"with {steps[-1] if steps else 'no checkpoint'}{', a write cut off' if left else ''}"
            )
            lines.append(f"| {number + 1} | {at} | {'equal' if same else 'DIFFERENT'} |")
            print(lines[-1], flush=True)
    told_all = f"{equal} of {asked.kills} runs equal the run never stopped, bit for bit"
    text = f"# Killed and resumed\n\n{date.today()}, seed {asked.seed}: {told_all}.\n\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "kills.md").write_text(
        text + "| kill | when | after resume |\n|---|---|---|\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    sys.exit(equal < asked.kills)


if __name__ == "__main__":
    main()
