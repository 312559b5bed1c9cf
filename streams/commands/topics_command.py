"""``vitals topics``: create and check the topics."""

import json
import sys

import click

from streams.settings import Settings, options

__all__ = ["command"]


@click.command("topics")
@click.option("--create", is_flag=True, help="Create the topics that are missing.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@options(
    "bootstrap", "prefix", "signals_partitions", "source_partitions", "replication",
    "kafka_security", "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
    "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password", "broker_embedded",
)  # fmt: skip
def command(settings: Settings, create: bool, as_json: bool) -> None:
    """Create and check the topics.

    Exits with 0 if all are as they must be, with 71 if one is missing or wrong,
    naming it. Nothing that exists is ever changed or deleted.
    """
    from rich.console import Console
    from rich.table import Table

    from streams.engine.topics import TopicState, check_topics, create_topics, remedy_for
    from streams.exits import Exit

    if create:
        findings = create_topics(settings, lambda name: click.echo(f"created {name}", err=True))
    else:
        findings = check_topics(settings)
    if as_json:
        click.echo(json.dumps([{**_row(f)} for f in findings], indent=2))
    else:
        table = Table(box=None, header_style="bold")
        table.add_column("state")
        table.add_column("topic", no_wrap=True)
        table.add_column("partitions", justify="right")
        table.add_column("", ratio=1)
        styles = {TopicState.OK: "green", TopicState.MISSING: "yellow", TopicState.MISMATCH: "red"}
        for f in findings:
            state = f"[{styles[f.state]}]{f.state}[/]"
            table.add_row(state, f.name, str(f.partitions or "-"), f.detail or f.purpose)
        Console().print(table)
    if any(f.state is not TopicState.OK for f in findings):
        if not create and any(f.state is TopicState.MISSING for f in findings):
            click.echo("Create what is missing with: vitals topics --create", err=True)
        if any(f.state is TopicState.MISMATCH for f in findings):
            click.echo(remedy_for(settings, findings), err=True)
        sys.exit(Exit.TOPIC_MISMATCH)


def _row(finding: object) -> dict[str, object]:
    return {
        name: getattr(finding, name)
        for name in ("name", "state", "partitions", "detail", "purpose")
    }
