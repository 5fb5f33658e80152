"""A typed frame as blocks: numbers in one matrix, texts as codes into their distinct levels, moments apart.

A step that works on the matrix treats all columns in one NumPy call, and one that works on texts looks at each distinct
text once. That is what keeps a whole plan on a single row within a millisecond, and on a million rows within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from penstock.errors import DataError
from penstock.table import closest

FloatMatrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_TEXT = pd.StringDtype(na_value=np.nan)
# No column of two thousand million different texts fits into memory.
CODES = np.int32
# From here on columns are held apart; below, one call for all of them is what counts.
MANY_ROWS = 10_000


@dataclass(frozen=True)
class Texts:
    """One column of texts: codes of shape (n_rows,) into its distinct levels, -1 for missing."""

    codes: np.ndarray
    levels: tuple[str, ...]

    @classmethod
    def of(cls, values: Any) -> Texts:
        """Factorise a pandas array; the levels stand in the order in which they occur."""
        codes, levels = values.factorize()
        return cls(codes=codes.astype(CODES), levels=tuple(levels.tolist()))

    def mapped(self, function: Callable[[str | None], str | None]) -> Texts:
        """Return the column with each distinct text, missing (None) included, replaced by `function` of it."""
        seen: dict[str, int] = {}
        table = [-1 if new is None else seen.setdefault(new, len(seen)) for new in map(function, (*self.levels, None))]
        # The code -1 of missing takes the table's last place, which is what None became.
        return Texts(codes=np.array(table, dtype=CODES)[self.codes], levels=tuple(seen))

    def take(self, rows: np.ndarray | slice) -> Texts:
        """Return some rows, by mask or by position, with the levels that occur there in the order in which they do."""
        codes = self.codes[rows]
        first = np.full(len(self.levels) + 1, len(codes), dtype=np.intp)
        # Written backwards, the first place of each code is what stays; missing takes the last entry.
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        order = np.argsort(first[:-1], kind="stable")
        n_there = int((first[:-1] < len(codes)).sum())
        new = np.full(len(first), -1, dtype=CODES)
        new[order[:n_there]] = np.arange(n_there)
        return Texts(new[codes], tuple(self.levels[i] for i in order[:n_there].tolist()))

    def counts(self) -> dict[str, int]:
        """Return how often each level occurs."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))
        return {level: int(n) for level, n in zip(self.levels, found, strict=True)}

    def array(self) -> Any:
        """Return a pandas `str` array of shape (n_rows,)."""
        distinct = pd.array(list(self.levels), dtype=_TEXT)
        if len(self.codes) == 1 and self.codes[0] >= 0 and len(self.levels) == 1:
            return distinct
        return distinct.take(self.codes, allow_fill=True)


