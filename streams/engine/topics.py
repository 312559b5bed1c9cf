"""The topics on the broker: created as they must be, and checked before anything runs.

What exactness depends on is compared: partition counts, clean-up policy, the
signals log's time stamp type. A mismatch is named, topic by topic; nothing runs
on one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from schemas.topics import TOPICS, Partitions, Topic
from streams.engine.kafka import rdkafka_options, silent
from streams.exits import Exit, NamedExit
from streams.settings import Settings

__all__ = [
    "Finding",
    "TopicState",
    "check_topics",
    "create_topics",
    "grow_topics",
    "partition_counts",
    "remedy_for",
    "require_topics",
    "tombstones_ms",
    "topic_ids",
    "unreachable",
]

ANSWER_S_MAX = 10.0
#: A new topic is asked for so often, every 0.1 s, until the broker that is asked knows it.
ASKED_MAX = 50
#: Of a new signals log, unless the settings say otherwise.
SIGNALS_PARTITIONS = 64
#: Settings whose value must be the stated one; the others are defaults for creation.
_COMPULSORY = ("cleanup.policy", "message.timestamp.type")


class TopicState(StrEnum):
    """How a topic stands."""

    OK = "ok"
    MISSING = "missing"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One topic: what is, and what should be."""

    name: str
    purpose: str
    state: TopicState
    partitions: int
    detail: str = ""


def unreachable(settings: Settings, error: object) -> NamedExit:
    """The message for a broker that does not answer."""
    return NamedExit(
        Exit.USAGE,
        f"no Kafka broker answers at {settings.bootstrap} ({error}).\n"
        "Start one, or name yours with --bootstrap HOST:PORT (VITALS_BOOTSTRAP);"
        " `vitals demo` brings its own",
    )


def check_topics(settings: Settings) -> list[Finding]:
    """Each topic against what it must be.

    Raises:
        NamedExit: exit code 2, if no broker answers.
    """
    admin, troubles = _admin(settings)
    existing = _existing(admin, settings, troubles)
    names = [settings.topics.name(key) for key in TOPICS if settings.topics.name(key) in existing]
    configs = {} if settings.broker_embedded else _configs(admin, names)
    return [_finding(settings, topic, existing, configs) for topic in TOPICS.values()]


