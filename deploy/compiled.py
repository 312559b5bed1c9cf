"""Compiles what is worth it: the ``*_c.pyx`` modules, and :data:`MODULES` as they are.

The former have Python beside them that does the same; of the latter the Python is the source
(a ``.pxd`` beside it says which of its numbers are whole numbers of 64 bits), and what is compiled
of it lies beside it and is imported in its place. So all of it may be
missing: a build without a C compiler makes a wheel that is as good, and slower.
``python deploy/compiled.py`` compiles in place, for work on the code; as hatchling's build
hook it does so for a wheel.

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
#: Modules in Python that are compiled as they are: up to a third of their time is saved.
MODULES = (
    *(
        f"scoring/{name}.py"
        for name in (
            "bands", "because", "book", "card", "classes", "curves", "emission", "entities",
            "evaluate", "facts", "fold", "hierarchy", "indicators", "levels", "marks", "metrics",
            "moment", "movers", "outputs", "partition", "plan", "recent", "room", "row", "terms",
            "told_form", "unchanged", "way", "weighting", "windows", "words",
        )
    ),
    "streams/intake/bad_input.py",
    "streams/intake/blocks.py",
    "streams/intake/plain_changes.py",
)  # fmt: skip
#: By the kind of source; what Python's own calls take no compiler makes less.
OPTIONS = {".pyx": ("-O3", "-g0"), ".py": ("-O1", "-g0")}
#: What is annotated with a class may be one of its subclasses, as ever.
DIRECTIVES = {"language_level": 3, "annotation_typing": False}


def sources(root: Path = ROOT) -> list[Path]:
    """The modules to compile."""
    by_hand = sorted(source for name in PACKAGES for source in (root / name).rglob("*_c.pyx"))
    return by_hand + [root / name for name in MODULES]


def library_of(source: Path) -> Path:
    """Where what is compiled of a source for this Python lies."""
    return source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))


def outdated(root: Path = ROOT) -> list[Path]:
    """The sources that are newer than what was compiled of them."""
    return [s for s in sources(root) if library_of(s).exists() and _is_stale(s)]


def _is_stale(source: Path) -> bool:
    """Whether there is no library beside the source for this Python, or an older one."""
    library = library_of(source)
    if not library.exists():
        return True
    made = library.stat().st_mtime
    parts = (source, source.with_suffix(".pxd"))
    return any(part.exists() and part.stat().st_mtime > made for part in parts)


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
            extra_compile_args=list(OPTIONS[source.suffix]),
        )
        for source in found
    ]
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # setuptools must not read the project's own file
        try:
            setup(
                name="compiled",
                ext_modules=cythonize(
                    extensions, build_dir=folder, quiet=True, compiler_directives=DIRECTIVES
                ),
                script_args=[
                    "--quiet",
                    "build_ext",
                    "--build-lib",
                    str(root),
                    "--parallel",
                    str(os.cpu_count() or 1),
                ],
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
        build_data["artifacts"] += [f"/{name}/**/*.so" for name in PACKAGES]
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


if __name__ == "__main__":
    missing = compile_in_place()
    if missing is not None:
        print(f"nothing is compiled: {missing}. The Python modules are used.", file=sys.stderr)
        sys.exit(1)
