"""The command's own allocator: switched off by a word, untouched by the library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regard.doors.cli.memory import SWITCH, keep_freed_memory

PROGRAM = """
import ctypes, sys
from pathlib import Path
{first}
def held():
    return int(next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS")).split()[1]) / 1024
import numpy as np
blocks = [np.ones(2_000_000) for _ in range(10)]  # 16 MB each: below the largest that is kept, above what glibc keeps by itself
full = held()
del blocks
print(full - held())
"""


def given_back(first: str) -> float:
    """Megabytes of 160 that a program gives back when it frees them."""
    told = subprocess.run([sys.executable, "-c", PROGRAM.format(first=first)], capture_output=True, text=True, check=True)
    return float(told.stdout)


def test_a_word_switches_it_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SWITCH, "0")
    assert keep_freed_memory() is False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has mallopt")
def test_the_command_keeps_what_it_frees_and_the_library_does_not():
    assert given_back("import regard") > 100
    assert given_back("from regard.doors.cli.memory import keep_freed_memory; assert keep_freed_memory()") < 30
