"""Imports as if built without a C compiler; and what was compiled of older sources."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

__all__ = ["import_python_only", "outdated"]

ROOT = Path(__file__).parents[1]


def _compiled() -> ModuleType:
    """``deploy/compiled.py``, which is in no package."""
    spec = importlib.util.spec_from_file_location("compiled", ROOT / "deploy" / "compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMPILED = _compiled()


class _PythonOnly:
    """Finds our modules by their source alone, whatever is compiled beside it."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, _ = name.partition(".")
        if package not in COMPILED.PACKAGES or path is None:
            return None
        for folder in path:
            found = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
            if found is not None and found.loader is not None:
                return found
        raise ModuleNotFoundError(f"no module named {name!r} in Python", name=name)


def import_python_only() -> None:
    """From here on nothing compiled of ours is imported."""
    sys.meta_path.insert(0, _PythonOnly)


def outdated() -> list[str]:
    """Our sources that are newer than what was compiled of them, and would not be tested."""
    return [str(source.relative_to(ROOT)) for source in COMPILED.outdated()]
