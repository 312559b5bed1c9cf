"""What the accounts of one signals partition tell those of others, and hear from them.

A message is a signal to another account; the shell puts it into a block for that
account's partition, whose source is ``rollup/PARTITION``. Its offset there rises with
(offset of the record that made it, index): the same log makes the same ones, so the
header's vector of source positions drops what comes again after a crash. After one in the
middle of a checkpoint some accounts are ahead of the header and say nothing again: then
the index of the others is lower than it was, and all that was said is durable already.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from schemas.dead_letters import DeadLetter
from schemas.signals import ROLLUP, Block, Kind
from scoring.book import Book
from scoring.due import DueQueue
from scoring.facts import rfc3339
from scoring.moment import earliest
from scoring.outputs import Output
from scoring.rollups import Message, Refusal, answered, probed, rolled_up
from scoring.row import Customer
from scoring.state import AT, KIND

__all__ = ["INDEX_BITS", "Upward"]

#: A record of the log makes fewer messages than this power of two.
INDEX_BITS = 28
_encoder = msgspec.msgpack.Encoder()


class Upward:
    """The way to parents and back, for the fold of one partition."""

    def __init__(self, partition: int, book: Book, queue: DueQueue) -> None:
        self._partition = partition
        self._book = book
        self._queue = queue
        #: The offset in ``rollup/PARTITION`` that the next message has at least.
        self._next = 0

    def hear(self, offset: int, append_ms: int, block: Block) -> list[Output]:
        """Apply a block of messages; those that follow from it."""
        source_tp = f"{block.topic}/{block.partition}"
        sources = self._book.header.sources
        applied_to = sources.get(source_tp, -1)
        touched: dict[str, Customer] = {}
        outputs: list[Output] = []
        for signal in block.signals:
            if signal[0] <= applied_to:
                continue
            applied_to = signal[0]
            who = signal[2]
            customer = self._book.find(who)
            if customer is not None:
                self._book.live[who] = customer
            if customer is not None and customer.position >= offset:
                continue  # the row is ahead of the header: already applied before a crash
            if signal[KIND] == Kind.ROLLUP:
                customer = customer or self._book.open(who, append_ms)
                rolled_up(customer, signal)
                self._queue.ready.add(who)
                touched[who] = customer
                continue
            edge = None if customer is None or customer.kin is None else customer.kin.edge
            known = None if edge is None else edge.state
            heard = {Kind.PROBE: probed, Kind.ANSWER: answered}.get(signal[KIND])
            if heard is None:
                continue  # a newer release wrote it
            outputs += self.tell(offset, append_ms, heard(who, edge, signal))
            if edge is not None and customer is not None and edge.state is not known:
                self._is_due(who, customer, signal[AT])
                touched[who] = customer
        sources[source_tp] = applied_to
        for customer in touched.values():
            customer.position = offset
        self._book.changed.update(touched)
        return outputs

    def _is_due(self, who: str, customer: Customer, at_ms: int) -> None:
        """The account has something to tell, or to take back, at the next evaluation."""
        at_ms = max(at_ms, self._book.header.tick_ms)
        customer.due_ms = earliest(customer.due_ms, at_ms)
        self._queue.push(at_ms, who)

    def tell(self, offset: int, now_ms: int, messages: Iterable[Message]) -> list[Output]:
        """Messages that the record at ``offset`` made, as outputs, numbered."""
        outputs = []
        for message in messages:
            number = self._next = max(self._next, offset << INDEX_BITS)
            self._next += 1
            if isinstance(message, Refusal):
                outputs.append(_dead_letter(message, self._partition, number, now_ms))
            else:
                message[0] = number
                outputs.append(Output("signals", message[2], _encoder.encode(message)))
        return outputs


def _dead_letter(refusal: Refusal, partition: int, number: int, now_ms: int) -> Output:
    """What was refused, and an event that says it anew: to be sent again once it is mended."""
    child, edge = refusal.child, refusal.edge
    raw = msgspec.json.encode(
        {
            "type": "account.changed",
            "event_id": f"{edge.event_id[:190]}/again",
            "source": "vitals",
            "customer_id": child,
            "occurred_at": rfc3339(edge.at_ms),
            "parent": edge.parent,
        }
    )
    letter = DeadLetter(
        topic=ROLLUP,
        partition=partition,
        offset=number,
        reason=refusal.reason,
        detail=f"{child}: parent {edge.parent} is refused: {refusal.detail}",
        rejected_at=datetime.fromtimestamp(now_ms / 1000, UTC),
        raw_base64=base64.b64encode(raw).decode(),
        raw_bytes=len(raw),
    )
    return Output("dead_letters", letter.key, letter.model_dump_json().encode())
