"""Decisions into each partition's log: in order, once, from where its header stands."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import RecordingClient
from partitionlog import SAAS, START_MS, Log, activation, changed_card, source_control
from schemas import signals
from schemas.control import CONTROL, ScorecardActivated
from schemas.signals import ControlCopy
from scoring.card import hash_of
from streams.clock import ManualClock
from streams.engine.app import VitalsApp, build_app
from streams.metrics import Metrics
from streams.scorer import verdict as verdict_module
from streams.scorer.control import ControlCopier
from streams.scorer.control import activation as record_of
from streams.scorer.verdict import verdict_on
from streams.settings import Settings

LOG, CONTROL_TOPIC = "health.signals.v1", "health.control.v1"
DECISIONS = [
    (0, activation(SAAS).body),
    (1, source_control("source.stalled", "health.usage.v1", 1).body),
    (2, source_control("source.resumed", "health.usage.v1", 2).body),
]


@pytest.fixture
async def app() -> VitalsApp:
    made = build_app(Settings(bootstrap="127.0.0.1:1"), ManualClock(), group="t")
    made.rebalancing = False
    made.producer = SimpleNamespace(client=RecordingClient())
    return made


def fold(control_offset: int = -1) -> Any:
    return SimpleNamespace(header=SimpleNamespace(control_offset=control_offset), card=None)


def copier(app: VitalsApp, folds: dict[int, Any], metrics: Metrics | None = None) -> ControlCopier:
    made = ControlCopier(
        Settings(bootstrap="127.0.0.1:1"), app, folds, ManualClock(START_MS), metrics or Metrics(),
        SAAS,
    )  # fmt: skip
    made._records = list(DECISIONS)
    return made


def copies(app: VitalsApp, partition: int) -> list[int]:
    client: Any = app.batches.client
    found = []
    for sent in client.sent:
        if (sent.topic, sent.partition) == (LOG, partition):
            copy = signals.decode(sent.records[0][1])
            assert isinstance(copy, ControlCopy)
            assert copy.body == DECISIONS[copy.offset][1]
            found.append(copy.offset)
    return found


async def test_each_partition_gets_what_its_header_has_not(app: VitalsApp) -> None:
    made = copier(app, {0: fold(), 1: fold(1), 2: fold(2)})
    await made._copy()
    assert [copies(app, partition) for partition in (0, 1, 2)] == [[0, 1, 2], [2], []]


async def test_what_is_on_its_way_is_not_copied_again(app: VitalsApp) -> None:
    """The header knows of a copy only when it has come back through the log."""
    made = copier(app, {0: fold()})
    await made._copy()
    await made._copy()
    assert copies(app, 0) == [0, 1, 2]


async def test_a_partition_that_comes_back_is_judged_by_its_header(app: VitalsApp) -> None:
    """Another owner may have lost what we had on its way: a copy too many changes nothing."""
    folds = {0: fold()}
    made = copier(app, folds)
    await made._copy()
    folds[0] = fold(1)
    await made._copy()
    assert copies(app, 0) == [0, 1, 2, 2]


async def test_nothing_is_written_while_partitions_move(app: VitalsApp) -> None:
    app.rebalancing = True
    await copier(app, {0: fold()})._copy()
    assert copies(app, 0) == []


async def test_the_first_start_activates_the_card_it_was_given(app: VitalsApp) -> None:
    made = copier(app, {0: fold()})
    made._records = []
    await made._ensure_a_card()
    await made._ensure_a_card()
    client: Any = app.batches.client
    (value,) = client.values(CONTROL_TOPIC)
    decision = CONTROL.validate_json(value)
    assert isinstance(decision, ScorecardActivated)
    assert (decision.text, decision.hash) == (SAAS, hash_of(SAAS))


async def test_a_card_that_is_active_is_left_alone(app: VitalsApp) -> None:
    await copier(app, {0: fold()})._ensure_a_card()
    client: Any = app.batches.client
    assert client.values(CONTROL_TOPIC) == []


def test_an_activation_names_its_text_by_the_same_hash_as_the_card() -> None:
    record = record_of(SAAS, "n", "1", author="a", reason="r", now_ms=START_MS)
    assert record.hash == hash_of(SAAS)
    assert CONTROL.validate_json(record.model_dump_json()) == record


# -- what cannot be followed ---------------------------------------------------------------------

WRONG_CARD = record_of("scorecard: [", "new", "9", author="Dana", reason="r", now_ms=START_MS)
FORGED = WRONG_CARD.model_copy(update={"text": SAAS})
BAD_HASH = WRONG_CARD.model_copy(update={"hash": "no hash"})
REFUSED = [
    (WRONG_CARD.model_dump_json().encode(), "scorecard", "new 9:1: not valid YAML"),
    (FORGED.model_dump_json().encode(), "scorecard", "its hash is not that of its text"),
    (BAD_HASH.model_dump_json().encode(), "scorecard", "its hash is not that of its text"),
    (b'{"type": "moon.full", "at": 1}', "unknown", "this release knows no decision 'moon.full'"),
    (b"{", "unreadable", "not a control record: Invalid JSON"),
    (
        b'{"type": "source.stalled"}',
        "unreadable",
        "not a control record: source.stalled.at: Field required",
    ),
    (b"7", "unreadable", "not a control record: Input should be"),
    (None, "unreadable", "not a control record: Invalid JSON"),
]


@pytest.mark.parametrize(("body", "kind", "why"), REFUSED)
def test_what_cannot_be_followed_is_refused_with_the_reason(
    body: bytes | None, kind: str, why: str
) -> None:
    verdict = verdict_on(body)
    assert (verdict.kind, verdict.refused[: len(why)]) == (kind, why)


def test_a_card_that_breaks_the_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect here must not end every worker at every start."""

    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(verdict_module, "load_card", broken)
    assert verdict_on(DECISIONS[0][1]).refused == "it cannot be compiled: RecursionError: too deep"


