"""What ``apply.lua`` is given, and what it answers. Pure.

Fifty rows are one call: most of what a row cost was calls, each with all keys.
"""

from collections.abc import Iterator, Sequence

import msgspec

from schemas.view_rows import Row
from streams.clock import to_ms
from streams.views.attention import attention_of
from streams.views.base import HISTORY_MAX, STREAM_MAX, Applied
from streams.views.ranking import findable, members_of
from streams.views.redis_keys import Keys
from streams.views.row_json import point_json, row_json

__all__ = ["Call", "answers_of", "calls_of", "told"]

#: Rows in one call of the script: Redis does nothing else for so long, 1 or 2 ms.
CALL_ROWS = 50

#: The keys and the arguments of one call of a script.
Call = tuple[list[str], Sequence[str | bytes]]


def calls_of(keys: Keys, rows: Sequence[Row]) -> list[Call]:
    """The calls that take in these rows, in order."""
    shared = keys.shared()
    return [(shared, _arguments(keys, part)) for part in _parts(rows)]


def answers_of(words: Sequence[str]) -> list[Applied]:
    """What became of each row, from the calls' answers."""
    return [Applied(word) for answer in words for word in answer.split()]


def told(value: int | None) -> str:
    """A number as a script is given it; None is empty."""
    return "" if value is None else str(value)


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in parts of different customers: a script looks at each customer once."""
    part: dict[str, Row] = {}
    for row in rows:
        if row.customer_id in part or len(part) == CALL_ROWS:
            yield list(part.values())
            part = {}
        part[row.customer_id] = row
    if part:
        yield list(part.values())


def _arguments(keys: Keys, rows: Sequence[Row]) -> list[str | bytes]:
    found: list[str | bytes] = [
        str(HISTORY_MAX),
        str(STREAM_MAX),
        keys.customer_head,
        keys.history_head,
        msgspec.json.encode([_facts(row) for row in rows]),
    ]
    for row in rows:
        found += row_json(row), point_json(row)
    return found


def _facts(row: Row) -> list[str]:
    at_ms = to_ms(row.changed_at)
    segment = row.health.segment
    attention = attention_of(row, at_ms)
    return [
        row.customer_id,
        str(row.epoch),
        str(row.sequence),
        findable(row),
        "" if segment is None else segment.name,
        "" if segment is None else segment.label,
        told(row.health.score),
        str(at_ms),
        told(attention.next_ms),
        *members_of(row, attention),
    ]
