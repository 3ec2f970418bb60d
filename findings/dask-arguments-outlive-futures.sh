#!/usr/bin/env bash
# distributed 2026.8.0: what was given to `client.submit` stays in memory after its future is done, released and gone, in the process that has a
# LocalCluster's scheduler: of the last 1,000 messages to each worker.
#
# Who meets it: whoever streams batches of rows through `submit` with a bounded number of futures in flight, so that memory stays flat.
# A guess before it was run: arguments of a task whose future was released live as long as the scheduler's entry of it, that is, no longer;
# if something remains it is the few batches in flight.
# Seen: every batch of 60 is still alive after all futures are released and collected.  The scheduler's batched sender of messages keeps the
# last `distributed.admin.low-level-log-length` of them (1,000) for debugging, and the task with its arguments is in the message.  With that
# set to 0 before the cluster is made, none is left.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check distributed==2026.8.0 dask==2026.8.0
cat >"$folder/try.py" <<'PY'
import gc
import sys

import dask
from distributed import Client, LocalCluster, wait


class Batch:
    def __init__(self):
        self.rows = [f"a row of text, number {i}" for i in range(1000)]


def count(batch):
    return len(batch.rows)


def main(log):
    if log is not None:
        dask.config.set({"distributed.admin.low-level-log-length": log})
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        for _ in range(60):
            future = client.submit(count, Batch(), pure=False)
            wait([future])
            assert future.result() == 1000
            future.release()
        del future
        client.run_on_scheduler(lambda: None)  # what was sent before has been taken in
        gc.collect()
        print(sum(isinstance(thing, Batch) for thing in gc.get_objects()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
PY
cd "$folder"
usual=$("$folder/env/bin/python" try.py 2>/dev/null)
without=$("$folder/env/bin/python" try.py 0 2>/dev/null)
echo "batches alive after 60 released futures: $usual; with no log of messages: $without"
[ "$usual" -ge 60 ] && [ "$without" -eq 0 ]
