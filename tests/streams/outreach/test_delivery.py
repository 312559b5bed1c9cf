"""The courier, on a clock that moves when told to."""

import asyncio
import random
from itertools import pairwise

import pytest

from samples.transitions import NOON_MS, action
from schemas.actions import Outcome
from streams.clock import ManualClock, to_ms
from streams.metrics import Metrics
from streams.outreach.backoff import STANDARD
from streams.outreach.delivery import Courier
from streams.outreach.log import WAIT_MAX_MS, Standing
from streams.sinks.base import Pace, delivered, rejected, retryable

HOUR_MS = 3_600_000


class DictLog:
    """The log as a dictionary that outlives couriers, as the topic outlives processes."""

    def __init__(self):
        self.lines = {}
        self.partitions = {}
        self.broken = None
        self.lost = None

    def get(self, partition, action_id):
        return self.lines.get(action_id)

    def check(self):
        if self.lost:
            raise self.lost

    async def append(self, partition, lines):
        if self.broken:
            raise self.broken
        await asyncio.sleep(0)
        for line in lines:
            self.lines[line.action_id] = type(line).model_validate_json(line.model_dump_json())
            self.partitions[line.action_id] = partition

    def of(self, partition):
        return [line for id_, line in self.lines.items() if self.partitions[id_] == partition]


class ScriptedSink:
    """Answers by ``answer(action, attempt, now_ms)`` and remembers each send."""

    def __init__(self, answer=None, name="webhook", pace=None):
        self.name = name
        self.pace = pace or Pace(concurrency=4)
        self.answer = answer or (lambda *_: delivered())
        self.sent = []
        self.gate = None

    async def deliver(self, action, attempt, now_ms):
        self.sent.append((now_ms, action.id, attempt, action.model_dump_json()))
        if self.gate:
            await self.gate.wait()
        answer = self.answer(action, attempt, now_ms)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self):
        pass

    @property
    def ids(self):
        return [id_ for _, id_, _, _ in self.sent]


class Bench:
    """A courier with its log and clock; ``restart`` makes a new one on the same log."""

    def __init__(self, *sinks, log=None, clock=None, partitions=(0,)):
        self.sinks = sinks
        self.log = log or DictLog()
        self.clock = clock or ManualClock(NOON_MS)
        self.failures = []
        self.metrics = Metrics()
        self.courier = Courier(
            sinks, self.log, self.clock, self.metrics, self.failures.append, STANDARD
        )
        self.resumed = sum(self.courier.take_over(p, self.log.of(p)) for p in partitions)

    def restart(self, *sinks):
        return Bench(*(sinks or self.sinks), log=self.log, clock=self.clock)

    async def pump(self, until_ms=None):
        """Send all that falls due until ``until_ms``, moving the clock from one due time on."""
        while True:
            wake_ms = self.courier.start_due()
            await self.courier.settled()
            wake_ms = self.courier.start_due()
            if self.courier._sending:
                continue
            if wake_ms is None or wake_ms > (until_ms or self.clock.now_ms()):
                return
            self.clock.advance(max(0, wake_ms - self.clock.now_ms()))

    def outcome(self, action_id):
        return self.log.lines[action_id].outcome


async def test_a_message_is_sent_once_and_its_line_is_final():
    bench = Bench(sink := ScriptedSink())
    first = action()
    assert await bench.courier.accept(0, [first]) == [Standing.NEW]
    assert bench.outcome(first.id) is Outcome.INTENT
    await bench.pump()
    line = bench.log.lines[first.id]
    assert (line.outcome, line.attempts, line.action) == (Outcome.DELIVERED, 1, None)
    assert sink.ids == [first.id]


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (delivered(), Standing.ALREADY_DELIVERED),
        (rejected("HTTP 400"), Standing.ALREADY_REJECTED),
        (retryable("HTTP 503"), Standing.WAITING),
    ],
)
async def test_n1_an_action_seen_again_is_taken_by_what_the_log_says(answer, again):
    bench = Bench(sink := ScriptedSink(lambda *_: answer))
    await bench.courier.accept(0, [action()])
    await bench.pump()
    assert await bench.courier.accept(0, [action(), action()]) == [again, again]
    await bench.pump()
    assert len(sink.sent) == 1


async def test_n1_twice_in_one_chunk_is_once():
    bench = Bench(sink := ScriptedSink())
    standings = await bench.courier.accept(0, [action(), action()])
    assert standings == [Standing.NEW, Standing.WAITING]
    await bench.pump()
    assert len(sink.sent) == 1


