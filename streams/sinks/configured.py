"""The sinks that the settings ask for."""

import click

from streams.settings import Settings
from streams.sinks.base import Sink
from streams.sinks.console import ConsoleSink
from streams.sinks.slack_webhook import SlackWebhookSink
from streams.sinks.webhook import WebhookSink

__all__ = ["configured"]


def configured(settings: Settings) -> list[Sink]:
    """Build the sinks.

    Raises:
        click.UsageError: a setting is unusable; the message never holds a secret.
    """
    sinks: list[Sink] = []
    try:
        if settings.console_sink:
            sinks.append(ConsoleSink())
        if settings.slack_webhook_url is not None:
            sinks.append(SlackWebhookSink(settings.slack_webhook_url.get_secret_value()))
        if settings.webhook_url is not None:
            secret = settings.webhook_secret
            given = [] if secret is None else secret.get_secret_value().split(",")
            secrets = [part.strip() for part in given if part.strip()]
            sinks.append(WebhookSink(settings.webhook_url, secrets))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return sinks
