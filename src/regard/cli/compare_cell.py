"""A process of `regard compare`: one training, told on standard input.  `python -m regard.cli.compare_cell`; nobody types it."""

from __future__ import annotations

import json
import os
import signal
import sys
from threading import Thread

from regard.cli.memory import keep_few_products, keep_freed_memory
from regard.cli.words import teller
from regard.compare.worker import WorkOrder, carry_out
from regard.core.exit_codes import exit_code
from regard.core.garbage import collect_seldom


def main() -> None:
    """Carry out the order that the first line says, and end at once when whoever gave it has gone."""
    keep_few_products()
    keep_freed_memory()
    collect_seldom()
    order = WorkOrder(**json.loads(sys.stdin.readline()))
    Thread(target=_end_with_parent, daemon=True, name="lifeline").start()
    sys.exit(exit_code(lambda: carry_out(order, teller(False))))


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: it returns when the pipe is closed
    os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


if __name__ == "__main__":
    main()
