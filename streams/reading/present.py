"""All customers as they are now, one after the other, read from their rows in Kafka.

What a figure of the whole portfolio is made of. Workers go on meanwhile.
"""

from collections.abc import AsyncIterator

from scoring.card import Card
from scoring.moment import Moment
from scoring.partition import FoldPolicy
from scoring.progress import present_ms
from scoring.row import Customer
from scoring.versions import RowError
from streams.exits import Exit, NamedExit
from streams.reading.customer_rows import CustomerRows
from streams.reading.terminal import Count, OnRead
from streams.reading.topic import open_topic
from streams.settings import Settings

__all__ = ["present"]


async def present(
    settings: Settings, card: Card, policy: FoldPolicy, *, now_ms: int, on_read: OnRead
) -> AsyncIterator[tuple[Customer, Moment]]:
    """Each customer, and the instant as of which it is to be looked at: its partition's present.

    Raises:
        NamedExit: exit code 1 if a worker still scores by another card than ``card``, 73 if
            a row cannot be read; see also :class:`CustomerRows`.
    """
    clock_ms = now_ms if settings.clock == "wall" else None
    topic = settings.topics.name("customers")
    async with open_topic(settings, topic) as changelog:
        rows = CustomerRows(changelog)
        spans = await rows.spans()
        count = Count(on_read)
        count.total = sum(span.end - span.first for span in spans.values())
        for partition, span in spans.items():
            await rows.read(partition, span, count.add)
            fold = rows.fold(partition, policy)
            customers = fold.customers()
            if customers and (fold.card is None or fold.card.hash != card.hash):
                raise NamedExit(
                    Exit.FAILED,
                    f"partition {partition} is not scored by {card.name} {card.version} yet:"
                    " its worker has not taken the activation over, or does not run."
                    " Try again in a moment",
                )
            at_ms = present_ms(fold.header, clock_ms)
            for customer_id in customers:
                try:
                    customer = fold.customer(customer_id)
                except RowError as error:
                    raise NamedExit(
                        Exit.CHANGELOG_DAMAGED, f"{topic}, partition {partition}: {error}"
                    ) from None
                if customer is not None:
                    yield customer, fold.moment(customer, at_ms)
            rows.forget(partition)
