"""How log lines look. Set up once, by the command."""

import json
import logging
import sys
from datetime import UTC, datetime

from streams.settings import Settings

__all__ = ["set_up"]

#: Libraries that tell their own story at length; their warnings stay.
_CHATTY = ("faust", "mode", "aiokafka", "asyncio", "httpx", "httpcore", "slack_sdk", "uvicorn")


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up(settings: Settings) -> None:
    """Log to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(_Json())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    level = logging.getLevelName(settings.log_level.upper())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else logging.WARNING)
    logging.getLogger("mode.timers").setLevel(logging.ERROR)  # a late timer is no event
    # Its livelock detector takes a partition without traffic for a stuck one.
    logging.getLogger("faust.transport.drivers.aiokafka").setLevel(logging.CRITICAL)
