"""How far back a step looks, and what it takes: settings that several steps have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from penstock.durations import PATTERN, seconds_of

# Ten thousand years: beyond, microseconds no longer fit.
_MOST = 10_000 * 366 * 86_400.0


def _checked(value: Any) -> str | float:
    if isinstance(value, str):
        if not 0 < seconds_of(value) <= _MOST:
            raise ValueError(f"{value!r} must be more than nothing, and at most ten thousand years")
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise ValueError(f"{value!r} is neither a length of time such as 7d nor a number above 0")


# A length of time where rows are ordered by a date or time, a number where they are by a number; kept as it is written.
Reach = Annotated[
    str | float,
    BeforeValidator(_checked),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "exclusiveMinimum": 0}]}),
]


def measured(reach: str | float | None) -> float:
    """Return microseconds for a length of time, a number as it is, and 0 for None.

    Examples
    --------
    >>> measured("1min"), measured(2.5), measured(None)
    (60000000, 2.5, 0)
    """
    if reach is None:
        return 0
    return round(seconds_of(reach) * 1_000_000) if isinstance(reach, str) else reach


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, int | str) else value


Back = Annotated[int, Field(ge=1)]
Running = Literal["mean", "sum", "count", "min", "max", "std"]
Take = Literal["mean", "sum", "count", "min", "max", "std", "median"]
Change = Literal["difference", "ratio"]

# One of a kind or several.
Backs = Annotated[
    tuple[Back, ...], Field(min_length=1), BeforeValidator(_several, json_schema_input_type=Back | tuple[Back, ...])
]
Runnings = Annotated[
    tuple[Running, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=Running | tuple[Running, ...]),
]
Takes = Annotated[
    tuple[Take, ...], Field(min_length=1), BeforeValidator(_several, json_schema_input_type=Take | tuple[Take, ...])
]
Changes = Annotated[
    tuple[Change, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=Change | tuple[Change, ...]),
]
