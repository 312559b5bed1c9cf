"""The compiled forms of some functions of the core, where the distribution was built with them.

``fold_c`` is None where it was not: then the Python functions beside them are used, which do the
same. See ``deploy/compiled.py``.
"""

from contextlib import suppress
from typing import Any

__all__ = ["fold_c"]

fold_c: Any = None
with suppress(ImportError):
    from scoring import fold_c  # type: ignore[attr-defined, no-redef]
