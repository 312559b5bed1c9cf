"""What an evaluation leaves for the next one."""

import msgspec

from scoring.bands import Standing
from scoring.classes import Place
from scoring.handling import Handling
from scoring.indicators import Signalled

__all__ = ["Past"]


class Past(msgspec.Struct, array_like=True, frozen=True):
    """What the last evaluation found and the next one starts from."""

    standing: Standing = Standing()
    #: Segment, stage, archetype, outlook: kind -> (class, since).
    places: dict[str, Place] = {}
    indicators: dict[str, Signalled] = {}
    handling: Handling | None = None
