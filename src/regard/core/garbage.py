"""How often Python looks for dead objects that name each other."""

from __future__ import annotations

import gc

# New objects before it looks, by default 700; and looks at younger ones before it looks at those a step older, by default 10.
THRESHOLDS = (100_000, 20, 20)


def collect_seldom() -> None:
    """Look seldom: what is read and answered holds no circles, and each look at a million items that live costs a tenth of a second.

    Of 10,000 short lines that a worker answers it was 5 to 10 of 100 of the time.  A library must not do this to its host: only the command
    and its workers do, to themselves.
    """
    gc.set_threshold(*THRESHOLDS)