async def test_d4_a_dead_receiver_gets_ten_attempts_with_one_body_then_the_message_expires():
    bench = Bench(sink := ScriptedSink(lambda *_: retryable("HTTP 503")))
    first = action()
    await bench.courier.accept(0, [first])
    await bench.pump(NOON_MS + 200 * HOUR_MS)
    assert [attempt for _, _, attempt, _ in sink.sent] == list(range(1, 11))
    assert len({body for _, _, _, body in sink.sent}) == 1
    assert bench.outcome(first.id) is Outcome.EXPIRED
    waited_h = (sink.sent[-1][0] - NOON_MS) / HOUR_MS
    assert 75.6 * 0.8 <= waited_h <= 75.6 * 1.2


@pytest.mark.parametrize("down_h", [6, 72])
async def test_d5_a_receiver_down_for_hours_loses_nothing_though_the_process_restarts(down_h):
    up_ms = NOON_MS + down_h * HOUR_MS
    sink = ScriptedSink(
        lambda _action, _attempt, now_ms: delivered() if now_ms >= up_ms else retryable("reset")
    )
    bench = Bench(sink)
    actions = [action(customer_id=f"c{n}") for n in range(200)]
    await bench.courier.accept(0, actions)
    for hour in range(1, down_h, 5):
        await bench.pump(NOON_MS + hour * HOUR_MS)
        bench = bench.restart()
        assert bench.resumed == len(actions)
    await bench.pump(NOON_MS + 150 * HOUR_MS)
    arrived = [id_ for at_ms, id_, _, _ in sink.sent if at_ms >= up_ms]
    assert sorted(arrived) == sorted(a.id for a in actions)
    assert all(bench.outcome(a.id) is Outcome.DELIVERED for a in actions)


async def test_n3_an_intent_without_outcome_is_sent_again_with_the_same_id_and_body():
    """The crash falls between the receiver's answer and our line: the log cannot be written."""
    bench = Bench(sink := ScriptedSink())
    await bench.courier.accept(0, [action()])
    bench.log.broken = OSError("gone")
    await bench.pump()
    assert [type(error) for error in bench.failures] == [OSError]
    bench.log.broken = None
    after = bench.restart()
    await after.pump()
    assert len(sink.sent) == 2
    assert len({body for _, _, _, body in sink.sent}) == 1
    assert after.outcome(action().id) is Outcome.DELIVERED
    last = after.restart()
    await last.pump()
    assert (last.resumed, len(sink.sent)) == (0, 2)


async def test_n4_who_may_have_lost_the_partition_sends_nothing_and_ends():
    bench = Bench(sink := ScriptedSink())
    await bench.courier.accept(0, [action()])
    bench.log.lost = RuntimeError("no heartbeat was confirmed")
    await bench.pump()
    assert (sink.sent, bench.failures) == ([], [bench.log.lost])


async def test_n11_a_dead_sink_a_slow_sink_and_a_broken_sink_delay_no_other():
    dead = ScriptedSink(lambda *_: retryable("refused"), name="slack", pace=Pace(1, 1000))
    slow = ScriptedSink(name="crm")
    broken = ScriptedSink(lambda *_: RuntimeError("defect"), name="console")
    fine = ScriptedSink(name="webhook")
    slow.gate = asyncio.Event()
    bench = Bench(dead, slow, broken, fine)
    for n in range(20):
        for sink in (dead, slow, broken, fine):
            await bench.courier.accept(0, [action(sink.name, f"c{n}")])
    bench.courier.start_due()
    while len(fine.sent) < 20:
        await asyncio.sleep(0)
        bench.courier.start_due()
    assert len(slow.sent) == slow.pace.concurrency
    assert bench.failures == []
    slow.gate.set()
    await bench.pump(NOON_MS + 25_000)
    assert len(slow.sent) == 20
    assert sorted(fine.ids) == sorted(set(fine.ids))
    assert bench.outcome(broken.ids[0]) is Outcome.INTENT


async def test_d7_nothing_leaves_sooner_than_the_receiver_asked():
    """1,000 messages to one channel that answers every 40th with 429 and 30 s."""
    answered = []

    def answer(_action, _attempt, now_ms):
        if len(answered) % 40 == 39:
            answered.append(now_ms)
            return retryable("HTTP 429", 30.0)
        answered.append(None)
        return delivered()

    bench = Bench(sink := ScriptedSink(answer, name="slack", pace=Pace(1, 1000)))
    actions = [action("slack", f"c{n}") for n in range(1000)]
    await bench.courier.accept(0, actions)
    await bench.pump(NOON_MS + 3 * HOUR_MS)
    assert all(bench.outcome(a.id) is Outcome.DELIVERED for a in actions)
    times = [at_ms for at_ms, _, _, _ in sink.sent]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    asked = [at is not None for at in answered[:-1]]
    assert sum(asked) >= 25
    assert min(gap for gap, wait in zip(gaps, asked, strict=True) if wait) >= 30_000
    assert min(gaps) >= 1000


