"""Which state version each partition is written in, and which releases run on it."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from scoring.row_body import STATE_VERSION
from streams.engine.app import client_id
from streams.exits import Exit, NamedExit
from streams.reading.customer_rows import CustomerRows
from streams.reading.groups import members_of
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import open_topic
from streams.settings import Settings
from streams.worker import fold_policy

__all__ = ["Upgrade", "upgrade_of", "workers_of"]


@dataclass(frozen=True)
class Upgrade:
    """How far an upgrade is."""

    #: Partition -> the state version in which its rows are written; 0: nothing was written yet.
    versions: dict[int, int]
    #: Release -> how many processes of it score.
    workers: dict[str, int]
    release: str
    #: The newest version that this release writes.
    newest: int = STATE_VERSION

    @property
    def behind(self) -> list[int]:
        """The partitions that are written in an older version."""
        return [p for p, version in sorted(self.versions.items()) if 0 < version < self.newest]

    @property
    def others(self) -> dict[str, int]:
        """Processes of other releases than this one."""
        return {one: count for one, count in self.workers.items() if one != self.release}

    def why_not(self) -> str | None:
        """Why the state must not be finalized now; None if it may be."""
        if not self.others:
            return None
        found = ", ".join(f"{n} of release {one}" for one, n in sorted(self.others.items()))
        return (
            f"workers of other releases run: {found}. They could not read the state any more."
            f" Upgrade them to {self.release} first"
        )


async def upgrade_of(settings: Settings, on_read: OnRead) -> Upgrade:
    """Read it off the changelog's headers and the score group's members.

    Raises:
        NamedExit: exit code 2 if no broker answers, 71 if a topic is missing, 73 if a row
            cannot be read, 74 if it is from a newer release.
    """
    group = settings.topics.group_score
    workers = await asyncio.to_thread(workers_of, settings)
    versions: dict[int, int] = {}
    try:
        async with open_topic(settings, settings.topics.name("customers")) as changelog:
            rows = CustomerRows(changelog)
            spans = await rows.spans()
            count = Count(on_read)
            count.total = sum(span.end - span.first for span in spans.values())
            for partition, span in spans.items():
                await rows.read(partition, span, count.add)
                header = rows.fold(partition, fold_policy(settings)).header
                versions[partition] = header.version if header.position else 0
                rows.forget(partition)
    except KafkaError as error:
        raise NamedExit(Exit.USAGE, f"Kafka at {settings.bootstrap}: {error}") from None
    return Upgrade(versions, workers, client_id(group).rpartition("@")[2])


def workers_of(settings: Settings) -> dict[str, int]:
    """How many processes of each release score, or did until a session timeout ago.

    Raises:
        NamedExit: exit code 2 if no broker answers.
    """
    members = members_of(settings, settings.topics.group_score)
    return dict(Counter(one.rpartition("@")[2] for one in members))
