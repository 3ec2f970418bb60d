"""Builds the compiled loops of the runtime into the package; all else is in pyproject.toml."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

LOOPS = "regard/runtime/loops"
SOURCE = Path(__file__).resolve().parent / "src"


class BuildLoops(build_ext):
    """The library that `regard.runtime.library` loads: plain C, for any Python."""

    def build_extension(self, ext: Extension) -> None:
        runpy.run_path(str(SOURCE / LOOPS / "compile.py"))["compile_loops"](Path(self.build_lib) / LOOPS)

    def copy_extensions_to_source(self) -> None:
        for made in self.get_outputs():
            shutil.copyfile(made, SOURCE / LOOPS / Path(made).name)

    def get_outputs(self) -> list[str]:
        return [str(p) for p in (Path(self.build_lib) / LOOPS).glob("loops.*")]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class AnyPython(bdist_wheel):
    """A wheel for this system, and for every version of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


setup(ext_modules=[Extension("regard.runtime.loops", sources=[])], cmdclass={"build_ext": BuildLoops, "bdist_wheel": AnyPython})
