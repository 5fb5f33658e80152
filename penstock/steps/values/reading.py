"""Texts read as a source's cells are: each distinct text once, by the same code."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.blocks import Texts
from penstock.casting import MISSING_DATE, Encoded, cast_column, cast_encoded
from penstock.cells import canonical_text
from penstock.table import Column, Kind

# Up to here a text is parsed by itself: handing a column to Arrow costs more than that.
FEW_LEVELS = 64


@lru_cache(maxsize=1024)
def reader(kind: Kind, units: tuple[tuple[str, float], ...] = (), **written: str | tuple[str, ...]) -> Column:
    """Return the column that says how texts read; `written` are further fields of it."""
    return Column.model_validate({"name": kind, "kind": kind, "units": dict(units), **written})


def read_texts(column: Column, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Read every row's text.

    Parameters
    ----------
    column : Column
        How the texts read, of a kind that is no text.
    texts : Texts
        One column, n_rows texts.

    Returns
    -------
    tuple of numpy.ndarray
        float64 or datetime64[us] of shape (n_rows,), and where a text does not read, bool of shape (n_rows,).
    """
    if len(texts.levels) > FEW_LEVELS:
        values, rows = cast_encoded(column, Encoded(texts.codes, pa.array(texts.levels, pa.string())))
        bad = np.zeros(len(texts.codes), dtype=bool)
        bad[rows] = True
        return values, bad
    done, misfits = cast_column(column, list(texts.levels))
    wrong = np.zeros(len(done) + 1, dtype=bool)
    wrong[[misfit.row for misfit in misfits]] = True
    nothing = MISSING_DATE if column.kind == "datetime" else np.nan
    return np.append(done, nothing)[texts.codes], wrong[texts.codes]


def texts_of(values: np.ndarray) -> Texts:
    """Return numbers or moments as a source's cells would read as text.

    Examples
    --------
    >>> texts_of(np.array([2.0, np.nan, 2.5, 2.0])).array().tolist()
    ['2', nan, '2.5', '2']
    """
    codes, distinct = pd.factorize(values)
    seen: dict[str, int] = {}
    table = [seen.setdefault(canonical_text(value), len(seen)) for value in distinct]
    return Texts(np.array([*table, -1], dtype=np.intp)[codes], tuple(seen))
