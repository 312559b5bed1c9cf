"""Stock Faust on the same events: one agent, one table write for each event. A baseline.

Run by throughput.py: ``python stock_faust.py BOOTSTRAP TOPIC PARTITIONS SECONDS``; prints
events per second, counted from the first event.
"""

import asyncio
import json
import sys
import tempfile
import time

import faust


def main() -> None:
    """Count usage per customer for a while, and say how fast."""
    bootstrap, topic, partitions, seconds = sys.argv[1:5]
    app = faust.App(
        f"stock-{topic}", broker=f"kafka://{bootstrap}", store="memory://", web_enabled=False,
        topic_partitions=int(partitions), topic_replication_factor=1, datadir=tempfile.mkdtemp(),
        consumer_auto_offset_reset="earliest", table_standby_replicas=0,
        stream_buffer_maxsize=16384,
    )  # fmt: skip
    counts = app.Table("counts", default=int, partitions=int(partitions))
    source = app.topic(topic, value_type=bytes, value_serializer="raw")
    seen = [0, 0.0]

    async def count(stream: faust.StreamT) -> None:
        async for value in stream:
            if not seen[0]:
                seen[1] = time.monotonic()
            seen[0] += 1
            event = json.loads(value)
            counts[event["customer_id"]] += 1

    app.agent(source, name="count")(count)

    async def run() -> None:
        await app.start()
        while not seen[0]:
            await asyncio.sleep(0.1)
        await asyncio.sleep(float(seconds))
        print(seen[0] / (time.monotonic() - seen[1]), flush=True)
        await app.stop()

    asyncio.run(asyncio.wait_for(run(), 180))


if __name__ == "__main__":
    main()
