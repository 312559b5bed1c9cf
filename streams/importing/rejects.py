"""Why a row gave no event."""

from enum import StrEnum

__all__ = ["CellError", "RejectReason"]


class RejectReason(StrEnum):
    """What a rejected row is counted under. The values are in rejects files: never rename one."""

    WRONG_CELLS = "wrong_cells"
    NOT_TEXT = "not_text"
    NOT_JSON = "not_json"
    MISSING_VALUE = "missing_value"
    BAD_INTEGER = "bad_integer"
    BAD_NUMBER = "bad_number"
    BAD_AMOUNT = "bad_amount"
    BAD_BOOLEAN = "bad_boolean"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    NOT_IN_MAP = "not_in_map"
    LOOKUP_MISS = "lookup_miss"
    LOOKUP_AMBIGUOUS = "lookup_ambiguous"
    INVALID_EVENT = "invalid_event"
    DUPLICATE_ID = "duplicate_id"


class CellError(Exception):
    """A cell that cannot become what the mapping says; ends in one reject, never in a traceback."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
