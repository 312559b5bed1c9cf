"""``vitals worker --processes N``: so many workers in the same groups, run as one."""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from streams.exits import STOP_S_MAX, Exit
from streams.health import HealthServer
from streams.preflight import check_worker
from streams.settings import Settings, inherited_environment
from streams.supervisor.cores import cores
from streams.supervisor.gathered import GatheredHealth
from streams.supervisor.lines import Marked
from streams.supervisor.processes import Program, Supervisor

__all__ = ["programs", "run_workers"]

log = logging.getLogger(__name__)

#: A worker ends itself by name when an orderly stop takes too long: it gets the time to say so.
STOP_S = STOP_S_MAX + 5


def run_workers(settings: Settings, given: Mapping[str, str]) -> Exit:
    """Check what must hold, then run so many workers until told to stop or until one ends.

    ``given`` are the settings of the command line; the rest every worker finds for itself.

    Raises:
        NamedExit: what a worker would end with before it begins.
    """
    count = settings.processes or cores()
    partitions = check_worker(settings)
    if count > partitions:
        log.warning(
            "%d processes share %d partitions of the signals log: some have nothing to score."
            " `vitals repartition` gives it more",
            count,
            partitions,
        )
    with tempfile.TemporaryDirectory(prefix="vitals-") as folder:
        sockets = {f"worker-{number}": Path(folder) / f"{number}" for number in range(count)}
        return asyncio.run(_run(settings, given, sockets))


def programs(
    settings: Settings, given: Mapping[str, str], sockets: Mapping[str, Path]
) -> list[Program]:
    """The workers' commands: each with a working directory of its own below the common one.

    Its name is that of its place, so a worker finds after a restart what it left there.
    """
    return [
        Program(
            name,
            [sys.executable, "-m", "streams", "worker"],
            inherited_environment(
                **{
                    **given,
                    "processes": "1",
                    "data_dir": str(settings.data_dir / name),
                    # No port: all of them cannot have the one.
                    "metrics_port": "",
                    "metrics_socket": "" if settings.metrics_port is None else str(socket),
                }
            ),
        )
        for name, socket in sockets.items()
    ]


async def _run(settings: Settings, given: Mapping[str, str], sockets: Mapping[str, Path]) -> Exit:
    marked = Marked(as_json=settings.log_format == "json")

    def relay(name: str, stream: str, line: bytes) -> None:
        out = sys.stdout if stream == "stdout" else sys.stderr
        out.buffer.write(marked.line(name, line) + b"\n")
        out.flush()

    supervisor = Supervisor(programs(settings, given, sockets), relay, stop_s=STOP_S)
    server = None
    if settings.metrics_port is not None:
        server = HealthServer(settings.metrics_port, GatheredHealth(sockets))
        await server.start()
    try:
        return await supervisor.run()
    finally:
        if server is not None:
            await server.stop()
