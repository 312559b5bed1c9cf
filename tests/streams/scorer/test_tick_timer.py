"""How often a worker looks for ticks: counted in looks, not in seconds."""

import asyncio

import pytest

from streams.scorer import tick_timer
from streams.scorer.tick_timer import TickTimer


class Looks:
    """Counts looks and sleeps; ends after so many looks."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.looks = 0
        self.slept_s: list[float] = []

    async def look(self) -> None:
        self.looks += 1

    async def pause(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await asyncio.sleep(0)

    def over(self) -> bool:
        return self.looks >= self.most


async def test_whoever_is_busy_looks_at_each_interval() -> None:
    looks = Looks(5)
    await TickTimer(0.1).run(looks.look, lambda: False, looks.pause, looks.over)
    assert (looks.looks, looks.slept_s) == (5, [0.1] * 5)


async def test_whoever_is_idle_waits_until_something_is_applied() -> None:
    """However long that takes: the second is over in none of these."""
    looks, timer = Looks(4), TickTimer(0.1)
    running = asyncio.create_task(timer.run(looks.look, lambda: True, looks.pause, looks.over))
    for expected in (1, 2, 3):
        for _ in range(20):
            await asyncio.sleep(0)
        assert looks.looks == expected
        timer.applied()
    for _ in range(20):
        await asyncio.sleep(0)
    timer.applied()
    await running
    assert looks.looks == 4


async def test_what_is_applied_during_a_look_is_looked_at() -> None:
    """It may have come too late for that look."""
    timer = TickTimer(0.1)
    looks = Looks(2)

    async def look() -> None:
        await looks.look()
        timer.applied()

    await timer.run(look, lambda: True, looks.pause, looks.over)
    assert looks.looks == 2


async def test_the_longest_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing is ever applied."""
    monkeypatch.setattr(tick_timer, "IDLE_S", 0)
    looks = Looks(3)
    await TickTimer(0.1).run(looks.look, lambda: True, looks.pause, looks.over)
    assert looks.looks == 3
