"""Our engine's chunked consumer with an agent that does next to nothing: what reading alone takes.

Prints ``first`` at its first chunk and ``done`` after its last record, as all peers do.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from streams.clock import SystemClock
from streams.engine.app import VitalsApp, build_app, chunked_topic
from streams.intake.plain_usage import PlainUsage
from streams.runner import run
from streams.settings import Settings

#: What is done with a record's value: nothing, made Python objects, made a signal.
Handle = Callable[[bytes, int], Any]
MODES: dict[str, Callable[[], Handle | None]] = {
    "nothing": lambda: None,
    "msgspec": lambda: _decoded,
    "plain": lambda: PlainUsage().read,
}
_decode = msgspec.json.Decoder().decode


def _decoded(raw: bytes, offset: int) -> Any:
    return _decode(raw)


def reader(settings: Settings, topic: str, count: int, mode: str) -> VitalsApp:
    """An app that reads so many records of a topic, in a group of its own."""
    app, handle = build_app(settings, SystemClock(), group=f"bare-{mode}"), MODES[mode]()
    left = count

    async def read(stream: Any) -> None:
        nonlocal left
        async for event in app.deliveries(stream):
            if left == count:
                print("first", flush=True)
            records = event.message.value
            if handle is not None:
                for record in records:
                    handle(record.value, record.offset)
            left -= len(records)
            event.ack()
            if left <= 0:
                print("done", flush=True)

    app.agent(chunked_topic(app, topic), name="read", concurrency=1)(read)
    return app


def main() -> None:
    """Until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--mode", choices=MODES, required=True)
    options = parser.parse_args()
    settings = Settings(bootstrap=options.bootstrap, data_dir=Path())
    sys.exit(run([reader(settings, options.topic, options.events, options.mode)]))


if __name__ == "__main__":
    main()
