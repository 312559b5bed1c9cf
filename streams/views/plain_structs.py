"""Structs with the fields of a contract's models: what msgspec reads in a fifth of the time.

They are made from the models, so that there is one list of fields. What they accept is
narrower: no field that the contract does not have, no number written as text, a time in
UTC as the scorer writes it. A model that asks for more than types (a limit, a pattern) is
refused when they are made.
"""

from datetime import datetime
from enum import Enum
from functools import partial, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel

__all__ = ["PlainStructs"]

_DAY = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
#: RFC 3339 in UTC; the 29th of February is left to the contract.
_TIME = rf"^20[0-9]{{2}}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?Z\Z"
_Time = Annotated[str, msgspec.Meta(pattern=_TIME)]
_LEAVES = (str, int, float, bool, type(None))


class PlainStructs:
    """Makes the struct of a model, and of those within it; takes some milliseconds."""

    def __init__(self) -> None:
        self._made: dict[type[BaseModel], Any] = {}

    def of(self, model: type[BaseModel], **kinds: Any) -> Any:
        """The struct of a model; ``kinds`` names other types for some of its fields.

        Raises:
            TypeError: it has a field of which more is asked than a type.
        """
        if model in self._made:
            return self._made[model]
        fields: list[Any] = []
        for name, field in model.model_fields.items():
            kind = kinds.get(name) or self._kind(field.annotation)
            if field.metadata and field.annotation is not datetime:
                raise TypeError(f"{model.__name__}.{name} asks for more than a type")
            if field.is_required():
                fields.append((name, kind))
            else:
                fields.append(
                    (name, kind, self._default(field.get_default(call_default_factory=True)))
                )
        self._made[model] = msgspec.defstruct(
            model.__name__, fields, kw_only=True, gc=False, forbid_unknown_fields=True
        )
        return self._made[model]

    def _default(self, value: Any) -> Any:
        if isinstance(value, BaseModel):
            return msgspec.field(
                default_factory=partial(msgspec.convert, value.model_dump(), self.of(type(value)))
            )
        return value

    def _kind(self, annotation: Any) -> Any:
        """The annotation with structs for models and texts for times."""
        origin, given = get_origin(annotation), get_args(annotation)
        if annotation in _LEAVES or origin is Literal:
            return annotation
        if annotation is datetime or (origin is Annotated and given[0] is datetime):
            return _Time
        if origin in (UnionType, Union):
            return reduce(or_, (self._kind(each) for each in given))
        if origin is tuple:
            return GenericAlias(tuple, (self._kind(given[0]), ...))
        if origin is dict:
            return GenericAlias(dict, (str, self._kind(given[1])))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.of(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return annotation
        raise TypeError(f"no plain form of {annotation}")
