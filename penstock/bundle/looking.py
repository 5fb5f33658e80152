"""How a forecast looks back: what its bundle carries and what a caller sends of the past, as features of later rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.bundle.observed import warn
from penstock.bundle.predictions import Note
from penstock.bundle.rows import Given
from penstock.cells import EXPECTED, Misfit
from penstock.errors import RequestError
from penstock.series.features import series_features
from penstock.series.grid import NOWHERE, Floats, Ints
from penstock.series.history import Names, Past, merge_known, names_of, read_known, rows_named
from penstock.series.moments import indices_of, moment_at, moments_at, moments_of
from penstock.series.rule import HISTORY, MICRO, SERIES, SeriesRule
from penstock.table import TableSchema


@dataclass(frozen=True)
class Looked:
    """Rows with what is known of the past beside them.

    `steps` is how many steps ahead each lies and `scale` that of its series, both of shape (n_rows,).
    """

    frame: pd.DataFrame
    misfits: tuple[Misfit, ...]
    notes: tuple[Note, ...]
    steps: Ints
    scale: Floats


class Looking:
    """The past of a forecast's series.

    Parameters
    ----------
    rule : SeriesRule
        The rule.
    schema : TableSchema
        The model's columns.
    history : pyarrow.Table
        The rows that the model carries, raw.
    """

    def __init__(self, rule: SeriesRule, schema: TableSchema, history: pa.Table) -> None:
        self.rule = rule
        self._schema = schema
        columns = {name: history[name] for name in history.column_names}
        self._stored = read_known(rule, schema, columns, history.num_rows, sent=False)
        self._past = Past.of(self._stored)
        self.asked = tuple(c.name for c in schema.features if c.table != HISTORY)
        self._made = tuple(c.name for c in schema.features if c.table == HISTORY)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are cast of a row, the clock among them."""
        return self.asked if self.rule.clock is None else (*self.asked, self.rule.clock)

    @property
    def last_actual(self) -> str | None:
        """The moment of the last actual value that the model carries, over all series; None where it carries none."""
        if not self._past.ended.any():
            return None
        return moment_at(int(self._past.end[self._past.ended].max()), self.rule.every, self.rule.phase)

    def age(self, now: dt.datetime) -> float | None:
        """Return the seconds from the last actual value that the model carries to a moment."""
        last = self.last_actual
        if last is None:
            return None
        at = np.datetime64(last.replace(" ", "T"), "us").astype(np.int64)
        return now.timestamp() - int(at) / MICRO

    def next_row(self) -> dict[str, Any]:
        """Return the keys of a row that can be asked for: the step after the last actual value."""
        if not self._past.ended.any():
            return {}
        ends = np.where(self._past.ended, self._past.end, np.iinfo(np.int64).min)
        series = int(np.argmax(ends))
        at = self.moments(ends[series : series + 1] + 1)
        name = self._past.grid.groups[series]
        keys = {key: values[0] for key, values in self.keys(np.array([name], dtype=object), at).items()}
        return {key: None if self._schema.column(key).private else value for key, value in keys.items()}

    def moments(self, index: Ints) -> npt.NDArray[np.datetime64]:
        """Return the moments of places."""
        return moments_at(index, self.rule.every, self.rule.phase)

    def keys(self, names: Names, at: npt.NDArray[np.datetime64]) -> dict[str, list[Any]]:
        """Return rows' time, clock and series as a caller would send them in JSON."""
        rule = self.rule
        texts = [str(moment) for moment in at.astype("datetime64[s]")]
        keys: dict[str, list[Any]] = {}
        # A moment that says no zone would be taken as one of the column's.
        zone = "+00:00" if self._schema.column(rule.time).timezone else ""
        if rule.clock is None:
            keys[rule.time] = [text.replace("T", " ") + zone for text in texts]
        else:
            keys[rule.time] = [text.partition("T")[0] + (" 00:00:00" + zone if zone else "") for text in texts]
            clock = self._schema.column(rule.clock)
            keys[rule.clock] = [_clock(text.partition("T")[2], clock.kind) for text in texts]
        if rule.group is not None:
            keys[rule.group] = names.tolist()
        return keys

    def draw(self, n: int, seed: int) -> tuple[Names, npt.NDArray[np.datetime64]]:
        """Draw series and later moments within the horizon that can be asked for."""
        random = np.random.default_rng(seed)
        able = np.flatnonzero(self._past.ended)
        series = able[random.integers(0, len(able), n)]
        ahead = random.integers(1, self.rule.horizon, n, endpoint=True)
        names = np.array(self._past.grid.groups, dtype=object)[series]
        return names, self.moments(self._past.end[series] + ahead)

    def back(self, frame: pd.DataFrame, columns: Mapping[str, Any], history: Given | None) -> Looked:
        """Return rows with what is known of the past beside them.

        Parameters
        ----------
        frame : pandas.DataFrame
            The rows, cast, with the columns of `read`.
        columns : mapping of str to sequence
            Their raw columns.
        history : Given, optional
            Raw rows of the past that the caller sent.

        Raises
        ------
        RequestError
            A row lies beyond the horizon, at or before its series' last actual value, between two steps, or in a series
            of which nothing is known; or the history cannot be read.
        """
        rule = self.rule
        names = names_of(columns, rule.group, len(frame))
        at = moments_of(frame, self._schema, rule.time, rule.clock)
        index, astray = indices_of(at, rule.every, rule.phase)
        nameless = np.array([name is None for name in names], dtype=bool)
        gone = np.isnat(at) | nameless
        past, sent, notes = self._known(names, history)
        group = _codes(names, past)
        self._refuse(astray & ~gone, f"between the steps of {rule.length(1)}", names)
        safe = np.maximum(group, 0)
        known = (group != NOWHERE) & (past.ended[safe] if len(past.ended) else False)
        self._refuse_unknown(~known & ~gone, names)
        origin = past.end[safe] if len(past.end) else np.zeros(len(frame), dtype=np.int64)
        self._check_reach(index, origin, ~gone, names)
        index, origin = np.where(gone, 1, index), np.where(gone, 0, origin)
        group = np.where(gone, NOWHERE, group)
        made = series_features(rule, past.grid, past.past, group, index, origin)
        columns_of: dict[str, Any] = {name: frame[name] for name in self.asked}
        columns_of[rule.time] = np.where(gone, np.datetime64("NaT", "us"), self.moments(index))
        notes += self._age_notes(names, sent)
        steps, scale = index - origin, np.array([rule.scale_of(str(name)) for name in names])
        whole = pd.DataFrame({**columns_of, **{n: made[n] for n in self._made}}, index=frame.index, copy=False)
        return Looked(whole, self._misfits(frame, nameless), tuple(notes), steps, scale)

    def _known(self, names: Names, history: Given | None) -> tuple[Past, frozenset[str], list[Note]]:
        """Return the past as far as these rows need it, the series of which some was sent, and what to warn of."""
        if history is None:
            return self._past, frozenset(), []
        sent = read_known(self.rule, self._schema, history.columns, history.n_rows, sent=True)
        wanted = frozenset(str(name) for name in names if name is not None)
        new = frozenset(str(name) for name in sent.group) & wanted
        whole, earlier = merge_known(self._stored, sent, wanted)
        past = Past.of(whole)
        field = self.rule.group or self.rule.time
        notes = []
        short = self._short(past) & new
        if short:
            words = f"is forecast from few values: of the last {self.rule.length(self.rule.season)} most are not known"
            notes.append(Note(warn("short_history", self.rule.target, words), _rows(names, short)))
        if earlier:
            words = "is answered as of the history that was sent, which ends before what the model itself knows"
            notes.append(Note(warn("earlier_history", field, words), _rows(names, earlier)))
        unseen = new - frozenset(self._past.codes)
        if unseen:
            words = "names a series that training did not see; it is known from the history that was sent alone"
            notes.append(Note(warn("unseen_series", field, words), _rows(names, unseen)))
        return past, new, notes

    def _short(self, past: Past) -> frozenset[str]:
        """Return the series of which less than half of the last season is known."""
        series = np.flatnonzero(past.ended)
        back = np.arange(self.rule.season)[:, None]
        shape = (self.rule.season, len(series))
        cells = past.grid.values_at(np.broadcast_to(series, shape), past.end[series] - back)
        few = 2 * (~np.isnan(cells)).sum(axis=0) < self.rule.season
        return frozenset(past.grid.groups[i] for i in series[few])

    def _misfits(self, frame: pd.DataFrame, nameless: npt.NDArray[np.bool_]) -> tuple[Misfit, ...]:
        rule = self.rule
        found = [
            Misfit(row=int(row), column=rule.time, expected=EXPECTED["datetime"])
            for row in np.flatnonzero(frame[rule.time].isna().to_numpy())
        ]
        if rule.group is not None:
            rows = np.flatnonzero(nameless)
            found += [Misfit(row=int(row), column=rule.group, expected="the name of a series") for row in rows]
        return tuple(found)

    def _age_notes(self, names: Names, sent: frozenset[str]) -> list[Note]:
        age = self.age(dt.datetime.now(dt.UTC))
        if age is None or age <= self.rule.horizon * self.rule.every:
            return []
        rows = np.flatnonzero(np.array([name not in sent for name in names], dtype=bool))
        if not len(rows):
            return []
        words = (
            f"is forecast from a history that ends at {self.last_actual}, longer ago than the horizon; "
            "send more recent rows as `history`, or train anew"
        )
        return [Note(warn("old_history", self.rule.target, words), None if len(rows) == len(names) else rows)]

    def _refuse(self, wrong: npt.NDArray[np.bool_], where: str, names: Names) -> None:
        if wrong.any():
            rows = np.flatnonzero(wrong)
            raise RequestError(
                f"{rows_named(rows)}: the time lies {where}", where=self.rule.time, got=self._series(names, rows)
            )

    def _refuse_unknown(self, wrong: npt.NDArray[np.bool_], names: Names) -> None:
        if wrong.any():
            rows = np.flatnonzero(wrong)
            raise RequestError(
                f"{rows_named(rows)}: nothing is known of the series",
                where=self.rule.group or self.rule.time,
                got=self._series(names, rows),
                expected="a series that training had, or rows of it as `history`",
                todo="Send its actual values up to now: --history FILE, or `history` beside `rows`.",
            )

    def _check_reach(self, index: Ints, origin: Ints, asked: npt.NDArray[np.bool_], names: Names) -> None:
        rule = self.rule
        for wrong, words in (
            (asked & (index > origin + rule.horizon), f"more than {rule.length(rule.horizon)} after"),
            (asked & (index <= origin), "at or before"),
        ):
            if not wrong.any():
                continue
            rows = np.flatnonzero(wrong)
            last = moment_at(int(origin[rows[0]]), rule.every, rule.phase)
            raise RequestError(
                f"{rows_named(rows)}: the time lies {words} the last known actual value, which is of {last}",
                where=rule.time,
                got=self._series(names, rows),
                expected=f"one of the {rule.horizon:,} steps of {rule.length(1)} after it",
                todo="Send the actual values up to the moment from which to forecast as history.",
            )

    def _series(self, names: Names, rows: Ints) -> str:
        group = self.rule.group
        if group is None or self._schema.column(group).private:
            return ""
        return f"series {', '.join(repr(name) for name in dict.fromkeys(names[rows[:3]].tolist()))}"


def looking_of(plan: Mapping[str, Any], schema: TableSchema, tables: Mapping[str, pa.Table]) -> Looking | None:
    """Return how a model looks back, from its plan's JSON and the tables that it carries; None where it does not."""
    if SERIES not in plan or HISTORY not in tables:
        return None
    return Looking(SeriesRule.model_validate(plan[SERIES]), schema, tables[HISTORY])


def _codes(names: Names, past: Past) -> Ints:
    codes, distinct = pd.factorize(names)
    table = np.array([*(past.codes.get(str(name), NOWHERE) for name in distinct), NOWHERE], dtype=np.int64)
    # A missing name has the code -1, which is the table's last place.
    return table[codes]


def _rows(names: Names, of: frozenset[str]) -> Ints:
    return np.flatnonzero(np.array([name in of for name in names], dtype=bool))


def _clock(text: str, kind: str) -> Any:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    if kind == "time":
        return text
    exact = hours + minutes / 60 + seconds / 3600
    return int(exact) if exact == int(exact) else exact
