"""``vitals worker``: read the sources, keep the state, emit scores."""

import sys

import click

from streams.settings import Settings, options

__all__ = ["command"]


@click.command("worker")
@options(
    "bootstrap", "prefix", "redis", "redis_ca_file",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password",
    "signals_partitions", "scorecard", "clock", "as_of", "disorder_s", "step_s",
    "accept_gap", "parts", "data_dir",
    "pause_after_bad", "stalled_after",
    "tick_ms", "tick_customers", "checkpoint_ms", "progress_ms", "chunk_records",
    "session_timeout_s", "rebalance_timeout_s", "fetch_max_wait_ms", "broker_embedded",
    "replication", "metrics_port", "log_level", "log_format",
)  # fmt: skip
def command(settings: Settings) -> None:
    """Read the sources, keep the state, emit scores.

    Start as many as there is work for, up to the partitions of the signals log;
    they share it. One process uses one core: with --parts intake and --parts
    score, two of them share the work of one. The topics must exist (`vitals
    topics --create`). SIGTERM
    makes the state durable and ends the process; a killed one loses nothing.
    """
    from streams.logs import set_up
    from streams.worker import run_worker

    set_up(settings)
    sys.exit(run_worker(settings))
