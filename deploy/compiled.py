"""Compiles the ``*_c.pyx`` modules: the few functions that are worth it.

All of them may be missing: the Python beside each does the same. So a build without a C
compiler makes a wheel that is as good, and slower. ``python deploy/compiled.py`` compiles
in place, for work on the code; as hatchling's build hook it does so for a wheel.

Exit codes: 0 compiled, 1 not (what is missing is said).
"""

import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("scoring", "streams")
OPTIONS = ("-O3", "-g0")


def sources(root: Path = ROOT) -> list[Path]:
    """The modules to compile."""
    return sorted(source for name in PACKAGES for source in (root / name).rglob("*_c.pyx"))


def _is_stale(source: Path) -> bool:
    """Whether there is no library beside the source for this Python, or an older one."""
    library = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    return not library.exists() or library.stat().st_mtime < source.stat().st_mtime


def compile_in_place(root: Path = ROOT) -> str | None:
    """Put a shared library beside each source; why that cannot be done, None if it is."""
    found = [source for source in sources(root) if _is_stale(source)]
    if not found:
        return None
    try:
        from Cython.Build import cythonize
        from setuptools import Extension, setup
    except ImportError as error:
        return f"{error.name} is not installed"
    extensions = [
        Extension(
            ".".join(source.relative_to(root).with_suffix("").parts),
            [str(source)],
            extra_compile_args=list(OPTIONS),
        )
        for source in found
    ]
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # setuptools must not read the project's own file
        try:
            setup(
                name="compiled",
                ext_modules=cythonize(extensions, build_dir=folder, quiet=True),
                script_args=["--quiet", "build_ext", "--build-lib", str(root)],
            )
        except (SystemExit, Exception) as error:
            return f"no C compiler, or no Python.h: {error}"
        finally:
            os.chdir(before)
    return None


class CustomBuildHook(BuildHookInterface):
    """Hatchling's hook: a wheel with the compiled modules, or one that is pure Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are gathered."""
        if self.target_name != "wheel" or version == "editable":
            return
        problem = compile_in_place(Path(self.root))
        if problem is not None:
            self.app.display_warning(f"a pure Python wheel: {problem}")
            return
        if sources(Path(self.root)):
            build_data["artifacts"] += [f"/{name}/**/*_c.*.so" for name in PACKAGES]
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


if __name__ == "__main__":
    missing = compile_in_place()
    if missing is not None:
        print(f"nothing is compiled: {missing}. The Python modules are used.", file=sys.stderr)
        sys.exit(1)
