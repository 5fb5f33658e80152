"""Questions to a candidate's twin: what would it say if a cell of these rows were that of another row.

Every question is made of raw cells that held-out rows really have, so it is read as a caller's would be: units, dates
and spellings are cast, and what is looked up by a key is looked up anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.backtest import Window
from penstock.bundle.bundle import Bundle
from penstock.judging import Judged
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.series.rule import SeriesRule
from penstock.table import Column, Target
from penstock.target import encode_target

# In which a forecast's past is asked for as one thing. No column has an empty name.
PAST = ""
MOST_ORIGINS = 6
# How often cells are exchanged anew.
REPEATS = 3
# A request of a forecast takes about as long as one for so many rows of another model.
ROWS_A_REQUEST = 500


@dataclass
class Clock:
    """How long may be asked. What is planned takes a part of it: only steps that are slow by themselves reach it."""

    limit: float
    started: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.over_after(0.0)

    def over_after(self, seconds: float) -> bool:
        """Whether the time would be up after what takes so many seconds more."""
        return time.monotonic() - self.started + seconds > self.limit


@dataclass(frozen=True)
class Asking:
    """Some held-out rows, and a twin to ask about them; arrays have shape (n_rows,) or (n_rows, n_labels).

    Attributes
    ----------
    y : numpy.ndarray
        What is true of them.
    own : numpy.ndarray
        What the twin says of them as they are.
    frame : pandas.DataFrame
        Their cells that can be exchanged, typed.
    columns : tuple of Column
        What each of these is, in the schema's order.
    is_private : bool
        Whether the target's values are nobody's to see.
    """

    twin: Bundle
    target: Target
    y: npt.NDArray[np.generic]
    own: Floats
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    context: Context | None
    is_private: bool
    _raw: pa.Table
    _windows: tuple[Window, ...] = ()
    _series: SeriesRule | None = None

    @classmethod
    def of(cls, judged: Judged, most: int, seed: int) -> Asking:
        """Return at most `most` of the held-out rows, drawn with a seed; of a forecast, those of a few origins.

        Parameters
        ----------
        judged : Judged
            All held-out rows and their twin.
        most : int
            How many rows; at least one origin of a forecast is taken whole.
        seed : int
            Which.
        """
        windows: tuple[Window, ...] = ()
        if judged.test is not None:
            rows, windows = _of_origins(judged.test.windows, most)
        else:
            rows = np.arange(len(judged.y))
            if len(rows) > most:
                rows = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])
        raw = judged.raw.take(pa.array(rows))
        columns = _sent(judged)
        return cls(
            twin=judged.twin,
            target=judged.target,
            y=judged.y[rows],
            own=judged.predicted[rows],
            frame=judged.schema.cast(raw, [c.name for c in columns]).frame,
            columns=columns,
            context=judged.context.take(rows) if judged.context is not None else None,
            is_private=judged.is_private,
            _raw=raw,
            _windows=windows,
            _series=judged.series,
        )

    def __len__(self) -> int:
        return len(self.y)

    @property
    def has_past(self) -> bool:
        """Whether a past is sent along with the rows."""
        return bool(self._windows)

    @property
    def weight(self) -> int:
        """For how many rows of another model it counts to ask about these once."""
        return len(self) + ROWS_A_REQUEST * len(self._windows)

    def ask(self, name: str, sources: Sequence[Ints]) -> list[Floats]:
        """Return what the twin says where a column's cells are those of other rows.

        Parameters
        ----------
        name : str
            One of `columns`.
        sources : sequence of numpy.ndarray
            By question, the row from which each row has its cell, int64 of shape (n_rows,).
        """
        place = self._raw.column_names.index(name)
        asked = [self._raw.set_column(place, name, self._raw[name].take(pa.array(rows))) for rows in sources]
        if not self._windows:
            answers = self.twin.predict(pa.concat_tables(asked)).estimates
            return list(answers.reshape(len(asked), len(self), *answers.shape[1:]))
        return [self._forecast(table, self._windows) for table in asked]

    def without_past(self, seeds: Sequence[int]) -> list[Floats]:
        """Return what a forecast says where the actual values of the past are shuffled."""
        return [
            self._forecast(self._raw, [_shuffled(w, self._series, self.target, seed) for w in self._windows])
            for seed in seeds
        ]

    def _forecast(self, table: pa.Table, windows: Sequence[Window]) -> Floats:
        answers, start = [], 0
        for window in windows:
            rows = table.slice(start, window.rows.num_rows)
            answers.append(self.twin.predict(rows, history=window.history).estimates)
            start += window.rows.num_rows
        return np.concatenate(answers)


def _sent(judged: Judged) -> tuple[Column, ...]:
    """Return what a caller sends and a model can go by: features, and keys by which something is looked up."""
    features = {c.name for c in judged.schema.features}
    if judged.series is not None:
        # When a row is and which series it belongs to says which row it is: exchanged, it would be another question.
        features -= set(judged.series.keys)
    wanted = features | set(judged.twin.keys)
    return tuple(c for c in judged.schema.columns if c.name in wanted and c.name in judged.raw.column_names)


def _of_origins(windows: Sequence[Window], most: int) -> tuple[Ints, tuple[Window, ...]]:
    sizes = np.array([window.rows.num_rows for window in windows])
    n = int(np.clip(most // max(int(sizes.mean()), 1), 1, min(MOST_ORIGINS, len(windows))))
    chosen = np.unique(np.linspace(0, len(windows) - 1, n).round().astype(int))
    ends = np.cumsum(sizes)
    rows = np.concatenate([np.arange(ends[i] - sizes[i], ends[i]) for i in chosen])
    return rows, tuple(windows[i] for i in chosen)


def _shuffled(window: Window, series: SeriesRule | None, target: Target, seed: int) -> Window:
    """Return a window in whose history the values that are known stand in another order."""
    assert series is not None
    history = window.history
    # Known is what is read as a number, which a raw cell that stands for none is not.
    known = np.flatnonzero(np.isfinite(np.asarray(encode_target(target, history[series.target]), dtype=np.float64)))
    order = np.arange(history.num_rows)
    # Where none is known none comes: the last known value stays at its moment, which is the origin.
    order[known] = np.random.default_rng(seed).permutation(known)
    for name in (series.target, *series.past):
        if name in history.column_names:
            moved = history[name].take(pa.array(order))
            history = history.set_column(history.column_names.index(name), name, moved)
    return Window(window.rows, history, window.origin)
