"""One of several processes: trainings one after another, each by as many of them as it says.

    RANK=0 python several.py JOBS.json

A job: values of a config; `out`; `count`, how many take part; `others`, what another rank's config says instead.  What goes wrong in a
rank is written to OUT.RANK.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from regard import runs
from regard.config import read_config
from regard.core.errors import RegardError
from regard.training.ranks import MEETING


def main(jobs: Path) -> None:
    rank, meeting = int(os.environ["RANK"]), jobs.with_suffix("")
    for number, job in enumerate(json.loads(jobs.read_text("utf-8"))):
        if rank >= job["count"]:
            continue
        os.environ |= {"WORLD_SIZE": str(job["count"]), MEETING: f"{meeting}.{number}"}
        values = job["values"]
        if rank:
            values = {
                section: {**part, **job.get("others", {}).get(section, {})} if isinstance(part, dict) else part
                for section, part in values.items()
            }
        try:
            runs.train(read_config(values), job["out"], resume=job.get("resume", False), say=lambda line: None)
        except RegardError as error:
            Path(f"{job['out']}.{rank}").write_text(f"{type(error).__name__}: {error}", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
