"""This machine: Python, and the libraries that the engine is built on."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from streams.doctor.finding import Finding, fail, ok, warn

__all__ = ["examine_machine"]

_DISTRIBUTION = "customer-vitals"
_PYTHONS = ((3, 11), (3, 14))
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^;\s]+)")


def examine_machine() -> Iterator[Finding]:
    """Python's version, and whether the pinned libraries are the pinned ones."""
    yield _python(sys.version_info[:2], sys.version.split()[0])
    yield _pins()


def _python(running: tuple[int, int], text: str) -> Finding:
    oldest, newest = _PYTHONS
    if oldest <= running <= newest:
        return ok("Python", text)
    return fail("Python", text, f"Use Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}.")


def _pins() -> Finding:
    """The transport builds on the internals of exactly these releases."""
    try:
        wanted = [
            pin.groups() for line in requires(_DISTRIBUTION) or [] if (pin := _PIN.match(line))
        ]
    except PackageNotFoundError:
        return warn(
            "libraries", "running from a folder, not installed",
            "Install it (`pip install .`), so that the pinned libraries are the ones in use.",
        )  # fmt: skip
    found = {name: _version(name) for name, _ in wanted}
    wrong = [f"{name} {found[name]}, expected {pin}" for name, pin in wanted if found[name] != pin]
    if wrong:
        return fail(
            "libraries", "; ".join(wrong),
            "Install it anew (`pip install .`): the engine builds on exactly these releases.",
        )  # fmt: skip
    return ok("libraries", ", ".join(f"{name} {release}" for name, release in found.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
