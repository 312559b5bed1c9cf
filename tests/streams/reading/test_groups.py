"""Asking a broker how far a group has come, when nobody has asked it about one before."""

from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
)

from streams.reading import groups


class NewBroker:
    """Refuses so often, then answers."""

    def __init__(self, *refusals: type[KafkaError]) -> None:
        self.refusals = list(refusals)

    async def list_consumer_group_offsets(self, group: str) -> dict[Any, Any]:
        if self.refusals:
            raise self.refusals.pop()
        return {"asked about": group}


async def test_a_new_broker_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_AGAIN_MS", 1)
    broker: Any = NewBroker(GroupCoordinatorNotAvailableError, GroupCoordinatorNotAvailableError)
    assert await groups._offsets(broker, "g") == {"asked about": "g"}


async def test_a_refusal_for_good_is_not_repeated() -> None:
    broker: Any = NewBroker(GroupAuthorizationFailedError)
    with pytest.raises(GroupAuthorizationFailedError):
        await groups._offsets(broker, "g")
