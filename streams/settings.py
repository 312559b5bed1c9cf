"""Every setting, once: its name, default, meaning; the only reader of the environment.

A setting ``kafka_sasl_password`` is the option ``--kafka-sasl-password`` of the
commands that use it, the variable ``VITALS_KAFKA_SASL_PASSWORD`` and the file
``/run/secrets/vitals_kafka_sasl_password``. An option wins over the environment,
the environment over the file, the file over the default.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import click
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.topics import Topics
from streams.intake.silence import silences_in

__all__ = ["Settings", "child_environment", "given_options", "inherited_environment", "options"]

ENV_PREFIX = "VITALS_"
#: Where Docker and Kubernetes mount secrets: a file ``vitals_webhook_secret`` holds that setting.
SECRETS_DIR = Path("/run/secrets")


class Settings(BaseSettings):
    """All settings of all processes. Frozen; built once, in the composition root."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,  # Compose and shells pass an unset variable on as an empty one
        frozen=True,
        extra="ignore",
        validate_default=True,
    )

    bootstrap: str = Field("127.0.0.1:9092", description="Kafka brokers, HOST:PORT[,HOST:PORT...].")
    prefix: str = Field(
        "", description="Prefix of every topic and consumer group: one per environment."
    )
    redis: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis URL of the view; rediss:// for TLS, user:password@ for a login.",
    )
    redis_ca_file: Path | None = Field(None, description="CA certificates for a rediss:// URL.")

    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka."
    )
    kafka_ca_file: Path | None = Field(None, description="CA certificates for TLS to Kafka.")
    kafka_cert_file: Path | None = Field(None, description="Client certificate for TLS to Kafka.")
    kafka_key_file: Path | None = Field(None, description="Client key for TLS to Kafka.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism."
    )
    kafka_sasl_username: str | None = Field(None, description="SASL user.")
    kafka_sasl_password: SecretStr | None = Field(
        None, description="SASL password. Better in the environment than on a command line."
    )

    signals_partitions: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Partitions of the signals log, as it is created (then 64) or repartitioned.",
    )
    source_partitions: int = Field(
        8, ge=1, le=1024, description="Partitions of topics in, when created."
    )
    replication: int = Field(
        1, ge=1, le=9, description="Replicas of each topic, when created (production: 3)."
    )

    scorecard: Path | None = Field(
        None,
        description="Scorecard to activate when none is yet (default: the shipped b2b-saas).",
    )
    clock: Literal["wall", "event"] = Field(
        "wall",
        description="wall: time passes by the clock. event: by the events (replay, back-test).",
    )
    as_of: str | None = Field(
        None,
        description="With --clock event: the instant at which the last tick is made (RFC 3339).",
    )
    disorder_s: float = Field(
        0,
        ge=0,
        le=400 * 86_400 * 10,
        description="With --clock event: how much older than the youngest event others may be.",
    )
    step_s: int = Field(
        86_400,
        ge=1,
        le=86_400 * 7,
        description="With --clock event: customers are evaluated at multiples of this.",
    )
    accept_gap: bool = Field(
        False,
        description="Go on although records of the signals log were deleted before they were read.",
    )
    parts: Literal["all", "intake", "score"] = Field(
        "all",
        description="What this process does: all, intake alone, or scoring (with the view) alone.",
    )
    data_dir: Path = Field(Path("data"), description="Working directory of the worker.")
    snapshot_s: int = Field(
        300,
        ge=0,
        le=86_400,
        description="For a fast start the rows of a partition are kept in the working directory as"
        " well, written at most this often and at a stop; 0: never.",
    )
    processes: int = Field(
        1,
        ge=0,
        le=256,
        description="Worker processes to run as one, of one core each; 0: one for each core.",
    )

    tick_ms: int = Field(100, ge=10, le=60_000, description="Ticks are at least this far apart.")
    tick_customers: int = Field(500, ge=1, description="Customers evaluated per tick, at most.")
    checkpoint_ms: int = Field(
        2000, ge=50, le=60_000, description="Checkpoints are this far apart."
    )
    progress_ms: int = Field(
        1000, ge=50, le=60_000, description="Intake reports its progress this often."
    )
    chunk_records: int = Field(5000, ge=1, le=50_000, description="Records in a chunk, at most.")
    pause_after_bad: int = Field(
        100,
        ge=0,
        description="A source partition is paused after so many bad records in a row, or when"
        " of at least so many within 60 s more than half are bad; 0 pauses nothing.",
    )
    stalled_after: str = Field(
        "",
        description="After which silence a source counts as stalled, such as"
        " usage=2h,billing=3d,accounts=never; the others are judged by their own habits.",
    )
    session_timeout_s: float = Field(
        10.0, ge=1, le=300, description="A silent worker is replaced after this."
    )
    rebalance_timeout_s: float = Field(
        30.0, ge=2, le=600, description="Time to hand over partitions."
    )
    fetch_max_wait_ms: int = Field(
        100,
        ge=1,
        le=5000,
        description="How long the broker may hold a fetch for which there is nothing;"
        " five times as long for a worker that is idle.",
    )
    broker_embedded: bool = Field(
        False,
        description="The broker is the embedded in-memory one: no compaction, no topic settings.",
    )

    api_host: str = Field(
        "127.0.0.1", description="Address of the API. There is no login: keep it on loopback."
    )
    api_in_container: bool = Field(
        False,
        description="Let the API listen on any address. Only for a container published"
        " on loopback: there is no login.",
    )
    api_port: int = Field(8080, ge=0, le=65535, description="Port of the API; 0 picks a free one.")
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port for /metrics, /healthz and /readyz of worker and outreach, on loopback.",
    )
    metrics_socket: Path | None = Field(
        None, description="Unix socket for the same, of a worker; its folder must exist."
    )

    slack_webhook_url: SecretStr | None = Field(
        None, description="Slack incoming webhook for messages."
    )
    webhook_url: str | None = Field(
        None, description="Receiver of generic webhooks (Standard Webhooks)."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Its signing secret, whsec_...; old,new while it is being replaced."
    )
    public_url: str | None = Field(
        None, description="Address of the page as people reach it, for the links in messages."
    )
    console_sink: bool = Field(True, description="Print messages to standard output as well.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much to log."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines look.")

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_topic_name(cls, value: str) -> str:
        if value and not all(c.isascii() and (c.isalnum() or c in "._-") for c in value):
            raise ValueError("expected letters, digits, dots, dashes and underscores")
        return value

    @field_validator("stalled_after")
    @classmethod
    def _silences_are_readable(cls, value: str) -> str:
        silences_in(value)
        return value

    @property
    def topics(self) -> Topics:
        """The names on the broker."""
        return Topics(self.prefix)


def child_environment(**given: str) -> dict[str, str]:
    """The environment for a child with exactly these settings: none of ours is passed on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    return kept | {ENV_PREFIX + name.upper(): value for name, value in given.items()}


def inherited_environment(**given: str) -> dict[str, str]:
    """The environment for a child that finds our settings as we did, but for these."""
    return os.environ | {ENV_PREFIX + name.upper(): value for name, value in given.items()}


def given_options(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The settings that stood on the command line, as the environment has them."""
    return {
        name: str(value)
        for name, value in parameters.items()
        if name in Settings.model_fields and value is not None
    }


def options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Click options for these settings; the command receives one ``settings: Settings``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            given = {name: kwargs.pop(name) for name in names}
            given = {name: value for name, value in given.items() if value is not None}
            try:
                settings = Settings(_secrets_dir=_secrets_dir(), **given)
            except ValidationError as error:
                raise click.UsageError(_explain(error)) from None
            return function(*args, settings=settings, **kwargs)

        call.__name__ = function.__name__
        call.__doc__ = function.__doc__
        call.__click_params__ = list(getattr(function, "__click_params__", []))  # type: ignore[attr-defined]
        decorated: Callable[..., Any] = call
        for name in reversed(names):
            decorated = _option(name)(decorated)
        return decorated

    return decorate


def _secrets_dir() -> Path | None:
    return SECRETS_DIR if SECRETS_DIR.is_dir() else None


def _option(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    field = Settings.model_fields[name]
    annotation: Any = field.annotation
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = [a for a in get_args(annotation) if a is not type(None)]
    flag = "--" + name.replace("_", "-")
    kind: Any = str
    if get_origin(annotation) is Literal:
        kind = click.Choice([str(member) for member in get_args(annotation)], case_sensitive=False)
    else:
        base = members[0] if members else annotation
        if base is bool:
            flag, kind = f"{flag}/--no-{name.replace('_', '-')}", None
        elif base in (int, float):
            kind = base
        elif base is Path:
            kind = click.Path(path_type=Path)
    default = field.default
    shown = "" if default in (None, PydanticUndefined, "") else str(default)
    if isinstance(default, SecretStr):
        shown = default.get_secret_value()
    tail = f"  [default: {shown}]" if shown else ""
    extra: dict[str, Any] = {} if kind is None else {"type": kind}
    return click.option(
        flag,
        name,
        default=None,
        help=f"{field.description}{tail}  [env: {ENV_PREFIX}{name.upper()}]",
        **extra,
    )


def _explain(error: ValidationError) -> str:
    """Each wrong setting with both its names, and what was expected."""
    return "\n".join(
        f"--{str(problem['loc'][0]).replace('_', '-')}"
        f" ({ENV_PREFIX}{str(problem['loc'][0]).upper()}): {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
