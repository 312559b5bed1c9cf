"""Java libraries from Maven, fetched once into a cache outside the work tree."""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from servers.process import MissingPart, require_program

__all__ = ["fetched_jars"]

FETCH_S_MAX = 900


def fetched_jars(name: str, artifacts: Sequence[str], how: str) -> Path:
    """The folder with the jars of these artifacts (``group:artifact:version``) and what they need.

    Two runs at once do not collide: one fetches, the other waits; a fetch that breaks off leaves
    nothing in the cache. Raises :class:`MissingPart` with ``how`` when it cannot be done.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "customer-vitals"
    jars = root / name
    if jars.is_dir():
        return jars
    maven = require_program("mvn", "Maven (it fetches Java libraries)", how)
    require_program("java", "Java", how)
    root.mkdir(parents=True, exist_ok=True)
    with (root / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            with tempfile.TemporaryDirectory(prefix="fetch-", dir=root) as folder:
                _fetch(maven, Path(folder), name, artifacts)
                (Path(folder) / "jars").rename(jars)
    return jars


def _fetch(maven: str, folder: Path, name: str, artifacts: Sequence[str]) -> None:
    pom = folder / "pom.xml"
    pom.write_text(_pom(artifacts))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    command = [maven, "-q", "-B", "-f", str(pom), *goal, f"-DoutputDirectory={folder / 'jars'}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise MissingPart(name, f"Maven did not fetch it within {FETCH_S_MAX} s.") from None
    _, artifact, version = artifacts[0].split(":")
    if done.returncode != 0 or not (folder / "jars" / f"{artifact}-{version}.jar").is_file():
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise MissingPart(name, f"Maven could not fetch it (is the network there?):\n{tail}")


def _pom(artifacts: Sequence[str]) -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>\n"
        for group, artifact, version in (name.split(":") for name in artifacts)
    )
    return f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>vitals.tests</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}  </dependencies>
</project>
"""
