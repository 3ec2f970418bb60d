"""How both packages, `regard` and `regard-runtime`, build the compiled loops into themselves."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

from setuptools import Extension
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SOURCE = Path(__file__).resolve().parent.parent / "src" / "regard" / "runtime" / "loops"


class BuildLoops(build_ext):
    """The library that `runtime.library` loads: plain C, for any Python; an extension only in that it is built when those are."""

    def build_extension(self, ext: Extension) -> None:
        runpy.run_path(str(SOURCE / "compile.py"))["compile_loops"](self._folder(ext))

    def copy_extensions_to_source(self) -> None:
        for made in self.get_outputs():
            beside = SOURCE / f".{Path(made).name}.part"
            shutil.copyfile(made, beside)
            # At once: to write over a library that a process has open ends that process.
            os.replace(beside, SOURCE / Path(made).name)

    def get_outputs(self) -> list[str]:
        return [str(path) for ext in self.extensions for path in self._folder(ext).glob("loops.*")]

    def get_output_mapping(self) -> dict[str, str]:
        return {}

    def _folder(self, ext: Extension) -> Path:
        return Path(self.build_lib).joinpath(*ext.name.split("."))


class AnyPython(bdist_wheel):
    """A wheel for this system, and for every version of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


def built_into(package: str) -> dict[str, Any]:
    """What `setup` is told."""
    return {
        "ext_modules": [Extension(f"{package}.runtime.loops", sources=[])],
        "cmdclass": {"build_ext": BuildLoops, "bdist_wheel": AnyPython},
    }
