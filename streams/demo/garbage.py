"""Records that no consumer should choke on. Pure; each becomes one dead letter."""

import json
import random
from collections.abc import Iterator
from itertools import count

from streams.demo.company import DAY_MS, rfc3339

__all__ = ["bad_records"]


def bad_records(seed: int) -> Iterator[tuple[str, bytes, str]]:
    """Without end: the family whose topic it goes to, the value, and what is wrong with it."""
    rng = random.Random(f"garbage/{seed}")
    for number in count(1):
        at = rfc3339(1_750_000_000_000 + rng.randrange(DAY_MS))
        good = {
            "event_id": f"bad-{number}", "customer_id": "nobody", "occurred_at": at,
            "source": "product", "type": "usage.feature", "feature": "reports",
        }  # fmt: skip
        for wrong, value in (
            ("cut off", json.dumps(good)[:-9].encode()),
            ("no customer", _json({k: v for k, v in good.items() if k != "customer_id"})),
            ("no offset", _json({**good, "occurred_at": at.rstrip("Z")})),
            ("unknown type", _json({**good, "type": "usage.telepathy"})),
            ("unknown version", _json({**good, "schema_version": "7.0"})),
            ("not an object", b'["reports", 3]'),
            ("wrong type", _json({**good, "quantity": "many"})),
        ):
            yield "usage", value, wrong


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
