"""How plain Kafka clients connect: the options of aiokafka and of librdkafka, from the settings."""

import logging
import ssl
from typing import Any

from streams.settings import Settings

__all__ = ["client_options", "rdkafka_options", "silent", "ssl_context"]


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context for Kafka, None without TLS."""
    if settings.kafka_security not in ("SSL", "SASL_SSL"):
        return None
    context = ssl.create_default_context(
        cafile=None if settings.kafka_ca_file is None else str(settings.kafka_ca_file)
    )
    if settings.kafka_cert_file is not None:
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    return context


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for an ``aiokafka`` consumer or producer."""
    password = settings.kafka_sasl_password
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.kafka_security,
        "ssl_context": ssl_context(settings),
    }
    if settings.kafka_security.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": None if password is None else password.get_secret_value(),
        }
    return options


def rdkafka_options(settings: Settings) -> dict[str, Any]:
    """The configuration of a ``confluent_kafka`` client."""
    options: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.kafka_security,
    }
    for key, path in (
        ("ssl.ca.location", settings.kafka_ca_file),
        ("ssl.certificate.location", settings.kafka_cert_file),
        ("ssl.key.location", settings.kafka_key_file),
    ):
        if path is not None:
            options[key] = str(path)
    if settings.kafka_security.startswith("SASL"):
        password = settings.kafka_sasl_password
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.username"] = settings.kafka_sasl_username or ""
        options["sasl.password"] = "" if password is None else password.get_secret_value()
    return options


def silent() -> logging.Logger:
    """Whatever troubles the client comes through its callback, as one sentence."""
    silent = logging.getLogger("librdkafka")
    silent.setLevel(logging.CRITICAL + 1)
    return silent
