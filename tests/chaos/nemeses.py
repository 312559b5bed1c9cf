"""Faults: each strikes and heals. It landed if work was left then, and it did what it is for."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chaos.launch import OUTREACH_POINTS, POINTS
from chaos.system import SESSION_S, BadDays, System, Worker
from servers.waiting import until

__all__ = ["NEMESES", "Struck", "plan"]

#: A restore lies somewhere in the first seconds of a worker's life.
RESTORE_S = (0.8, 3.0)
COMMIT_S = 0.3
OUTAGE_S = 10.0
#: A process passes its fail point within this.
POINT_S_MAX = 40.0
#: A restore comes with a rebalance, a commit every few seconds: the second may never come.
SELDOM = ("restore", "commit")
#: The world's events end within this.
END_S_MAX = 300.0


@dataclass
class Struck:
    """The faults of a run, in order."""

    system: System
    rng: random.Random
    left: Callable[[], int]
    landed: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def by(self, name: str) -> None:
        """Have one strike and heal."""
        work_left = self.left() > 0
        struck = NEMESES[name](self) is not False
        (self.landed if work_left and struck else self.missed).append(name)
        self.system.tend()

    def one(self) -> Worker:
        """A worker that runs."""
        running = [worker for worker in self.system.alive if worker.is_running]
        return self.rng.choice(running or self.system.alive)


def _wait(seconds: float) -> None:
    """A fault takes its time: nothing can be waited for but the clock."""
    until(lambda: False, seconds)


def kill(run: Struck) -> None:
    """SIGKILL, at any instant."""
    _wait(run.rng.random())
    run.one().kill()


def kill_wiped(run: Struck) -> None:
    """SIGKILL, and what comes back has an empty disk."""
    worker = run.one()
    worker.kill()
    worker.wipe()


def kill_in_restore(run: Struck) -> None:
    """SIGKILL, and again while the state is being restored."""
    worker = run.one()
    worker.kill()
    worker.begin()
    _wait(run.rng.uniform(*RESTORE_S))
    worker.kill()


def kill_at_commit(run: Struck) -> None:
    """SIGKILL within 300 ms of a checkpoint."""
    written = run.system.rows_written()
    until(lambda: run.system.rows_written() > written, 20)
    _wait(run.rng.random() * COMMIT_S)
    run.one().kill()


def fail_point(run: Struck) -> bool:
    """A worker that kills itself at a named point."""
    return _dies_at(run, run.one(), POINTS, 5)


def outreach_point(run: Struck) -> bool:
    """Outreach kills itself when a receiver has a message, before it knows or before it says so."""
    return _dies_at(run, run.system.outreach, OUTREACH_POINTS, 2)


def _dies_at(run: Struck, process: BadDays, points: Iterable[str], times_max: int) -> bool:
    """Whether it died of itself, at one of these points."""
    point = run.rng.choice(list(points))
    process.kill()
    times = 1 if point in SELDOM else run.rng.randint(1, times_max)
    process.begin("--fail-at", f"{point}:{times}")
    died = until(lambda: not process.is_running, POINT_S_MAX)
    process.kill()
    return died


def kill_outreach(run: Struck) -> None:
    """SIGKILL of the process that sends."""
    run.system.outreach.kill()


def zombie(run: Struck) -> None:
    """A worker is frozen until others own what it owned, and wakes."""
    worker = run.one()
    worker.pause()
    _wait(2.5 * SESSION_S)
    if worker.is_running:
        worker.resume()


def zombie_at_the_end(run: Struck) -> None:
    """A worker is frozen, wakes when the last event was read by others, and nobody comes again."""
    worker = run.one()
    worker.pause()
    until(lambda: run.left() == 0, END_S_MAX)
    _wait(2.5 * SESSION_S)
    worker.resume()


def _bad_day(run: Struck, sessions: int, *options: str) -> None:
    """A worker that is started with something wrong, for so many sessions."""
    worker = run.one()
    worker.kill()
    worker.begin(*options)
    _wait(sessions * SESSION_S)
    worker.kill()


def cut_off(run: Struck) -> None:
    """A worker whose heartbeats reach nobody, while all else goes on."""
    _bad_day(run, 3, "--trouble", "cut-off")


def disk_full(run: Struck) -> None:
    """A worker that cannot write to its disk."""
    _bad_day(run, 2, "--trouble", "no-disk")


def wrong_clock(run: Struck) -> None:
    """A worker whose clock is 10 minutes slow, or 10 days fast."""
    _bad_day(run, 3, "--clock-offset-s", str(run.rng.choice((-600, 864_000))))


def churn(run: Struck) -> None:
    """Workers come, and the oldest go."""
    for _ in range(3):
        run.system.join()
        _wait(run.rng.uniform(1, 5))
        run.system.leave(run.system.alive[0])


def rolling_restart(run: Struck) -> None:
    """Each worker is stopped in order and started again."""
    for worker in run.system.alive:
        worker.stop()
        worker.begin()
        run.system.ready()


def broker_killed(run: Struck) -> None:
    """SIGKILL of the broker, which is away for some seconds."""
    run.system.kafka.kill()
    _wait(run.rng.uniform(1, 4))
    run.system.kafka.restart()


def broker_away(run: Struck) -> None:
    """The broker answers nobody for 10 seconds."""
    run.system.kafka.pause()
    _wait(OUTAGE_S)
    run.system.kafka.resume()


def changelog_refused(run: Struck) -> None:
    """The broker takes everything but rows."""
    _refuse(run, "customers")


def dead_letters_refused(run: Struck) -> None:
    """The broker takes everything but dead letters, and a worker is killed meanwhile."""
    _refuse(run, "dead_letters")


def _refuse(run: Struck, topic: str) -> None:
    _min_replicas(run.system, topic, "2")
    _wait(4)
    run.one().kill()
    _wait(1)
    _min_replicas(run.system, topic, "1")


def _min_replicas(system: System, topic: str, value: str) -> None:
    system.configure(system.topics.name(topic), {"min.insync.replicas": value})


def redis_killed(run: Struck) -> None:
    """Redis dies, and comes back empty."""
    run.system.redis.kill()
    _wait(2)
    run.system.redis.restart()


def redis_flushed(run: Struck) -> None:
    """Redis forgets everything."""
    run.system.redis.flush()


def all_down(run: Struck) -> None:
    """No worker runs for some time, and events come."""
    for worker in run.system.alive:
        worker.kill()
    _wait(OUTAGE_S)


def all_killed(run: Struck) -> None:
    """SIGKILL of all workers at once."""
    for worker in run.system.alive:
        worker.kill()


NEMESES: dict[str, Callable[[Struck], bool | None]] = {
    "kill": kill, "kill-wiped": kill_wiped, "kill-in-restore": kill_in_restore,
    "kill-at-commit": kill_at_commit, "fail-point": fail_point, "kill-outreach": kill_outreach,
    "outreach-point": outreach_point,
    "zombie": zombie, "cut-off": cut_off, "disk-full": disk_full, "wrong-clock": wrong_clock,
    "churn": churn, "rolling-restart": rolling_restart, "broker-killed": broker_killed,
    "broker-away": broker_away, "changelog-refused": changelog_refused,
    "dead-letters-refused": dead_letters_refused,
    "redis-killed": redis_killed, "redis-flushed": redis_flushed, "all-down": all_down,
    "all-killed": all_killed, "zombie-at-the-end": zombie_at_the_end,
}  # fmt: skip
#: It takes what is left of the run: nothing can strike after it.
LAST = "zombie-at-the-end"
#: A quarter of the kills each; the others take turns.
KILLS = ("kill-in-restore", "kill-at-commit", "fail-point", "kill-wiped")


def plan(rng: random.Random, kills: int) -> list[str]:
    """Which faults strike, in order: so many kills of each kind, and each other fault once."""
    names = [KILLS[n % len(KILLS)] for n in range(kills)]
    if kills >= len(KILLS):
        names += [name for name in NEMESES if name not in (*KILLS, LAST)]
    rng.shuffle(names)
    return [*names, LAST] if kills >= len(KILLS) else names
