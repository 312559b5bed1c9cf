"""The fold over one partition of the signals log.

``PartitionFold.apply(offset, append_ms, record)`` is the whole of live scoring,
crash recovery and replay: same records, same rows, same outputs. It holds the
packed rows, unpacks a customer when it is touched, and evaluates at ticks only.

Who is evaluated at a tick depends on the log alone: a customer in the tick's
range whose row lies before it, and who was touched since its last evaluation,
or is due, or was last evaluated with another scorecard or other percentiles.
"""

from collections.abc import Collection, MutableMapping

from schemas.signals import ROLLUP, Block, ControlCopy, LogRecord, Progress, Signal, Tick
from scoring.block import Into, apply_signals
from scoring.book import Book
from scoring.card import Card
from scoring.cards_in_use import CardsInUse
from scoring.due import DueQueue
from scoring.emission import evaluate_and_emit
from scoring.header import Header
from scoring.held import release
from scoring.moment import Moment
from scoring.outputs import Output
from scoring.policy import Counts, FoldPolicy, Gap, TickMode
from scoring.progress import note_progress, read_to_ms
from scoring.recent import Feeding
from scoring.room import make_room
from scoring.row import DIRTY, NO_CARD, Customer, bands_in
from scoring.state import DAY_MS, forget
from scoring.switching import Switching
from scoring.upward import Upward

__all__ = ["Counts", "FoldPolicy", "Gap", "PartitionFold", "TickMode"]

LATE_MS = 24 * 3_600_000
#: Forgetting is for memory's sake, so it need not be done each day.
PRUNE_DAYS = 7
#: Where more wait for a tick, nobody is looked at ahead of time: a flood comes first.
AHEAD_MAX = 200
#: Of so many who are told at one tick it is said what comes: it takes dozens of evaluations each,
#: and the others wait.
FORECASTS_MAX = 8