@dataclass(frozen=True)
class Blocks:
    """Columns of one table: numbers, moments and texts by name. Nothing in it is changed in place.

    `held` has the numbers: of few rows one float64 matrix of shape (n_rows, n_numbers), so that a step treats all
    columns of a request in one call; of many rows the columns apart, each contiguous, so that those which a step leaves
    alone are shared and cost nothing.
    """

    n_rows: int
    number_names: tuple[str, ...]
    held: FloatMatrix | Sequence[np.ndarray]
    moments: Mapping[str, np.ndarray]
    texts: Mapping[str, Texts]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Blocks:
        """Take a typed frame apart; what is given is never changed through it."""
        names = tuple(frame.columns.tolist())
        n_rows = len(frame)
        dtypes = frame.dtypes.tolist()
        if n_rows < MANY_ROWS and all(d.kind in "fiub" for d in dtypes):
            return cls(n_rows, names, np.array(frame.to_numpy(dtype=np.float64), order="F", copy=True), {}, {})
        numbers: list[str] = []
        columns: list[np.ndarray] = []
        moments: dict[str, np.ndarray] = {}
        texts: dict[str, Texts] = {}
        for name, (_, series), dtype in zip(names, frame.items(), dtypes, strict=True):
            if dtype.kind in "fiub":
                numbers.append(name)
                columns.append(np.ascontiguousarray(series.to_numpy(dtype=np.float64)))
            elif dtype.kind == "M":
                moments[name] = series.to_numpy().astype("datetime64[us]", copy=n_rows < MANY_ROWS)
            else:
                texts[name] = Texts.of(series.array)
        held = tuple(columns) if n_rows >= MANY_ROWS else stacked(columns, n_rows)
        return cls(n_rows, tuple(numbers), held, moments, texts)

    @property
    def numbers(self) -> FloatMatrix:
        """All numbers as one matrix of shape (n_rows, n_numbers); of many rows it is made anew."""
        return self.held if isinstance(self.held, np.ndarray) else stacked(self.held, self.n_rows)

    def matrix(self, names: Sequence[str]) -> FloatMatrix:
        """Return some numbers as a matrix of shape (n_rows, n_names), in the order of the names.

        Raises
        ------
        DataError
            There is no number of that name.
        """
        at = self.positions(names)
        if isinstance(self.held, np.ndarray):
            return self.held[:, at]
        return stacked(self.held if isinstance(at, slice) else [self.held[i] for i in at.tolist()], self.n_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names: numbers, moments, texts."""
        return (*self.number_names, *self.moments, *self.texts)

    def __contains__(self, name: object) -> bool:
        """Whether there is a column of that name."""
        return name in self.texts or name in self.moments or name in self.number_names

    def column(self, name: str) -> np.ndarray | Texts:
        """Return one column: a view of shape (n_rows,), float64 or datetime64[us], or texts.

        Raises
        ------
        DataError
            There is none of that name.
        """
        if name in self.texts:
            return self.texts[name]
        if name in self.moments:
            return self.moments[name]
        return self.number(name)

    def number(self, name: str) -> np.ndarray:
        """Return one column of numbers, float64 of shape (n_rows,) and contiguous.

        Raises
        ------
        DataError
            There is no number of that name.
        """
        require([name], self.number_names)
        at = self.number_names.index(name)
        # NumPy may compute with scattered numbers in another way than with those that lie together.
        return np.ascontiguousarray(self.held[:, at]) if isinstance(self.held, np.ndarray) else self.held[at]

    def frame(self) -> pd.DataFrame:
        """Return a pandas frame: numbers first, then moments, then texts."""
        index = pd.RangeIndex(self.n_rows)
        rest = {**self.moments, **{name: texts.array() for name, texts in self.texts.items()}}
        if not isinstance(self.held, np.ndarray):
            numbers = dict(zip(self.number_names, self.held, strict=True))
            return pd.DataFrame({**numbers, **rest}, index=index, copy=False)
        matrix = pd.DataFrame(self.held, columns=list(self.number_names), index=index, copy=False)
        if not rest:
            return matrix
        others = pd.DataFrame(rest, index=index, copy=False)
        return pd.concat([matrix, others], axis=1) if self.number_names else others

    def take(self, rows: np.ndarray) -> Blocks:
        """Return some rows, by mask of shape (n_rows,) or by position, as if they had been taken apart alone."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        columns = [*self.held.T] if isinstance(self.held, np.ndarray) else self.held
        picked = [column[at] for column in columns]
        return Blocks(
            n_rows=len(at),
            number_names=self.number_names,
            held=tuple(picked) if len(at) >= MANY_ROWS else stacked(picked, len(at)),
            moments={name: values[at] for name, values in self.moments.items()},
            texts={name: texts.take(at) for name, texts in self.texts.items()},
        )

    def seen_at(self, at: np.ndarray) -> Blocks:
        """Return the rows at some positions, each column taken only when it is looked at, and kept by nobody.

        So a step may learn from a million training rows without the table being in memory once more.
        """
        if len(at) < MANY_ROWS or isinstance(self.held, np.ndarray):
            return self.take(at)
        return Blocks(
            n_rows=len(at),
            number_names=self.number_names,
            held=_Seen(self.held, at),
            moments=_SeenByName(self.moments, lambda values: values[at]),
            texts=_SeenByName(self.texts, lambda texts: texts.take(at)),
        )

    def positions(self, names: Sequence[str]) -> slice | np.ndarray:
        """Return where the named columns stand in the matrix."""
        if names == self.number_names:
            return slice(None)
        places = {name: i for i, name in enumerate(self.number_names)}
        require(names, places)
        return np.array([places[name] for name in names], dtype=np.intp)

    def with_numbers(self, names: Sequence[str], values: FloatMatrix) -> Blocks:
        """Return the blocks with the named numbers replaced by those of a matrix of shape (n_rows, n_names)."""
        at = self.positions(names)
        if not isinstance(self.held, np.ndarray):
            columns, whole = list(self.held), np.asfortranarray(values)
            places = range(len(columns)) if isinstance(at, slice) else at.tolist()
            for j, place in enumerate(places):
                columns[place] = whole[:, j]
            return replace(self, held=tuple(columns))
        if isinstance(at, slice):
            return replace(self, held=values)
        numbers = self.held.copy(order="F")
        numbers[:, at] = values
        return replace(self, held=numbers)

    def with_changed(self, names: Sequence[str], change: Callable[[FloatMatrix, slice], FloatMatrix]) -> Blocks:
        """Return the blocks with the named numbers as a function leaves them.

        Parameters
        ----------
        names : sequence of str
            The columns.
        change : callable
            Takes values of shape (n_rows, n) and which of the named columns they are, and gives the new ones, or the
            same array where there is nothing to change. Of few rows it is called once with all columns, of many with
            one column after the other.
        """
        if isinstance(self.held, np.ndarray):
            return self.with_numbers(names, change(self.matrix(names), slice(0, len(names))))
        columns, at = list(self.held), self.positions(names)
        places = range(len(columns)) if isinstance(at, slice) else at.tolist()
        for j, place in enumerate(places):
            before = columns[place][:, None]
            after = change(before, slice(j, j + 1))
            if after is not before:
                columns[place] = np.ascontiguousarray(after[:, 0])
        return replace(self, held=tuple(columns))

    def with_more_numbers(self, names: Sequence[str], values: FloatMatrix) -> Blocks:
        """Return the blocks with numbers added behind the others."""
        if isinstance(self.held, np.ndarray):
            held: Any = np.concatenate([self.held, values], axis=1)
        else:
            whole = np.asfortranarray(values)
            held = (*self.held, *(whole[:, j] for j in range(len(names))))
        return replace(self, number_names=(*self.number_names, *names), held=held)

    def with_texts(self, changed: Mapping[str, Texts]) -> Blocks:
        """Return the blocks with some text columns replaced."""
        return replace(self, texts={**self.texts, **changed})

    def with_columns(self, columns: Mapping[str, np.ndarray | Texts]) -> Blocks:
        """Return the blocks with columns replaced, whatever they held, or added at the end."""
        kept = self.without(columns)
        numbers = {n: v for n, v in columns.items() if not isinstance(v, Texts) and v.dtype.kind == "f"}
        moments = {n: v for n, v in columns.items() if not isinstance(v, Texts) and v.dtype.kind == "M"}
        texts = {n: v for n, v in columns.items() if isinstance(v, Texts)}
        made = replace(kept, moments={**kept.moments, **moments}, texts={**kept.texts, **texts})
        if isinstance(made.held, np.ndarray):
            return (
                made.with_more_numbers(tuple(numbers), stacked(list(numbers.values()), self.n_rows))
                if numbers
                else made
            )
        held = (*made.held, *(np.ascontiguousarray(column) for column in numbers.values()))
        return replace(made, number_names=(*made.number_names, *numbers), held=held)

    def renamed(self, names: Mapping[str, str]) -> Blocks:
        """Return the blocks with columns under another name, each where it stood."""
        return replace(
            self,
            number_names=tuple(names.get(name, name) for name in self.number_names),
            moments={names.get(name, name): v for name, v in self.moments.items()},
            texts={names.get(name, name): v for name, v in self.texts.items()},
        )

    def without(self, names: Iterable[str]) -> Blocks:
        """Return the blocks without some of the columns; names that are not there do not matter."""
        dropped = set(names)
        kept = [i for i, name in enumerate(self.number_names) if name not in dropped]
        if isinstance(self.held, np.ndarray):
            held: Any = self.held if len(kept) == len(self.number_names) else self.held[:, kept]
        else:
            held = tuple(self.held[i] for i in kept)
        return replace(
            self,
            number_names=tuple(self.number_names[i] for i in kept),
            held=held,
            moments={k: v for k, v in self.moments.items() if k not in dropped},
            texts={k: v for k, v in self.texts.items() if k not in dropped},
        )

    def without_moments(self, names: Iterable[str]) -> Blocks:
        """Return the blocks without some of the moments."""
        dropped = set(names)
        return replace(self, moments={k: v for k, v in self.moments.items() if k not in dropped})


class _Seen(Sequence[np.ndarray]):
    """Columns of numbers, of which some rows are taken whenever one is looked at."""

    def __init__(self, columns: Sequence[np.ndarray], at: np.ndarray) -> None:
        self._columns = columns
        self._at = at

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, place: Any) -> Any:
        found = self._columns[place]
        return [column[self._at] for column in found] if isinstance(place, slice) else found[self._at]


class _SeenByName(Mapping[str, Any]):
    """The same for columns by name."""

    def __init__(self, columns: Mapping[str, Any], take: Callable[[Any], Any]) -> None:
        self._columns = columns
        self._take = take

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Any:
        return self._take(self._columns[name])


def stacked(columns: Sequence[np.ndarray], n_rows: int) -> FloatMatrix:
    """Return columns as one matrix of shape (n_rows, n_columns), each column contiguous."""
    matrix: FloatMatrix = np.empty((n_rows, len(columns)), dtype=np.float64, order="F")
    for j, column in enumerate(columns):
        matrix[:, j] = column
    return matrix


def require(names: Iterable[str], present: Iterable[str]) -> None:
    """Refuse names that are not present.

    Raises
    ------
    DataError
        A column that a step learned from, or was told to work on, is not there with the type it had.
    """
    known = set(present)
    absent = [name for name in names if name not in known]
    if absent:
        raise DataError(
            f"The frame lacks the column {absent[0]!r}" + (f" and {len(absent) - 1} more" if absent[1:] else ""),
            expected=closest(absent[0], sorted(known)),
            todo="Cast the rows by the model's schema first.",
        )
