"""``vitals worker``: read the sources, keep the state, emit scores."""

import sys

import click

from streams.settings import Settings, given_options, options

__all__ = ["command"]


@click.command("worker")
@options(
    "bootstrap", "prefix", "redis", "redis_ca_file",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password",
    "signals_partitions", "scorecard", "clock", "as_of", "disorder_s", "step_s",
    "accept_gap", "parts", "data_dir", "snapshot_s", "processes",
    "pause_after_bad", "stalled_after",
    "tick_ms", "tick_customers", "checkpoint_ms", "progress_ms", "chunk_records",
    "session_timeout_s", "rebalance_timeout_s", "fetch_max_wait_ms", "broker_embedded",
    "replication", "metrics_port", "metrics_socket", "log_level", "log_format",
)  # fmt: skip
def command(settings: Settings) -> None:
    """Read the sources, keep the state, emit scores.

    Start as many as there is work for, up to the partitions of the signals log;
    they share it, on one machine or on several. One process uses one core. On a
    machine with more, --processes N runs N of them as one: their lines begin with
    "worker-0 |", /metrics has the label `process`, /readyz says ready when all are,
    and when one ends the others are stopped and all end with its exit code. The
    topics must exist (`vitals topics --create`). SIGTERM makes the state durable
    and ends the process; a killed one loses nothing.
    """
    from streams.logs import set_up

    set_up(settings)
    if settings.processes == 1:
        from streams.worker import run_worker

        sys.exit(run_worker(settings))
    from streams.supervisor.workers import run_workers

    sys.exit(run_workers(settings, given_options(click.get_current_context().params)))