class PartitionFold:
    """The state of one signals partition, and what changes it."""

    def __init__(
        self, partition: int, rows: MutableMapping[bytes, bytes], policy: FoldPolicy
    ) -> None:
        self.partition = partition
        self.policy = policy
        self.counts = Counts()
        #: Customers by the band last emitted.
        self.bands: dict[str, int]
        self._book = Book(rows, policy.cache_customers)
        self._queue = DueQueue()
        self._cards = CardsInUse(self._book, policy.load_card)
        self._switching = Switching(self._book.header, self._cards, partition)
        self._upward = Upward(partition, self._book, self._queue)
        #: Of so many more it is said what comes, at the tick that is being applied.
        self._forecasts_left = 0
        self._rebuild()

    @property
    def card(self) -> Card | None:
        """The active scorecard."""
        return self._cards.card

    def _rebuild(self) -> None:
        """From the rows' prefixes what is not stored: the dirty set, the due-queue, the counts."""
        settled = (self._cards.mark, NO_CARD)
        due, flagged = [], dict[int, int]()
        for key, due_ms, flags, card in self._book.standings():
            if flags & DIRTY or card not in settled:
                self._queue.ready.add(key.decode())
            if due_ms >= 0:
                due.append((due_ms, key))
            flagged[flags] = flagged.get(flags, 0) + 1
        self._queue.fill(due)
        self.bands = bands_in(flagged)

    @property
    def _feeds(self) -> Feeding:
        """Which events feed what the active scorecard looks at."""
        return {} if self.card is None else self.card.feeding

    @property
    def header(self) -> Header:
        """What belongs to the partition rather than to one customer."""
        return self._book.header

    @property
    def rows(self) -> MutableMapping[bytes, bytes]:
        """The packed rows, as of the last checkpoint."""
        return self._book.rows

    def check_seal(self) -> None:
        """Pass if the restored rows are whole: those that their header was written with.

        Raises:
            Unsealed: saying what differs.
        """
        self._book.check_seal()

    def customers(self) -> set[str]:
        """The ids of all customers of the partition."""
        return self._book.ids()

    def customer(self, customer_id: str) -> Customer | None:
        """One customer, as of the last applied record."""
        customer = self._book.find(customer_id)
        if customer is not None:
            customer.settle(self._feeds)
        return customer

    def due_count(self) -> int:
        """How many entries wait in the due-queue (a customer may have outdated ones)."""
        return len(self._queue)

    def changed_count(self) -> int:
        """How many customers' rows the next checkpoint writes."""
        return len(self._book.changed)

    def checkpoint(self) -> list[tuple[bytes, bytes | None]]:
        """The rows that changed since the last checkpoint, header last; None deletes a row.

        The caller appends them to the changelog, in this order, and acknowledges
        nothing before all of them are durable.
        """
        self._settle()
        return self._book.checkpoint()

    def apply(self, offset: int, append_ms: int, record: LogRecord) -> list[Output]:
        """Apply one record of the log; the outputs that it causes, in order.

        Raises:
            Gap: if records are missing before this one.
        """
        expected = self.header.position
        if offset < expected:
            self.counts.replayed += 1
            return []
        if offset > expected:
            if not self.policy.accept_gap:
                raise Gap(
                    f"signals partition {self.partition}: next is offset {expected},"
                    f" the log goes on at {offset}"
                )
            self.counts.gap_records += offset - expected
        self.header.position = offset + 1
        if type(record) is Block:
            if record.is_for_others(self.header.partitions):
                self.counts.misrouted += 1
            elif record.topic == ROLLUP:
                return self._upward.hear(offset, append_ms, record)
            else:
                self._block(offset, append_ms, record)
        elif type(record) is Tick:
            return self._tick(offset, append_ms, record)
        elif type(record) is Progress:
            note_progress(self.header, record)
        elif type(record) is ControlCopy:
            return self._control(offset, append_ms, record)
        return []

    def _settle(self) -> None:
        for customer in self._book.changed.values():
            customer.settle(self._feeds)

    # -- events ------------------------------------------------------------------------------

    def _block(self, offset: int, append_ms: int, block: Block) -> None:
        source_tp = f"{block.topic}/{block.partition}"
        applied_to = self.header.sources.get(source_tp, -1)
        wall = self.policy.mode is TickMode.WALL
        frontier_ms = append_ms if wall else self.header.tick_ms
        into = Into(
            self._book, self._queue.ready, self._cards.plan, self._feeds, self.card is not None,
            self._holds, offset, append_ms, applied_to, frontier_ms, frontier_ms - LATE_MS,
        )  # fmt: skip
        applied, counts = apply_signals(block, into), self.counts
        counts.signals += applied.signals
        counts.duplicates += applied.repeats
        counts.unchecked += applied.unchecked
        counts.held += applied.held
        if block.signals:
            self.header.sources[source_tp] = max(applied_to, block.signals[-1][0])

    def _holds(self, customer_id: str, customer: Customer, signal: Signal) -> bool:
        """Keep a signal whose time has not come; it makes the customer due at its event time.

        In a row there is room for some only; beyond them a signal is applied before its time.
        """
        if self.policy.mode is TickMode.WALL and not customer.has_room_for(signal):
            customer.state.turned_away("held")
            return False
        customer.state.held.append(signal)
        if customer.due_ms is None or signal[1] < customer.due_ms:
            customer.due_ms = signal[1]
            self._queue.push(signal[1], customer_id)
        return True

    # -- time --------------------------------------------------------------------------------

    def _tick(self, offset: int, append_ms: int, tick: Tick) -> list[Output]:
        card = self.card
        if card is None:
            return []
        wall = self.policy.mode is TickMode.WALL
        stamped_ms = min(tick.now_ms, append_ms) if wall else tick.now_ms
        now_ms = max(stamped_ms, self.header.tick_ms)
        self._queue.advance(now_ms)
        self._forecasts_left = FORECASTS_MAX if tick.looks_ahead else 0
        outputs: list[Output] = []
        for customer_id in self._queue.take(tick):
            customer = self._book.live.get(customer_id) or self._book.open(customer_id, append_ms)
            queued_ms = customer.due_ms
            if customer.position < offset and _is_wanted(customer, self._cards.mark, now_ms):
                outputs += self._evaluate(customer_id, customer, card, now_ms, offset)
                customer.position = offset
                self._book.changed[customer_id] = customer
                if queued_ms is not None and queued_ms > now_ms and queued_ms == customer.due_ms:
                    continue  # its entry waits in the queue, and it is not touched any more
            self._requeue(customer_id, customer)
        if tick.through is None:
            self.header.tick_ms = now_ms
            self._book.duplicates.advance(now_ms)
            self._book.drop_segments()
        return outputs + self._switching.ticked(tick, offset, now_ms)

    def _evaluate(
        self, customer_id: str, customer: Customer, card: Card, now_ms: int, offset: int
    ) -> list[Output]:
        """Evaluate at ``now_ms``; in event mode at every fixed instant up to it that matters."""
        outputs: list[Output] = []
        if self.policy.mode is TickMode.EVENT:
            step = self.policy.step_ms
            while (due_ms := customer.due_ms) is not None:
                instant = -(-max(due_ms, 0) // step) * step
                if instant >= now_ms:
                    break
                outputs += self._evaluate_once(customer_id, customer, card, instant, offset)
            if not _is_wanted(customer, self._cards.mark, now_ms):
                return outputs
        return outputs + self._evaluate_once(customer_id, customer, card, now_ms, offset)

    def _evaluate_once(
        self, customer_id: str, customer: Customer, card: Card, now_ms: int, offset: int
    ) -> list[Output]:
        release(customer, now_ms, self._cards.plan, self._feeds)
        self.counts.evaluations += 1
        before = customer.emitted
        other_card = self._switching.before(customer, self._cards.mark)
        moment = self.moment(customer, now_ms)
        state = customer.state
        if now_ms // DAY_MS >= state.pruned_day + PRUNE_DAYS:
            state.pruned_day = now_ms // DAY_MS
            self._cards.plan.prune(state, now_ms)
            forget(state, now_ms)
        make_room(state)
        outputs, messages = evaluate_and_emit(
            customer_id,
            customer,
            card,
            self._cards.mark,
            moment,
            source=self.policy.source,
            looks_ahead=self._forecasts_left > 0,
        )
        if outputs and self._forecasts_left:
            self._forecasts_left -= 1
        if other_card is not None:
            self._switching.moved(other_card, customer_id, customer, card, moment)
        if outputs and customer.emitted is not None:
            self._count_band(None if before is None else before.band, customer.emitted.band)
        held = customer.state.held
        if held:
            first_ms = min(signal[1] for signal in held)
            if customer.due_ms is None or first_ms < customer.due_ms:
                customer.due_ms = first_ms
        for output in outputs:
            if output.topic == "scores":
                self.counts.score_changes += 1
            else:
                self.counts.transitions += 1
        return outputs + self._upward.tell(offset, now_ms, messages) if messages else outputs

    def moment(self, customer: Customer, now_ms: int) -> Moment:
        """An instant in the life of a customer of this partition."""
        return self._cards.moment(customer.epoch, now_ms)

    def _count_band(self, before: str | None, after: str) -> None:
        if before is not None and self.bands.get(before, 0) > 0:
            self.bands[before] -= 1
        self.bands[after] = self.bands.get(after, 0) + 1

    def _requeue(self, customer_id: str, customer: Customer) -> None:
        if customer.dirty:
            self._queue.ready.add(customer_id)
        if customer.due_ms is not None:
            self._queue.push(customer.due_ms, customer_id)

    # -- global decisions --------------------------------------------------------------------

    def _control(self, offset: int, append_ms: int, copy: ControlCopy) -> list[Output]:
        self._settle()  # by the card of its time
        at_ms = self._time_of(append_ms)
        outputs, news = self._switching.decide(copy, offset, append_ms, at_ms)
        if news and self.card is not None:
            self._queue.ready.update(self.customers())
        return outputs

    def _time_of(self, append_ms: int) -> int:
        """The partition's time at a record: the broker's clock, or that of the events."""
        return append_ms if self.policy.mode is TickMode.WALL else self.header.tick_ms

    # -- ticks to append ---------------------------------------------------------------------

    def read_to_ms(self, sources: Collection[str]) -> int | None:
        """How far all of ``sources`` (as ``topic/partition``) have been read; see there."""
        return read_to_ms(self.header, sources)

    @property
    def is_mid_round(self) -> bool:
        """Whether the last ticks were only a part of their round: :meth:`ticks` goes on."""
        return self._queue.is_mid_round

    def may_be_due(self, clock_ms: int) -> bool:
        """Whether :meth:`ticks` might find anything to do; most of the time nothing is."""
        queue = self._queue
        if self.policy.mode is not TickMode.WALL or queue.is_anybody_ready or queue.is_mid_round:
            return True
        first_ms, last_ms = queue.first_ms, max(clock_ms, self.header.tick_ms)
        return self.header.activation is not None or (first_ms is not None and first_ms <= last_ms)

    def ticks(
        self,
        clock_ms: int,
        customers_max: int,
        sources: Collection[str] = (),
        ticks_max: int | None = None,
        *,
        may_look_ahead: bool = True,
    ) -> list[Tick]:
        """The ticks to append now: none if nothing is to be done, several if too many wait.

        A tick never runs ahead of the input: its time is the smaller of the
        clock and of how far the sources have been read. Before each of
        ``sources`` (``topic/partition``) has been heard of, and while of one nothing
        is known (its progress is 0), there are none: nobody is judged as of 1970.
        """
        reached_ms = self.read_to_ms(sources)
        if self.card is None or not reached_ms:
            return []
        if self.policy.mode is TickMode.EVENT:
            now_ms = self._event_time(reached_ms)
        else:
            now_ms = min(clock_ms, reached_ms)
        now_ms = max(now_ms, self.header.tick_ms)
        is_wall = self.policy.mode is TickMode.WALL
        ahead_max = AHEAD_MAX if is_wall and may_look_ahead else 0
        found = self._queue.ticks(now_ms, customers_max, ahead_max, ticks_max)
        # An activation ends with a tick, be there nobody left to move.
        return found or ([] if self.header.activation is None else [Tick(now_ms)])

    def _event_time(self, read_to_ms: int) -> int:
        """The last fixed instant that lies behind the sources' watermark.

        With a hierarchy the first at which something is to be done: parents follow their
        children from instant to instant.
        """
        as_of_ms, step_ms = self.policy.as_of_ms, self.policy.step_ms
        last_ms = read_to_ms // step_ms * step_ms
        if as_of_ms is not None and read_to_ms >= as_of_ms:
            last_ms = as_of_ms
        if self.card is None or self.card.hierarchy is None:
            return last_ms
        if self._queue.is_anybody_ready and self.header.tick_ms:
            return self.header.tick_ms
        first_ms = self._queue.first_ms
        return (
            last_ms if first_ms is None else min(last_ms, -(-max(first_ms, 0) // step_ms) * step_ms)
        )


def _is_wanted(customer: Customer, mark: bytes, now_ms: int) -> bool:
    """Touched, due, or last evaluated with another card, percentiles or stalled sources."""
    due = customer.due_ms is not None and customer.due_ms <= now_ms
    return customer.dirty or due or customer.card not in (mark, NO_CARD)