async def test_what_is_refused_is_copied_with_the_verdict_and_told_once(
    app: VitalsApp, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says it to every release; each partition passes it, and goes on."""
    metrics = Metrics()
    made = copier(app, {0: fold(), 1: fold()}, metrics)
    made._records += [(n, body) for n, (body, _, _) in enumerate(REFUSED, 3)]
    made._records.append((20, activation(SAAS).body))
    await made._copy()
    client: Any = app.batches.client
    for partition in (0, 1):
        found = [
            copy
            for sent in client.sent
            if sent.partition == partition
            and isinstance(copy := signals.decode(sent.records[0][1]), ControlCopy)
        ]
        assert [copy.offset for copy in found] == [0, 1, 2, *range(3, 3 + len(REFUSED)), 20]
        assert [bool(copy.refused) for copy in found] == [False] * 3 + [True] * len(REFUSED) + [
            False
        ]
        assert [copy.body for copy in found[3:-1]] == [body or b"" for body, _, _ in REFUSED]
    counted = Counter(kind for _, kind, _ in REFUSED)
    for kind, count in counted.items():
        assert metrics.decisions_refused.labels(kind)._value.get() == count
    assert caplog.text.count("is refused") == counted["scorecard"]
    assert "scorecard new 9, activated by Dana (decision 3), is refused" in caplog.text
    assert "new 9:1: not valid YAML" in caplog.text


async def test_a_card_that_is_refused_is_no_first_card(app: VitalsApp) -> None:
    """Else a wrong text that came first would leave everybody without a score for ever."""
    made = copier(app, {0: fold()})
    made._records = [(0, REFUSED[0][0])]
    await made._ensure_a_card()
    client: Any = app.batches.client
    (value,) = client.values(CONTROL_TOPIC)
    decision = CONTROL.validate_json(value)
    assert isinstance(decision, ScorecardActivated)
    assert decision.first


async def test_where_a_card_is_active_no_first_one_comes(app: VitalsApp) -> None:
    """Though the control topic has none that this release can read."""
    made = copier(app, {0: fold(), 1: SimpleNamespace(card=object())})
    made._records = []
    await made._ensure_a_card()
    client: Any = app.batches.client
    assert client.values(CONTROL_TOPIC) == []


async def test_two_workers_that_start_at_once_make_one_card_active(app: VitalsApp) -> None:
    """Both find nothing and activate their own card; every partition takes the same first one."""
    other = changed_card(('version: "1"', 'version: "2"'))
    client: Any = app.batches.client
    for text in (SAAS, other):
        made = ControlCopier(
            Settings(bootstrap="127.0.0.1:1"), app, {0: fold()}, ManualClock(START_MS), Metrics(),
            text,
        )  # fmt: skip
        await made._ensure_a_card()
    bodies = client.values(CONTROL_TOPIC)
    assert len(bodies) == 2
    log = Log(card_text=None)
    for offset, body in enumerate(bodies):
        log.add(ControlCopy(offset, body, verdict_on(body).refused), START_MS)
    assert log.fold.header.card_hash == hash_of(SAAS)
