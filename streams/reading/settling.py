"""Settling dead letters: sent again or dropped, and noted, in one transaction.

What is sent and the note that it was sent are there together or not at all, so a
process that is killed in between leaves nothing half done, and a second run sends
nothing twice. There is one writer at a time: who opens takes the transactional id
over, and Kafka refuses whoever had it before. So what is settled has to be read
after opening: what the writer before had committed is known then, and no more comes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.redrives import Redrive
from streams.clock import SystemClock, from_ms
from streams.engine.kafka import rdkafka_options, silent
from streams.exits import Exit, NamedExit
from streams.reading.dead_letters import Letter
from streams.settings import Settings

__all__ = ["Settler"]

ANSWER_S_MAX = 30.0
#: What a writer that died had begun is aborted by the next one; by the broker after so long.
TRANSACTION_MS_MAX = 30_000
_FENCED = (
    KafkaError._FENCED,  # noqa: SLF001
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
    KafkaError.INVALID_TXN_STATE,
)


class Settler:
    """The one writer of ``health.redrives.v1``."""

    def __init__(self, settings: Settings, author: str, reason: str) -> None:
        self._settings = settings
        self._author = author
        self._reason = reason
        self._ledger = settings.topics.name("redrives")
        self._redrive = settings.topics.source("redrive")
        self._producer = Producer(
            rdkafka_options(settings)
            | {
                "transactional.id": f"{self._ledger}-0",
                "transaction.timeout.ms": TRANSACTION_MS_MAX,
            },
            logger=silent(),
        )

    async def open(self) -> None:
        """Be the only writer from here on.

        Raises:
            NamedExit: exit code 2 if the broker does not let us.
        """
        await self._do(self._producer.init_transactions, ANSWER_S_MAX)

    async def redrive(self, chunk: Sequence[tuple[Letter, bytes]]) -> None:
        """Send the values again and note it: all of them, or none.

        Raises:
            NamedExit: exit code 1 if another run took over, 2 if the broker does not take them.
        """
        await self._do(self._transaction, chunk, "redriven")

    async def drop(self, chunk: Sequence[Letter]) -> None:
        """Note that nothing is to come of them; raises as :meth:`redrive` does."""
        await self._do(self._transaction, [(letter, b"") for letter in chunk], "dropped")

    def _transaction(self, chunk: Sequence[tuple[Letter, bytes]], outcome: Any) -> None:
        producer = self._producer
        producer.begin_transaction()
        sent_to: dict[str, str] = {}
        failed: list[KafkaError] = []
        if outcome == "redriven":
            for letter, raw in chunk:

                def delivered(
                    error: KafkaError | None, message: Any, key: str = letter.key
                ) -> None:
                    if error is not None:
                        failed.append(error)
                        return
                    sent_to[key] = f"{message.topic()}/{message.partition()}/{message.offset()}"

                producer.produce(self._redrive, raw, letter.key.encode(), on_delivery=delivered)
            self._flush(failed)
        at = from_ms(SystemClock().now_ms())
        for letter, _ in chunk:
            note = Redrive(
                outcome=outcome,
                at=at,
                author=self._author,
                reason=self._reason,
                digest=letter.digest,
                sent_to=sent_to.get(letter.key),
            )

            def noted(error: KafkaError | None, _: Any) -> None:
                if error is not None:
                    failed.append(error)

            value = note.model_dump_json().encode()
            producer.produce(
                self._ledger, value, letter.key.encode(), partition=0, on_delivery=noted
            )
        self._flush(failed)
        producer.commit_transaction(ANSWER_S_MAX)

    def _flush(self, failed: Sequence[KafkaError]) -> None:
        try:
            left = self._producer.flush(ANSWER_S_MAX)
        except SystemError as error:
            # The client raises what is fatal, and calls back all the same: Python says only that.
            if isinstance(error.__cause__, KafkaException):
                raise error.__cause__ from None
            raise
        if failed:
            raise KafkaException(failed[0])
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001

    async def _do(self, step: Callable[..., object], *arguments: object) -> None:
        """The client waits in C, so it does in a thread; its refusal as a sentence."""
        try:
            await asyncio.to_thread(step, *arguments)
        except KafkaException as error:
            raise self._refused(error.args[0]) from None

    def _refused(self, error: KafkaError) -> NamedExit:
        if error.code() in _FENCED:
            return NamedExit(
                Exit.FAILED,
                "another `vitals dead-letters` began meanwhile, and this one had to end."
                " What it had not reported as done it has not done;"
                " start again when the other is ready",
            )
        return NamedExit(
            Exit.USAGE,
            f"Kafka at {self._settings.bootstrap} did not take it into {self._ledger}"
            f" and {self._redrive}: {error.str()}."
            " Start again: what was written is known then, and not sent twice",
        )
