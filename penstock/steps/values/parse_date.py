"""The step `parse_date`: dates and times out of text."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import field_validator

from penstock.blocks import Blocks, require
from penstock.slices import Words, checked_formats, checked_zone
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import refuse_rows
from penstock.steps.values.reading import read_texts, reader
from penstock.table import MISSING_TOKENS


class ParseDate(CellStep, StepBase):
    """Read dates and times out of text, by the first of some formats that reads it, in UTC.

    `formats` are strptime's directives, or `epoch_s`, `epoch_ms`, `epoch_us` and `epoch_ns` for counts since 1970; ISO
    8601 is always read. A text without an offset is in `timezone`, else in UTC. What does not read becomes missing, or
    with `on_error: refuse` an error.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"day": pd.array(["2.1.2026", "31.12.2026 18:00", "soon"], dtype="str")})
    >>> step = ParseDate(columns=("day",), formats=("%d.%m.%Y", "%d.%m.%Y %H:%M"), timezone="Europe/Berlin")
    >>> step.apply(frame)["day"].astype(str).tolist()
    ['2026-01-01 23:00:00', '2026-12-31 17:00:00', nan]
    >>> step.model_copy(update={"on_error": "refuse"}).apply(frame)
    Traceback (most recent call last):
    penstock.errors.DataError: The step `parse_date` cannot read the column 'day'...
    """

    kind: Literal["parse_date"] = "parse_date"
    columns: Words
    formats: Words = ()
    timezone: str = ""
    missing: Words = MISSING_TOKENS
    on_error: Literal["missing", "refuse"] = "missing"

    @field_validator("formats")
    @classmethod
    def _check_formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        checked_formats(formats)
        return formats

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, zone: str) -> str:
        checked_zone(zone)
        return zone

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, the named ones as moments.

        Raises
        ------
        PlanError
            A named column is absent or no text.
        """
        return self.turned(self.columns, kinds, TEXTS, "datetime")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with moments in place of texts.

        Raises
        ------
        DataError
            A text does not read, and the step is told to refuse it.
        """
        require(self.columns, blocks.texts)
        column = reader("datetime", formats=self.formats, timezone=self.timezone, missing=self.missing)
        made = {}
        for name in self.columns:
            made[name], bad = read_texts(column, blocks.texts[name])
            if self.on_error == "refuse":
                expected = f"dates or times, written as {', '.join((*self.formats, 'ISO 8601'))}"
                refuse_rows(self.name, name, np.flatnonzero(bad).tolist(), expected)
        return blocks.with_columns(made)
