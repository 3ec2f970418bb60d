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

HOUSE = Path(__file__).resolve().parent.parent / "src" / "regard"
SOURCES = {"runtime.loops": HOUSE / "runtime" / "loops" / "library.c", "kernels": HOUSE / "kernels" / "kernels.c"}


class BuildLoops(build_ext):
    """The libraries that `core.library` and `core.loops` load: plain C, for any Python; extensions only in that they are built when
    those are."""

    def build_extension(self, ext: Extension) -> None:
        compiler = SOURCES["runtime.loops"].with_name("compile.py")
        runpy.run_path(str(compiler))["compile_loops"](_source(ext), self._folder(ext))

    def copy_extensions_to_source(self) -> None:
        for ext in self.extensions:
            for made in self._made(ext):
                beside = _source(ext).with_name(f".{made.name}.part")
                shutil.copyfile(made, beside)
                # At once: to write over a library that a process has open ends that process.
                os.replace(beside, beside.with_name(made.name))

    def get_outputs(self) -> list[str]:
        return [str(path) for ext in self.extensions for path in self._made(ext)]

    def _made(self, ext: Extension) -> list[Path]:
        folder = self._folder(ext)
        return sorted(folder.glob(f"{folder.name}.*"))

    def get_output_mapping(self) -> dict[str, str]:
        return {}

    def _folder(self, ext: Extension) -> Path:
        return Path(self.build_lib).joinpath(*ext.name.split("."))


class AnyPython(bdist_wheel):
    """A wheel for this system, and for every version of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


def _source(ext: Extension) -> Path:
    return SOURCES[ext.name.partition(".")[2]]


def built_into(package: str, *libraries: str) -> dict[str, Any]:
    """What `setup` is told.  libraries: of `SOURCES`."""
    return {
        "ext_modules": [Extension(f"{package}.{name}", sources=[]) for name in libraries],
        "cmdclass": {"build_ext": BuildLoops, "bdist_wheel": AnyPython},
    }
