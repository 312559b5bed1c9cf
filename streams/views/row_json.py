"""What is kept of a row: the row and its point of the history, as JSON."""

import msgspec

from schemas.view_rows import Row
from schemas.views import CustomerHealth, point_fields

__all__ = ["point_json", "read_back", "row_json"]


def row_json(row: Row) -> bytes:
    """The row, as :class:`~schemas.views.CustomerHealth` reads it."""
    if isinstance(row, CustomerHealth):
        return row.model_dump_json().encode()
    return msgspec.json.encode(row)


def point_json(row: Row) -> bytes:
    """What its history keeps, as :class:`~schemas.views.HistoryPoint` reads it."""
    return msgspec.json.encode(point_fields(row))


def read_back(row: Row) -> CustomerHealth:
    """The row as those who read the view get it."""
    if isinstance(row, CustomerHealth):
        return row
    return CustomerHealth.model_validate_json(row_json(row))
