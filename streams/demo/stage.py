"""One demonstration from curtain to curtain: start, run, stop, and say what went wrong."""

import asyncio
import shutil
import signal
from pathlib import Path
from tempfile import mkdtemp

from confluent_kafka import KafkaException

from streams.clock import Clock
from streams.demo.plan import Plan, Screen
from streams.demo.processes import ChildDied, Household, NotReady
from streams.demo.run import Run, end
from streams.demo.stack import start_stack, stop_stack
from streams.demo.tally import Phase, Tally
from streams.exits import Exit, NamedExit
from streams.views.base import ViewUnavailable

__all__ = ["perform"]

#: SIGHUP: the terminal was closed.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def perform(plan: Plan, screen: Screen, clock: Clock, tally: Tally) -> bool:
    """Run until the planned time is over or a signal comes; whether it ran its full time.

    Everything that was started has ended when this returns or raises.

    Raises:
        NamedExit: a process ended by itself or did not start: which, the end of its log,
            and the folder that keeps all logs.
    """
    tally.broker, tally.history_days = "embedded", plan.days
    house = Household(plan.logs or Path(mkdtemp(prefix="vitals-demo-")), clock)
    stopped = asyncio.Event()
    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    run = asyncio.create_task(_run(plan, screen, clock, tally, house))
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await end([run, waiting])
    failure = None if run.cancelled() else run.exception()
    if failure is None:
        tally.phase = Phase.STOPPING
        screen.show(tally)
    await stop_stack(house)
    if failure is not None:
        raise _explained(failure, house.folder) from failure
    if plan.logs is None:
        shutil.rmtree(house.folder, ignore_errors=True)
    return not stopped.is_set()


async def _run(plan: Plan, screen: Screen, clock: Clock, tally: Tally, house: Household) -> None:
    def announce(address: str) -> None:
        tally.address = address
        screen.announce(address)

    screen.show(tally)
    addresses = await start_stack(
        house, scorecard=plan.scorecard, port=plan.port, announce=announce
    )
    tally.redis = addresses.redis_kind
    await Run(plan, addresses, tally, house, clock).until_over(screen)


def _explained(error: BaseException, folder: Path) -> BaseException:
    """The failure in words for the person at the terminal."""
    logs = f"All logs are in {folder}"
    if isinstance(error, ChildDied | NotReady):
        tail = error.child.tail() or "(its log is empty)"
        return NamedExit(Exit.FAILED, f"demo: {error}. The end of its log:\n{tail}\n{logs}")
    if isinstance(error, NamedExit):
        return NamedExit(error.code, f"demo: {error.message}\n{logs}")
    if isinstance(error, KafkaException | ViewUnavailable | RuntimeError | OSError):
        return NamedExit(Exit.FAILED, f"demo: {error}\n{logs}")
    error.add_note(logs)
    return error
