"""The numeric profile of a typed frame: moments, quantiles, levels, gaps, and how the numeric columns are related.

There are two in every run. The arrays stage profiles all rows of a source, which is what the report tells of the data.
The wrangle stage profiles the training rows alone: that one travels in the bundle, is what answers are compared with,
and may never have seen a held-out row.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.arrays.levels import MAX_LEVELS, Counted, count_levels
from penstock.arrays.merging import merge
from penstock.arrays.moments import Described, describe
from penstock.arrays.quantiles import FENCE, QUANTILES
from penstock.arrays.records import (
    Collinear,
    ColumnProfile,
    CoMoments,
    Lengths,
    Level,
    Matrix,
    Numbers,
    Profile,
    Spacing,
)
from penstock.arrays.relations import Numeric, relate
from penstock.arrays.spans import span
from penstock.table import Column, TableSchema

__all__ = [
    "FENCE",
    "MAX_LEVELS",
    "QUANTILES",
    "CoMoments",
    "Collinear",
    "ColumnProfile",
    "Lengths",
    "Level",
    "Matrix",
    "Measured",
    "Numbers",
    "Profile",
    "Spacing",
    "merge",
    "profile_column",
    "profile_frame",
    "profile_of",
]

# Columns that are measured at once; NumPy and Arrow let go of the interpreter while they sort and count.
WORKERS = 2


class Measured(NamedTuple):
    """One column's profile and, of a numeric one, what relating it to others needs."""

    profile: ColumnProfile
    numeric: Numeric | None


def profile_frame(frame: pd.DataFrame, schema: TableSchema) -> Profile:
    """Measure a typed frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame that `TableSchema.cast` made, or some of its columns; shape (n_rows, n_columns).
    schema : TableSchema
        The kinds of its columns.

    Returns
    -------
    Profile
        One entry for each column that both know. It does not depend on the order of the rows, but for the order of
        dates and times, nor on how many threads measured it.

    References
    ----------
    The formulas and where they come from stand with `penstock.arrays.moments`, `quantiles`, `relations` and `levels`.
    """
    columns = {c.name: c for c in schema.columns}
    known = [columns[str(n)] for n in frame.columns if str(n) in columns]
    with ThreadPoolExecutor(WORKERS) as pool:
        measured = list(pool.map(lambda column: profile_column(column, frame[column.name]), known))
    return profile_of(len(frame), {column.name: m for column, m in zip(known, measured, strict=True)})


def profile_of(n_rows: int, measured: Mapping[str, Measured]) -> Profile:
    """Put measured columns together, in their order."""
    numeric = [m.numeric for m in measured.values() if m.numeric is not None]
    return Profile(n_rows=n_rows, columns={name: m.profile for name, m in measured.items()}, matrix=relate(numeric))


def profile_column(
    column: Column, values: Any, *, described: Described | None = None, counted: Counted | None = None
) -> Measured:
    """Measure one typed column.

    Parameters
    ----------
    column : Column
        What it holds.
    values : numpy.ndarray, pandas.Series, pandas extension array or pyarrow array
        float64, datetime64[us] or text by its kind, shape (n_rows,).
    described, counted : Described, Counted, optional
        What is known of numbers or levels already.
    """
    # Ids and private values are counted, never listed: a profile travels with the model.
    private = column.role == "id" or column.private
    about: dict[str, Any] = {"name": column.name, "kind": column.kind, "private": private}
    if column.is_numeric:
        numbers = np.asarray(values, dtype=np.float64)
        seen = described or describe(numbers, private)
        about |= {"n": seen.n, "missing": len(numbers) - seen.n, "distinct": seen.distinct, "numbers": seen.numbers}
        numeric = Numeric(column.name, numbers, seen.centre, seen.spread, seen.is_whole_column, private)
        return Measured(ColumnProfile(**about), numeric)
    if column.kind == "datetime":
        spanned = span(np.asarray(values, dtype="datetime64[us]"), private)
        about |= {"n": spanned.n, "missing": len(values) - spanned.n, "distinct": spanned.distinct}
        about |= {"earliest": spanned.earliest, "latest": spanned.latest, "spacing": spanned.spacing}
        return Measured(ColumnProfile(**about), None)
    counted = counted or count_levels(_text(values), private)
    about |= {"n": counted.n, "missing": len(values) - counted.n, "distinct": counted.n_levels}
    about |= {"levels": counted.levels, "n_levels": counted.n_levels}
    about |= {"entropy": counted.entropy, "lengths": counted.lengths}
    return Measured(ColumnProfile(**about), None)


def _text(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    # The pandas type stands on Arrow's own buffers: nothing is copied.
    return pa.array(values.array if isinstance(values, pd.Series) else values, from_pandas=True)
