"""The worker: intake, scoring and the view's feed in one process. Its composition root."""

from dataclasses import dataclass

from scoring.card import Card
from scoring.partition import FoldPolicy, TickMode
from streams.clock import Clock, SystemClock
from streams.engine.app import VitalsApp
from streams.engine.broker_clock import BrokerClock
from streams.exits import Exit, NamedExit
from streams.health import HealthServer, OwnHealth
from streams.intake.agents import Intake
from streams.intake.progress import ProgressPolicy
from streams.metrics import Metrics
from streams.preflight import as_of_ms, check_worker
from streams.runner import Part, run
from streams.scorecards import load_card, read_card, shipped_card
from streams.scorer.agent import Scorer
from streams.scorer.view_feed import ViewFeed
from streams.settings import Settings
from streams.views.base import View
from streams.views.redis_view import open_view

__all__ = ["Worker", "fold_policy", "run_worker"]


def _card_of_state(text: str) -> Card:
    """A card that is in use already: its copy in the log was accepted.

    Raises:
        NamedExit: STATE_VERSION, if this release cannot read it. Going on with another card
            would make another history than the one that was told.
    """
    try:
        return load_card(text)
    except NamedExit as error:
        raise NamedExit(
            Exit.STATE_VERSION,
            "customers are scored with a scorecard that this release cannot read. Run the"
            " release that accepted it; to go back to this one, first activate a scorecard"
            f" with that one which both can read:\n{error.message}",
        ) from None


def fold_policy(settings: Settings) -> FoldPolicy:
    """How the fold behaves under these settings."""
    return FoldPolicy(
        load_card=_card_of_state,
        mode=TickMode(settings.clock),
        step_ms=settings.step_s * 1000,
        as_of_ms=as_of_ms(settings),
        source=f"/vitals/{settings.topics.name('scores')}",
        accept_gap=settings.accept_gap,
    )


@dataclass
class Worker:
    """The parts of a worker, put together; ``run`` runs it."""

    settings: Settings
    clock: Clock
    partitions: int
    view: View

    def run(self) -> Exit:
        """Until told to stop."""
        settings, clock = self.settings, self.clock
        metrics, broker_clock = Metrics(), BrokerClock(stamps=not settings.broker_embedded)
        _, first_card = read_card(settings.scorecard or shipped_card())
        policy = ProgressPolicy(
            event_time=settings.clock == "event",
            as_of_ms=as_of_ms(settings),
            disorder_ms=int(settings.disorder_s * 1000),
        )
        apps: dict[str, VitalsApp] = {}
        scorer: Scorer | None = None
        if settings.parts != "score":
            apps["intake"] = Intake(settings, clock, broker_clock, metrics, policy).app
        if settings.parts != "intake":
            scorer = Scorer(
                settings,
                clock,
                broker_clock,
                metrics,
                policy=fold_policy(settings),
                partitions=self.partitions,
                first_card=first_card,
            )
            apps |= {
                "score": scorer.app,
                "view": ViewFeed(settings, clock, metrics, self.view).app,
            }

        def ready() -> str | None:
            for name, app in apps.items():
                if app.rebalancing or not app.started:
                    return f"{name}: partitions are being assigned"
            return None if scorer is None else scorer.why_not_ready()

        parts: list[Part] = []
        health = OwnHealth(metrics, ready)
        if settings.metrics_port is not None:
            parts.append(HealthServer(settings.metrics_port, health))
        if settings.metrics_socket is not None:
            parts.append(HealthServer(settings.metrics_socket, health))
        return run(list(apps.values()), parts)


def run_worker(settings: Settings) -> Exit:
    """Check what must hold, then run a worker.

    Raises:
        NamedExit: if a scorecard is wrong, no broker answers, or a topic is not as it must be.
    """
    partitions = check_worker(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Worker(settings, SystemClock(), partitions, open_view(settings)).run()
