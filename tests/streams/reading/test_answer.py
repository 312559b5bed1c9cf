"""Waiting for the broker while a person may press Ctrl-C."""

import asyncio
from typing import Any

import pytest

from streams.reading.topic import TopicReader


async def test_ctrl_c_is_not_lost_where_it_comes_together_with_the_answer() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    reader: Any = TopicReader(None, "topic", [0], "broker")
    reading = asyncio.ensure_future(reader._answer(answer))
    await asyncio.sleep(0)
    answer.set_result(1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
