"""The moments of rows: one column, or a date and a clock beside it; and the step at which they follow each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.durations import told
from penstock.errors import DataError, SpecError
from penstock.series.rule import MICRO
from penstock.table import TableSchema

Ints = npt.NDArray[np.int64]
Moments = npt.NDArray[np.datetime64]
# What stands for no moment at all in microseconds.
NO_MOMENT = np.iinfo(np.int64).min
# A row may lie so much of a step beside its place: clocks are written a little early or late.
ASTRAY = 0.25
# A clock that is so little of a step beside the full one means the full one.
NEARLY = 0.02
_MONTH = (28 * 86_400.0, 31 * 86_400.0)
# Steps that rows of one series are looked at for.
_ENOUGH = 2_000_000


class Step(NamedTuple):
    """The step of the series and where it starts, in seconds; `told` says how it was found."""

    every: float
    phase: float
    told: str


def check_time(schema: TableSchema, time: str, clock: str | None) -> None:
    """Refuse columns that are no date and no time of day.

    Raises
    ------
    SpecError
        Naming the column and its kind.
    """
    column = schema.column(time)
    if column.kind != "datetime":
        raise SpecError(
            f"The forecast's `time` {time!r} is no date or time",
            got=column.kind,
            expected="a date or time",
            todo=f"Tell how it reads: columns: {{{time}: {{kind: datetime, formats: ['%d/%m/%Y']}}}}",
        )
    if clock is not None and schema.column(clock).kind not in ("time", "integer", "float"):
        raise SpecError(
            f"The column {clock!r} is no time of day",
            got=schema.column(clock).kind,
            expected="a time of day, or the hour as a number",
        )


def moments_of(frame: pd.DataFrame, schema: TableSchema, time: str, clock: str | None) -> Moments:
    """Return the moment of every row, datetime64[us] of shape (n_rows,), NaT where it has none.

    A row without a time of day is one of midnight: workbooks leave midnight out. A number is an hour.

    Examples
    --------
    >>> from penstock.table import Column
    >>> schema = TableSchema(columns=(Column(name="day", kind="datetime"), Column(name="hr", kind="integer")))
    >>> moments_of(pd.DataFrame({"day": pd.to_datetime(["2026-11-22"]), "hr": [5.0]}), schema, "day", "hr")
    array(['2026-11-22T05:00:00.000000'], dtype='datetime64[us]')
    """
    at = frame[time].to_numpy().astype("datetime64[us]")
    if clock is None:
        return at
    seconds = frame[clock].to_numpy(dtype=np.float64)
    seconds = np.where(np.isnan(seconds), 0.0, seconds) if schema.column(clock).kind == "time" else seconds * 3600.0
    gone = np.isnan(seconds)
    added = np.where(gone, 0.0, seconds * MICRO).round().astype(np.int64).astype("timedelta64[us]")
    return np.where(gone, np.datetime64("NaT", "us"), at + added)


def micros_of(at: Moments) -> Ints:
    """Return moments in microseconds since the start of 1970."""
    return at.astype("datetime64[us]").astype(np.int64)


def find_step(at: Moments, groups: Ints, every: float | None, where: str) -> Step:
    """Return the step of series, which is the most frequent one where none is given.

    Parameters
    ----------
    at : numpy.ndarray
        Moments, shape (n_rows,), none missing.
    groups : numpy.ndarray
        The series of every row, int64, shape (n_rows,).
    every : float, optional
        The step in seconds, where it was decided.
    where : str
        The source, for messages.

    Raises
    ------
    DataError
        No step is frequent enough to be the series' own, or it is no fixed length.

    Examples
    --------
    >>> at = np.array(["2026-01-01T00:30", "2026-01-01T01:30", "2026-01-01T02:30"], dtype="datetime64[us]")
    >>> find_step(at, np.zeros(3, dtype=np.int64), None, "a.csv")
    Step(every=3600.0, phase=1800.0, told='every 1h: 100 % of the 2 steps from row to row')
    """
    micros = micros_of(at)
    said = f"every {told(every)}, as decided" if every is not None else ""
    if every is None:
        order = np.lexsort((micros, groups))[:_ENOUGH]
        gaps = np.diff(micros[order])[np.diff(groups[order]) == 0]
        gaps = gaps[gaps > 0]
        if not len(gaps):
            raise DataError(
                "No two rows of one series follow each other", where=where, todo="Look at `time` and `group`."
            )
        # Clocks that are a little early or late are no step of their own.
        sizes, counts = np.unique(np.rint(gaps / MICRO), return_counts=True)
        best = int(np.argmax(counts))
        every, share = float(sizes[best]), float(counts[best] / len(gaps))
        if _MONTH[0] <= every <= _MONTH[1] and np.mean((sizes >= _MONTH[0]) & (sizes <= _MONTH[1])) > 0.5:
            raise DataError(
                "The rows of a series lie a month apart, and a step has to be of one length",
                where=where,
                todo="Forecast by weeks or days, or declare the step that comes nearest: every: 30d",
            )
        if share < 0.5 or every <= 0:
            raise DataError(
                "The rows of a series follow each other at no step of their own",
                where=where,
                got=f"the most frequent step, {told(every)}, is {share:.0%} of all",
                todo="Name the step: every: 1h, and leave out or aggregate what lies between.",
            )
        said = f"every {told(every)}: {100 * share:.3g} % of the {len(gaps):,} steps from row to row"
    size = round(every * MICRO)
    # Of phases that differ by less than a second the most frequent is meant, and a full step where that is all but one.
    phases, counts = np.unique(micros % size // MICRO, return_counts=True)
    phase = float(phases[int(np.argmax(counts))])
    return Step(every=every, phase=0.0 if min(phase, every - phase) <= NEARLY * every else phase, told=said)


def indices_of(at: Moments, every: float, phase: float) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the place of every moment on the grid, and whether it lies there or more than a quarter of a step beside.

    Moments that are missing have place 0 and lie beside it.
    """
    gone = np.isnat(at)
    size = round(every * MICRO)
    past = np.where(gone, 0, micros_of(at) - round(phase * MICRO))
    index = (past + size // 2) // size
    astray = np.abs(past - index * size) > ASTRAY * size
    return index.astype(np.int64), gone | astray


def moments_at(index: Ints, every: float, phase: float) -> Moments:
    """Return the moments of places on the grid, datetime64[us]."""
    return (index * round(every * MICRO) + round(phase * MICRO)).astype("datetime64[us]")


def moment_at(index: int, every: float, phase: float) -> str:
    """Return the moment of a place on the grid, as text.

    Examples
    --------
    >>> moment_at(1, 86400.0, 0.0), moment_at(3, 3600.0, 1800.0)
    ('1970-01-02', '1970-01-01 03:30:00')
    """
    at = str(moments_at(np.array([index]), every, phase).astype("datetime64[s]")[0]).replace("T", " ")
    return at.removesuffix(" 00:00:00")
