"""Settings: who wins, what counts as none, and what a wrong one is told."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams import settings as settings_module
from streams.settings import Settings, options


@click.command()
@options("bootstrap", "metrics_port", "kafka_sasl_password", "console_sink")
def command(settings: Settings) -> None:
    """Print what arrived."""
    password = settings.kafka_sasl_password
    click.echo(f"{settings.bootstrap} {settings.metrics_port} {settings.console_sink}")
    click.echo(password.get_secret_value() if password else "no password")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for /run/secrets."""
    monkeypatch.setattr(settings_module, "SECRETS_DIR", tmp_path)
    return tmp_path


def _run(*arguments: str, **environment: str) -> list[str]:
    result = CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.split("\n")


def test_an_option_wins_over_the_environment_and_that_over_the_default() -> None:
    """Three ways to say it, one order."""
    assert _run()[0].startswith("127.0.0.1:9092 ")
    assert _run(VITALS_BOOTSTRAP="env:1")[0].startswith("env:1 ")
    assert _run("--bootstrap", "option:1", VITALS_BOOTSTRAP="env:1")[0].startswith("option:1 ")


def test_an_empty_variable_counts_as_none() -> None:
    """Compose passes an unset variable on as an empty one."""
    assert _run(VITALS_METRICS_PORT="")[0].split()[1] == "None"


def test_a_secret_comes_from_its_file_unless_the_environment_has_it(secrets: Path) -> None:
    """As Docker and Kubernetes mount them; a line feed at the end does not count."""
    assert _run()[1] == "no password"
    (secrets / "vitals_kafka_sasl_password").write_text("from a file\n")
    assert _run()[1] == "from a file"
    assert _run(VITALS_KAFKA_SASL_PASSWORD="from the environment")[1] == "from the environment"


def test_a_wrong_value_names_its_option_and_variable_and_ends_with_2() -> None:
    """Whoever set it must find it, wherever it was set."""
    result = CliRunner().invoke(command, [], env={"VITALS_METRICS_PORT": "99999"})
    assert result.exit_code == 2
    assert "--metrics-port (VITALS_METRICS_PORT)" in result.output
    assert "65535" in result.output


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings end up in logs and error messages."""
    monkeypatch.setenv("VITALS_KAFKA_SASL_PASSWORD", "hush")
    monkeypatch.setenv("VITALS_REDIS", "redis://user:hush@host/0")
    assert "hush" not in repr(Settings())


def test_a_flag_can_be_switched_off() -> None:
    """``--no-console-sink`` says no where the default says yes."""
    assert _run()[0].endswith("True")
    assert _run("--no-console-sink")[0].endswith("False")
