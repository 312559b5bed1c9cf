"""The health of several processes, asked for on their sockets and told as one.

Each process keeps its own series, with the label ``process``: no sum is made here that
would be wrong for a gauge, and one that lags is seen. Rules that sum or take a maximum, as
those of ``deploy/monitoring`` do, hold without a change, as they do for several workers.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

__all__ = ["GatheredHealth", "merged"]

#: A process that does not answer so long is taken for frozen.
ANSWER_S_MAX = 5.0


class GatheredHealth:
    """Of the processes with these names, each behind a Unix socket."""

    def __init__(self, sockets: Mapping[str, Path]) -> None:
        self._sockets = sockets

    async def why_not_alive(self) -> str | None:
        """The first that does not answer although it listened once.

        One that is still starting is alive: a liveness probe must not end it for that.
        """
        begun = [name for name, socket in self._sockets.items() if socket.exists()]
        answers = await asyncio.gather(*(self._ask(name, "healthz") for name in begun))
        for name, (status, body) in zip(begun, answers, strict=True):
            if status != 200:
                return f"{name}: {body}"
        return None

    async def why_not_ready(self) -> str | None:
        """The first that is not ready, with its reason."""
        names = list(self._sockets)
        answers = await asyncio.gather(*(self._ask(name, "readyz") for name in names))
        for name, (status, body) in zip(names, answers, strict=True):
            if status != 200:
                return f"{name}: {body}"
        return None

    async def metrics(self) -> bytes:
        """The series of all that answer."""
        names = list(self._sockets)
        answers = await asyncio.gather(*(self._ask(name, "metrics") for name in names))
        found = zip(names, answers, strict=True)
        return merged({name: body for name, (status, body) in found if status == 200})

    async def _ask(self, name: str, path: str) -> tuple[int, str]:
        """Status and body of an answer, for a refusal its reason; status 0 if there is none."""
        connector = aiohttp.UnixConnector(str(self._sockets[name]))
        timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.get(f"http://{name}/{path}") as answer,
            ):
                if answer.status == 503:
                    return answer.status, (await answer.json())["reason"]
                return answer.status, await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            starting = not self._sockets[name].exists()
            return 0, "it is starting" if starting else f"no answer ({type(error).__name__})"


def merged(texts: Mapping[str, str]) -> bytes:
    """The metrics of several processes, each series with its process as a label."""
    families: dict[str, Metric] = {}
    for name, text in texts.items():
        for family in text_string_to_metric_families(text):
            known = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            known.samples += [
                sample._replace(labels={**sample.labels, "process": name})
                for sample in family.samples
            ]
    registry = CollectorRegistry()
    registry.register(_Gathered(families.values()))
    return generate_latest(registry)


class _Gathered(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