async def test_messages_of_one_customer_arrive_in_order_whatever_fails():
    flaky = random.Random(7)
    sink = ScriptedSink(lambda *_: delivered() if flaky.random() < 0.5 else retryable("reset"))
    bench = Bench(sink)
    actions = [action(customer_id="acme", sequence=n) for n in range(1, 9)]
    await bench.courier.accept(0, actions)
    await bench.pump(NOON_MS + 200 * HOUR_MS)
    assert list(dict.fromkeys(sink.ids)) == [a.id for a in actions]
    assert len(sink.ids) > len(actions)
    assert sink.ids == sorted(sink.ids)  # nobody came back after its successor


async def test_messages_of_one_customer_arrive_in_order_after_a_restart():
    """The log keeps no order: the restored lines come as they lie in the table."""
    bench = Bench(ScriptedSink(lambda *_: retryable("reset")))
    actions = [action(customer_id="acme", sequence=n) for n in range(8, 12)]
    await bench.courier.accept(0, actions[::-1])
    after = bench.restart(sink := ScriptedSink())
    await after.pump(NOON_MS + HOUR_MS)
    assert sink.ids == [a.id for a in actions]


async def test_a_message_older_than_four_days_expires_unsent():
    bench = Bench(ScriptedSink(), partitions=())
    await bench.courier.accept(0, [action()])  # not owned here: only written
    bench.clock.advance(WAIT_MAX_MS + 1)
    late = bench.restart(sink := ScriptedSink())
    await late.pump()
    assert sink.sent == []
    assert late.outcome(action().id) is Outcome.EXPIRED


async def test_an_action_for_a_sink_that_is_not_configured_waits_for_it():
    bench = Bench(ScriptedSink(name="console"))
    await bench.courier.accept(0, [action("slack")])
    await bench.pump()
    assert bench.outcome(action("slack").id) is Outcome.INTENT
    after = bench.restart(slack := ScriptedSink(name="slack"))
    await after.pump()
    assert slack.ids == [action("slack").id]


async def test_a_released_partition_sends_nothing_more_and_its_next_owner_does():
    sink = ScriptedSink(pace=Pace(concurrency=1))
    sink.gate = asyncio.Event()
    bench = Bench(sink)
    await bench.courier.accept(0, [action(customer_id="a"), action(customer_id="b")])
    bench.courier.start_due()
    await asyncio.sleep(0)
    await bench.courier.release({0}, within_s=0.01)
    assert bench.courier.waiting == {"webhook": 0}
    sink.gate.set()
    await bench.pump()
    assert len(sink.sent) == 1
    assert {line.outcome for line in bench.log.lines.values()} == {Outcome.INTENT}
    after = bench.restart()
    await after.pump()
    assert sink.ids == [action(customer_id=c).id for c in ("a", "a", "b")]


async def test_a_send_under_way_may_end_before_its_partition_goes():
    sink = ScriptedSink()
    sink.gate = asyncio.Event()
    bench = Bench(sink)
    await bench.courier.accept(0, [action()])
    bench.courier.start_due()
    await asyncio.sleep(0)
    releasing = asyncio.create_task(bench.courier.release({0}, within_s=30))
    await asyncio.sleep(0)
    sink.gate.set()
    await releasing
    assert bench.outcome(action().id) is Outcome.DELIVERED


async def test_the_loop_sends_what_comes_and_sleeps_until_a_retry_is_due():
    """``run`` itself, on a clock whose retries are due at once."""
    sink = ScriptedSink(lambda _a, attempt, _n: delivered() if attempt > 2 else retryable("reset"))
    clock = ManualClock(NOON_MS)
    bench = Bench(sink, clock=clock)
    running = asyncio.create_task(bench.courier.run())
    await bench.courier.accept(0, [action()])
    while bench.courier.waiting != {"webhook": 0}:
        line = bench.log.get(0, action().id)
        if line.next_attempt_at is not None:
            clock.advance(max(0, to_ms(line.next_attempt_at) - clock.now_ms()))
        bench.courier._poke.set()
        await asyncio.sleep(0)
    running.cancel()
    assert [attempt for _, _, attempt, _ in sink.sent] == [1, 2, 3]


async def test_attempts_and_outcomes_are_counted():
    sink = ScriptedSink(lambda _a, attempt, _n: delivered() if attempt > 1 else retryable("reset"))
    bench = Bench(sink)
    await bench.courier.accept(0, [action()])
    await bench.pump(NOON_MS + 10_000)
    text = bench.metrics.text().decode()
    assert 'health_delivery_attempts_total{sink="webhook"} 2.0' in text
    assert 'health_deliveries_total{outcome="delivered",sink="webhook"} 1.0' in text
