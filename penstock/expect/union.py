"""All expectations there are. A new one is a class in this package, and a line in this union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from penstock.expect.base import ExpectationBase
from penstock.expect.columns import Missing, NotNull, Pattern, Range, Unique, Values
from penstock.expect.tables import Check, ForeignKey, Freshness, RowCount

Expectation = Annotated[
    RowCount | Freshness | NotNull | Missing | Unique | Range | Values | Pattern | Check | ForeignKey,
    Field(discriminator="kind"),
]

EXPECTATIONS: tuple[type[ExpectationBase], ...] = (
    RowCount,
    Freshness,
    NotNull,
    Missing,
    Unique,
    Range,
    Values,
    Pattern,
    Check,
    ForeignKey,
)
