"""Stock Faust: two agents, one event after the other, a table with its changelog."""

import asyncio
from pathlib import Path

import faust
from given import Milestones, given, packed, score_change, unpacked

from bench.job import fold, new_state


def main() -> None:
    """Work the sources off, make everything durable, end."""
    run = given()
    app = faust.App(
        run.run, broker=f"kafka://{run.bootstrap}", store="memory://", web_enabled=False,
        topic_partitions=run.partitions, topic_replication_factor=1, datadir=str(Path.cwd()),
        consumer_auto_offset_reset="earliest", table_standby_replicas=0,
    )  # fmt: skip

    def raw(*names: str) -> faust.TopicT:
        return app.topic(
            *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

    signals, scores, dead = raw(run.signals), raw(run.scores), raw(run.dead)
    customers = app.Table(
        "customers", partitions=run.partitions, schema=faust.Schema(
            key_type=bytes, value_type=dict, key_serializer="raw", value_serializer="json"
        ),
    )  # fmt: skip
    milestones, ended = Milestones(run.good), asyncio.Event()

    async def route(stream: faust.StreamT) -> None:
        async for event in stream.events():
            milestones.read()
            signal = run.signal_of(event.message.topic, event.value)
            if signal is None:
                await dead.send(value=event.value)
            else:
                await signals.send(key=signal[0].encode(), value=packed(signal))

    async def score(stream: faust.StreamT) -> None:
        async for value in stream:
            signal = unpacked(value)
            key = signal[0].encode()
            state = customers.get(key) or new_state()
            changed = fold(state, signal, run.today)
            customers[key] = state
            if changed:
                await scores.send(key=key, value=score_change(signal[0], state))
            if milestones.folded():
                ended.set()

    app.agent(raw(*run.sources.values()), name="route")(route)
    app.agent(signals, name="score")(score)

    async def work() -> None:
        await app.start()
        await ended.wait()
        await app.producer.flush()
        await app.stop()

    asyncio.run(work())


if __name__ == "__main__":
    main()
