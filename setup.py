"""Builds the compiled loops into the package; all else is in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "runtime"))
from building import built_into

setup(**built_into("regard", "runtime.loops", "kernels"))
