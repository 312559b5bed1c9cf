"""``vitals`` commands as child processes: run to their end, or started as servers."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from servers.process import ServerProcess, free_port

__all__ = ["WorkerServer", "vitals"]


def vitals(*arguments: str, timeout_s: float = 120, **options) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output is text."""
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        **options,
    )


class WorkerServer(ServerProcess):
    """A real ``vitals worker``; ready when its ``/readyz`` says so."""

    def __init__(self, directory: Path, *options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        super().__init__(
            "worker",
            [
                sys.executable, "-m", "streams", "worker",
                "--metrics-port", str(self.port), "--data-dir", str(directory / "data"), *options,
            ],
            directory,
        )  # fmt: skip

    def launch(self) -> "WorkerServer":
        """Start, and wait until it is ready."""
        self.start(lambda: self.get("/readyz") is not None)
        return self

    def get(self, path: str) -> str | None:
        """The body of an answer of 200, None of any other or none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 while it is not told."""
        return self.metrics(name)[0]

    def metrics(self, *names: str) -> list[float]:
        """Several of them, as of one moment."""
        lines = (self.get("/metrics") or "").splitlines()
        return [
            sum(
                float(line.rsplit(" ", 1)[1])
                for line in lines
                if line.startswith((f"{name} ", f"{name}{{"))
            )
            for name in names
        ]
