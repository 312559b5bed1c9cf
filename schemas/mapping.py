"""The mapping file: how the rows of somebody else's tables become events.

A mapping is YAML. It names input files by pattern, and for each of them what to
emit per row; every field of an event says where its value comes from. Nothing in
a mapping is code: it can be read, reviewed and checked before a row is read.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.base import Id

__all__ = ["Condition", "Emit", "Input", "Lookup", "Mapping", "Repeat", "Scalar", "Source", "Step"]

Scalar = str | int | float | bool
Conversion = Literal["text", "integer", "number", "minor_units", "boolean", "time"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _written_short(value: Any) -> Any:
    """A text stands for a template, any other plain value for itself."""
    if isinstance(value, str):
        return {"template": value}
    if isinstance(value, bool | int | float):
        return {"constant": value}
    return value


class Condition(_Part):
    """A test of one column's text. Exactly one of the tests is given."""

    column: str
    present: bool | None = Field(default=None, description="Whether the cell holds anything.")
    equals: Scalar | None = None
    any_of: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    none_of: tuple[Scalar, ...] | None = Field(default=None, alias="not_in")
    above: float | int | None = Field(
        default=None, description="True where the cell is a number above this one."
    )

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        tests = (self.present, self.equals, self.any_of, self.none_of, self.above)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("expected exactly one of present, equals, in, not_in, above")
        return self


class Step(_Part):
    """A span of time, in calendar months, days and seconds; each a number or where to find one."""

    months: "FieldSource | None" = None
    days: "FieldSource | None" = None
    seconds: "FieldSource | None" = None

    @model_validator(mode="after")
    def _some_span(self) -> Self:
        if self.months is None and self.days is None and self.seconds is None:
            raise ValueError("expected at least one of months, days, seconds")
        return self


class Source(_Part):
    """Where a field's value comes from. Exactly one of column, constant, template, lookup, fields.

    A plain text is short for a template, any other plain value for a constant.
    An empty cell leaves the field out, unless there is a ``default``.
    """

    column: str | None = Field(
        default=None, description="A column; in JSON lines `a.b` reaches into objects."
    )
    constant: Scalar | None = None
    template: str | None = Field(
        default=None, description="Text with {column} in it; left out if one of them is empty."
    )
    lookup: str | None = Field(default=None, description="The name of a look-up; needs `key`.")
    key: str | None = Field(default=None, description="The column that holds the look-up's key.")
    fields: "dict[str, FieldSource] | None" = Field(
        default=None, description="For a field that is itself a table of texts."
    )

    map: dict[str, Scalar] | None = Field(
        default=None, description="Cell text to value, before conversion. Other texts are rejected."
    )
    default: Scalar | None = Field(default=None, description="The value of an empty cell.")
    convert: Conversion = Field(default="text", alias="as")
    scale: int | float | None = Field(
        default=None, description="With integer or number: multiply by this."
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description="With minor_units: the ISO 4217 code."
    )
    currency_column: str | None = Field(
        default=None, description="With minor_units: the column that holds the code."
    )
    format: str | None = Field(
        default=None,
        description="With time: rfc3339 (the default), unix_s, unix_ms, or a strptime format.",
    )
    zone: str | None = Field(
        default=None, description="With time: the IANA zone of times without offset."
    )
    at: Annotated[str, Field(pattern=r"^\d{2}:\d{2}(:\d{2})?$")] | None = Field(
        default=None, description="With time: the time of day that a mere date stands for."
    )
    plus: Step | None = Field(default=None, description="With time: move it on.")
    words_true: tuple[str, ...] | None = Field(default=None, description="With boolean.")
    words_false: tuple[str, ...] | None = Field(default=None, description="With boolean.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        origins = (self.column, self.constant, self.template, self.lookup, self.fields)
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("expected exactly one of column, constant, template, lookup, fields")
        if (self.lookup is None) != (self.key is None):
            raise ValueError("`lookup` and `key` go together")
        if self.convert == "minor_units" and (self.currency is None) == (
            self.currency_column is None
        ):
            raise ValueError("`as: minor_units` needs either currency or currency_column")
        for name, conversions in _OPTION_OF.items():
            if getattr(self, name) is not None and self.convert not in conversions:
                raise ValueError(f"`{name}` is for `as: {' or '.join(conversions)}`")
        if self.convert == "time" and self.format not in (None, *_FIXED_FORMATS):
            if self.zone is None and "%z" not in str(self.format):
                raise ValueError("a time format without %z needs `zone`, such as UTC")
        elif self.zone is not None or self.at is not None:
            raise ValueError("`zone` and `at` go with a strptime format")
        return self


_FIXED_FORMATS = ("rfc3339", "unix_s", "unix_ms")
_OPTION_OF: dict[str, tuple[Conversion, ...]] = {
    "scale": ("integer", "number"),
    "currency": ("minor_units",),
    "currency_column": ("minor_units",),
    "format": ("time",),
    "zone": ("time",),
    "at": ("time",),
    "plus": ("time",),
    "words_true": ("boolean",),
    "words_false": ("boolean",),
}

FieldSource = Annotated[
    Source, BeforeValidator(_written_short, json_schema_input_type=Scalar | Source)
]


class Repeat(_Part):
    """Emit once per period: at ``start`` plus one step, plus two, and so on, before ``until``.

    Fields find the repetition in ``_n`` (1, 2, ...), its time in ``_at`` and the
    following one in ``_next``. Without a start or a step nothing is emitted.
    """

    start: FieldSource
    every: Step
    until: FieldSource
    at_most: Annotated[int, Field(ge=1, le=10_000)] = 1000


class Emit(_Part):
    """One event per row for which all of ``when`` holds."""

    type: str = Field(description="The event's type, such as usage.feature.")
    when: tuple[Condition, ...] = ()
    skip_empty: tuple[str, ...] = Field(
        default=(), description="Nothing is emitted where one of these columns is empty."
    )
    repeat: Repeat | None = None
    fields: dict[str, FieldSource] = Field(
        description="Field of the event to where its value comes from."
    )


class _Table(_Part):
    file: str = Field(description="Pattern of the file's name, such as `orders*.csv*`.")
    format: Literal["csv", "jsonl"] | None = Field(
        default=None, description="Default: by the name (.jsonl, .ndjson, .json are JSON lines)."
    )
    delimiter: Annotated[str, Field(pattern=r"^(whitespace|tab|[^\s\"])$")] | None = Field(
        default=None,
        description="One character, `tab` or `whitespace`. Default: tab for .tsv, else a comma.",
    )
    encoding: str = "utf-8"
    columns: tuple[str, ...] | None = Field(
        default=None, description="Names, for a file whose first line is not a header."
    )


class Lookup(_Table):
    """A table from key to value, read before the rows; the file is given like any other."""

    key: str
    value: str


class Input(_Table):
    """What to emit for each row of the files that match; or why nothing is."""

    emit: tuple[Emit, ...] = ()
    ignored: str | None = Field(
        default=None, description="Why these files are accepted and not read."
    )

    @model_validator(mode="after")
    def _emit_or_ignored(self) -> Self:
        if bool(self.emit) == (self.ignored is not None):
            raise ValueError("expected either `emit` or `ignored`")
        return self


class Mapping(_Part):
    """A whole mapping file."""

    mapping: Id = Field(description="The mapping's name.")
    description: str = ""
    source: Id = Field(description="The `source` of every event, where an emit names no other.")
    lookups: dict[str, Lookup] = Field(default_factory=dict)
    inputs: tuple[Input, ...] = Field(min_length=1)
