"""``vitals outreach``: turn crossed lines into messages."""

import sys

import click

from streams.settings import Settings, options

__all__ = ["command"]


@click.command("outreach")
@options(
    "bootstrap", "prefix",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password",
    "console_sink", "slack_webhook_url", "webhook_url", "webhook_secret", "public_url",
    "signals_partitions", "replication", "data_dir", "chunk_records",
    "session_timeout_s", "rebalance_timeout_s", "fetch_max_wait_ms", "broker_embedded",
    "metrics_port", "log_level", "log_format",
)  # fmt: skip
def command(settings: Settings) -> None:
    """Turn crossed lines into messages: to the console, to Slack, to a webhook.

    Start one, or several that share the work. Every message goes to every sink that
    is configured, once for each id; a sink that is down is tried again for three
    days. SIGTERM ends the process; what waits is sent after the next start.
    """
    from streams.logs import set_up
    from streams.outreach.app import run_outreach
    from streams.sinks.configured import configured

    set_up(settings)
    sinks = configured(settings)
    names = ", ".join(sink.name for sink in sinks)
    click.echo(f"Messages go to: {names or 'nobody, no sink is configured'}", err=True)
    sys.exit(run_outreach(settings, sinks))
