"""``vitals``: the command line. A command of ``streams.commands`` loads when it is used."""

import importlib
import sys

import click

from streams.exits import Exit, NamedExit

__all__ = ["main"]

#: Command -> (module in streams.commands, one line for --help).
COMMANDS = {
    "demo": "See it live: a simulated company, scored in front of you.",
    "worker": "Read the sources, keep the state, emit scores.",
    "outreach": "Turn crossed lines into messages.",
    "api": "Serve the page and the HTTP API from the view.",
    "health-check": "Write customers' health checks, to print or to send.",
    "topics": "Create and check the topics.",
    "import": "Turn CSV or JSON lines into events.",
    "replay": "Score JSON lines without a broker, in event time.",
    "intake": "Pause and resume sources, and see how far each is read.",
    "dead-letters": "Read what was refused, send it again or drop it.",
    "signals": "Read the signals log.",
    "scorecard": "Check and activate scorecards.",
    "percentiles": "Take and show what percentile measures compare with.",
    "retention": "Who still pays, and how much, by segment.",
    "view": "Rebuild and verify the Redis view.",
    "state": "Look into the state, copy it to a file and back.",
    "repartition": "Move the state to more partitions.",
    "upgrade": "See how far an upgrade is, and finalize it.",
    "schemas": "Print or export the JSON Schemas.",
    "capacity": "Reckon what an installation of some size needs.",
    "doctor": "Check broker, topics, Redis and settings.",
}


class _Lazy(click.Group):
    """A group whose commands are imported when called: ``--help`` must not cost a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"streams.commands.{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="customer-vitals", prog_name="vitals")
def cli() -> None:
    """Customer health, scored while it happens.

    Start with `vitals demo`. In production: `vitals topics`, then `vitals worker`,
    `vitals outreach` and `vitals api`, each as its own process.
    """


def main() -> None:
    """Run the command line; a named exit prints its message, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(Exit.INTERRUPTED)
    except NamedExit as named:
        click.echo(f"vitals: {named.message}", err=True)
        sys.exit(named.code)


if __name__ == "__main__":
    main()
