"""The release after this one, as far as its state goes: it also knows one more version.

It runs the command line with it, and calls itself 9.9.9::

    python tests/next_release.py worker --bootstrap ...
"""

import importlib.metadata
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a script
    sys.path.insert(0, str(ROOT))

from scoring import row_body  # noqa: E402
from scoring.versions import Codec  # noqa: E402

__all__ = ["NEXT", "RELEASE", "codec"]

NEXT, RELEASE = row_body.STATE_VERSION + 1, "9.9.9"


def codec() -> Codec:
    """Rows of the next version: the same, compressed."""
    known = row_body.CODECS[row_body.STATE_VERSION]
    encode, decode = known.encode, known.decode
    return known._replace(encode=lambda body: zlib.compress(encode(body)), decode=_inflated(decode))


def _inflated(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(packed: Any) -> Any:
        try:
            return decode(zlib.decompress(packed))
        except zlib.error as error:
            raise msgspec.DecodeError(str(error)) from None

    return read


def main() -> None:
    """The command line of the next release. It is imported last: it takes the version from here."""
    known = importlib.metadata.version
    importlib.metadata.version = lambda name: RELEASE if name == "customer-vitals" else known(name)
    row_body.CODECS[NEXT] = codec()
    row_body.STATE_VERSION = NEXT
    from streams.__main__ import main as vitals

    vitals()


if __name__ == "__main__":
    main()
