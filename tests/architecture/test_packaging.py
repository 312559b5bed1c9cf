"""What gets installed: three importable roots, and everything they need at run time."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROOTS = {"schemas", "scoring", "streams"}
DISTRIBUTION = "customer-vitals"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this work tree, built by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def _installed(wheel: zipfile.ZipFile) -> set[str]:
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def _metadata(wheel: zipfile.ZipFile, name: str) -> str:
    path = next(path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_the_wheel_has_three_roots_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """A fourth root would be a generic name in everybody's site-packages."""
    assert {name.split("/")[0] for name in _installed(wheel)} == ROOTS


def test_the_wheel_has_every_file_of_the_roots(wheel: zipfile.ZipFile) -> None:
    """Templates, scripts and ``py.typed`` are missed only after an installation."""
    here = {
        path.relative_to(PROJECT).as_posix()
        for root in ROOTS
        for path in (PROJECT / root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= _installed(wheel)
    assert {f"{root}/py.typed" for root in ROOTS} <= here


def test_the_wheel_has_the_shipped_scorecards_and_mappings(wheel: zipfile.ZipFile) -> None:
    """An installation without the checkout must still find its default scorecard."""
    for kind in ("scorecards", "mappings"):
        shipped = sorted((PROJECT / "deploy" / kind).glob("*.yaml"))
        assert shipped
        for path in shipped:
            assert wheel.read(f"streams/shipped/{kind}/{path.name}") == path.read_bytes()


def test_the_wheel_has_one_command_and_its_licence(wheel: zipfile.ZipFile) -> None:
    """``vitals`` is the only command; the licence travels along."""
    metadata = Parser().parsestr(_metadata(wheel, "METADATA"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert _metadata(wheel, "licenses/LICENSE").lstrip().startswith("Apache License")
    scripts = _metadata(wheel, "entry_points.txt").split()
    assert scripts == ["[console_scripts]", "vitals", "=", "streams.__main__:main"]


def test_each_root_has_one_owner() -> None:
    """Pip lets another distribution overwrite ``schemas`` without a word; this notices."""
    assert version(DISTRIBUTION)
    # An editable installation of ours does not list its packages: ours may be absent here.
    owners = packages_distributions()
    assert {root: set(owners.get(root, ())) - {DISTRIBUTION} for root in ROOTS} == {
        root: set() for root in ROOTS
    }