def create_topics(
    settings: Settings, created: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """Create the topics that are missing, then check all; ``created`` hears of each.

    Raises:
        NamedExit: exit code 2, if no broker answers or it refuses.
    """
    admin, troubles = _admin(settings)
    existing = _existing(admin, settings, troubles)
    # The log first: others follow its partition count, and somebody may have made it just now.
    log = TOPICS["signals"]
    _create(admin, settings, [log], existing, created)
    for _ in range(ASKED_MAX):
        if settings.prefix + log.name in existing:
            break
        admin.poll(0.1)
        existing = _existing(admin, settings, troubles)
    _create(admin, settings, list(TOPICS.values()), existing, created)
    return _settled(admin, settings)


def _create(
    admin: AdminClient,
    settings: Settings,
    topics: Sequence[Topic],
    existing: Mapping[str, int],
    created: Callable[[str], None],
) -> None:
    """Create those of the topics that do not exist."""
    wanted = [
        NewTopic(
            settings.prefix + topic.name,
            num_partitions=_wanted_partitions(settings, topic, existing),
            replication_factor=settings.replication,
            config=_config(settings, topic),
        )
        for topic in topics
        if settings.prefix + topic.name not in existing
    ]
    if not wanted:
        return
    for name, future in admin.create_topics(wanted, request_timeout=ANSWER_S_MAX).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise NamedExit(
                    Exit.USAGE, f"topic {name} cannot be created: {error.args[0].str()}"
                ) from None
        created(name)


def _settled(admin: AdminClient, settings: Settings) -> list[Finding]:
    """Check until the new topics are known to the broker that is asked."""
    findings = check_topics(settings)
    for _ in range(ASKED_MAX):
        if all(finding.state is not TopicState.MISSING for finding in findings):
            break
        admin.poll(0.1)
        findings = check_topics(settings)
    return findings


def partition_counts(settings: Settings) -> dict[str, int]:
    """The broker's topics with their partition counts.

    Raises:
        NamedExit: exit code 2, if no broker answers.
    """
    admin, troubles = _admin(settings)
    return _existing(admin, settings, troubles)


def grow_topics(settings: Settings, keys: Sequence[str], partitions: int) -> None:
    """Give these topics more partitions, one after the other; those that have them are left.

    Raises:
        NamedExit: exit code 2, if no broker answers or it refuses.
    """
    admin, troubles = _admin(settings)
    for name in map(settings.topics.name, keys):
        if _existing(admin, settings, troubles)[name] >= partitions:
            continue
        try:
            admin.create_partitions(
                [NewPartitions(name, partitions)], request_timeout=ANSWER_S_MAX
            )[name].result()
        except KafkaException as error:
            raise NamedExit(
                Exit.USAGE, f"topic {name} cannot have more partitions: {error.args[0].str()}"
            ) from None
        for _ in range(ASKED_MAX):
            if _existing(admin, settings, troubles)[name] >= partitions:
                break
            admin.poll(0.1)


def require_topics(settings: Settings) -> int:
    """Refuse to run on missing or wrong topics; the partition count of the signals log.

    Raises:
        NamedExit: TOPIC_MISMATCH, naming each topic and what is wrong with it.
    """
    findings = check_topics(settings)
    wrong = [f for f in findings if f.state is not TopicState.OK]
    if wrong:
        lines = "\n".join(f"  {f.name}: {f.detail}" for f in wrong)
        remedy = remedy_for(settings, findings)
        raise NamedExit(Exit.TOPIC_MISMATCH, f"topics are not as they must be:\n{lines}\n{remedy}")
    return _partitions_in(findings, settings.topics.name("signals"))


def _partitions_in(findings: Sequence[Finding], name: str) -> int:
    return next(f.partitions for f in findings if f.name == name)


def remedy_for(settings: Settings, findings: Sequence[Finding]) -> str:
    """What to do about topics of which some are wrong."""
    wrong = [f for f in findings if f.state is not TopicState.OK]
    log, rows = (
        _partitions_in(findings, settings.topics.name(k)) for k in ("signals", "customers")
    )
    if all(f.state is TopicState.MISSING for f in wrong):
        return "Create them with `vitals topics --create`"
    if 0 < log < rows:
        return (
            f"A change to {rows} partitions was begun and did not end:"
            f" `vitals repartition --to {rows}` ends it"
        )
    wanted = max(log, settings.signals_partitions or 0)
    if rows and (rows < log or log < wanted):
        return f"`vitals repartition --to {wanted}` moves the state to {wanted} partitions"
    if 0 < (settings.signals_partitions or log) < log == rows:
        return f"Set --signals-partitions (VITALS_SIGNALS_PARTITIONS) to {log}, or leave it out"
    return "`vitals topics` shows all; docs/operations.md has exit code 71"


def topic_ids(settings: Settings, names: Collection[str]) -> dict[str, str]:
    """The ids that the broker gave these topics when they were created, of those that have one.

    A topic that was deleted and created anew has another: its offsets mean something else.
    """
    if settings.broker_embedded or not names:
        return {}
    admin, _ = _admin(settings)
    asked = admin.describe_topics(TopicCollection(list(names)), request_timeout=ANSWER_S_MAX)
    found = {}
    for name, future in asked.items():
        with suppress(KafkaException):
            found[name] = str(future.result().topic_id)
    return found


def tombstones_ms(settings: Settings, name: str) -> int:
    """How long the broker keeps the tombstones of a compacted topic, at least; 0: not known."""
    admin, _ = _admin(settings)
    found = _configs(admin, [name]).get(name, {}).get("delete.retention.ms")
    return 0 if found is None else int(found)


def _admin(settings: Settings) -> tuple[AdminClient, list[KafkaError]]:
    """A client, and the list in which it puts what troubles it."""
    troubles: list[KafkaError] = []
    options = rdkafka_options(settings) | {"socket.timeout.ms": 8000, "error_cb": troubles.append}
    return AdminClient(options, logger=silent()), troubles


def _existing(admin: AdminClient, settings: Settings, troubles: list[KafkaError]) -> dict[str, int]:
    """The broker's topics with their partition counts; as soon as every address has refused: no."""
    refused: object = "no answer"
    for _ in range(int(ANSWER_S_MAX)):
        try:
            metadata = admin.list_topics(timeout=1)
        except KafkaException as error:
            refused = troubles[0].str() if troubles else error.args[0].str()
            admin.poll(0)
            down = KafkaError._ALL_BROKERS_DOWN
            if any(trouble.code() == down for trouble in troubles):
                break
        else:
            return {name: len(topic.partitions) for name, topic in metadata.topics.items()}
    raise unreachable(settings, refused)


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources, request_timeout=ANSWER_S_MAX)
    return {
        resource.name: {key: entry.value for key, entry in future.result().items()}
        for resource, future in answers.items()
    }


def _wanted_partitions(settings: Settings, topic: Topic, existing: Mapping[str, int]) -> int:
    """What a topic should have: the signals log's count binds all that follow it."""
    if topic.partitions is Partitions.ONE:
        return 1
    if topic.partitions is Partitions.SOURCE:
        return settings.source_partitions
    if settings.signals_partitions is not None:
        return settings.signals_partitions
    return existing.get(settings.topics.name("signals"), SIGNALS_PARTITIONS)


def _config(settings: Settings, topic: Topic) -> dict[str, str]:
    replicas = {"min.insync.replicas": "2"} if settings.replication >= 3 else {}
    return topic.config | replicas


def _finding(
    settings: Settings,
    topic: Topic,
    existing: Mapping[str, int],
    configs: dict[str, dict[str, str]],
) -> Finding:
    name = settings.prefix + topic.name
    partitions = existing.get(name)
    if partitions is None:
        return Finding(name, topic.purpose, TopicState.MISSING, 0, "does not exist")
    problems = []
    if topic.partitions is not Partitions.SOURCE:
        wanted = _wanted_partitions(settings, topic, existing)
        if not settings.broker_embedded and partitions != wanted:
            problems.append(
                f"has {partitions} partitions, expected {wanted}"
                + (" (--signals-partitions)" if topic.partitions is Partitions.SIGNALS else "")
            )
    found = configs.get(name, {})
    problems += [
        f"{key} is {found[key]}, expected {topic.config[key]}"
        for key in _COMPULSORY
        if key in topic.config and key in found and found[key] != topic.config[key]
    ]
    state = TopicState.MISMATCH if problems else TopicState.OK
    return Finding(name, topic.purpose, state, partitions, "; ".join(problems))
