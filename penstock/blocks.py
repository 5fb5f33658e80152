"""A typed frame as blocks: numbers in one matrix, texts as codes into their distinct levels, moments apart.

A step that works on the matrix treats all columns in one NumPy call, and one that works on texts looks at each distinct
text once. That is what keeps a whole plan on a single row within a millisecond, and on a million rows within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from penstock.errors import DataError
from penstock.table import closest

FloatMatrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_TEXT = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True)
class Texts:
    """One column of texts: codes of shape (n_rows,) into its distinct levels, -1 for missing."""

    codes: np.ndarray
    levels: tuple[str, ...]

    @classmethod
    def of(cls, values: Any) -> Texts:
        """Factorise a pandas array; the levels stand in the order in which they occur."""
        codes, levels = values.factorize()
        return cls(codes=codes, levels=tuple(levels.tolist()))

    def mapped(self, function: Callable[[str | None], str | None]) -> Texts:
        """Return the column with each distinct text, missing (None) included, replaced by `function` of it."""
        seen: dict[str, int] = {}
        table = [-1 if new is None else seen.setdefault(new, len(seen)) for new in map(function, (*self.levels, None))]
        # The code -1 of missing takes the table's last place, which is what None became.
        return Texts(codes=np.array(table, dtype=np.intp)[self.codes], levels=tuple(seen))

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
    """Columns of one table: a float64 matrix of shape (n_rows, n_numbers), texts and moments by name.

    Nothing in it is changed in place.
    """

    n_rows: int
    number_names: tuple[str, ...]
    numbers: FloatMatrix
    moments: Mapping[str, np.ndarray]
    texts: Mapping[str, Texts]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Blocks:
        """Take a typed frame apart; the frame's memory is not shared."""
        names = tuple(frame.columns.tolist())
        n_rows = len(frame)
        dtypes = frame.dtypes.tolist()
        if all(d.kind in "fiub" for d in dtypes):
            return cls(n_rows, names, np.array(frame.to_numpy(dtype=np.float64), order="F", copy=True), {}, {})
        numbers: list[str] = []
        columns: list[np.ndarray] = []
        moments: dict[str, np.ndarray] = {}
        texts: dict[str, Texts] = {}
        for (name, series), dtype in zip(frame.items(), dtypes, strict=True):
            if dtype.kind in "fiub":
                numbers.append(str(name))
                columns.append(series.to_numpy(dtype=np.float64))
            elif dtype.kind == "M":
                moments[str(name)] = series.to_numpy().astype("datetime64[us]")
            else:
                texts[str(name)] = Texts.of(series.array)
        matrix = np.empty((n_rows, len(columns)), dtype=np.float64, order="F")
        for j, column in enumerate(columns):
            matrix[:, j] = column
        return cls(n_rows, tuple(numbers), matrix, moments, texts)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names: numbers, moments, texts."""
        return (*self.number_names, *self.moments, *self.texts)

    def frame(self) -> pd.DataFrame:
        """Return a pandas frame: numbers first, then moments, then texts."""
        index = pd.RangeIndex(self.n_rows)
        numbers = pd.DataFrame(self.numbers, columns=list(self.number_names), index=index, copy=False)
        if not self.moments and not self.texts:
            return numbers
        rest = {**self.moments, **{name: texts.array() for name, texts in self.texts.items()}}
        others = pd.DataFrame(rest, index=index, copy=False)
        return pd.concat([numbers, others], axis=1) if self.number_names else others

    def column(self, name: str) -> np.ndarray | Texts:
        """Return one column: float64 or datetime64[us] of shape (n_rows,), or texts.

        Raises
        ------
        DataError
            There is none of that name.
        """
        if name in self.texts:
            return self.texts[name]
        if name in self.moments:
            return self.moments[name]
        require([name], self.number_names)
        # NumPy may compute with scattered numbers in another way than with those that lie together.
        return np.ascontiguousarray(self.numbers[:, self.number_names.index(name)])

    def positions(self, names: Sequence[str]) -> slice | np.ndarray:
        """Return where the named columns stand in the matrix."""
        if names == self.number_names:
            return slice(None)
        places = {name: i for i, name in enumerate(self.number_names)}
        require(names, places)
        return np.array([places[name] for name in names], dtype=np.intp)

    def with_numbers(self, names: Sequence[str], values: FloatMatrix) -> Blocks:
        """Return the blocks with the named columns of the matrix replaced."""
        at = self.positions(names)
        if isinstance(at, slice):
            return replace(self, numbers=values)
        numbers = self.numbers.copy(order="F")
        numbers[:, at] = values
        return replace(self, numbers=numbers)

    def with_more_numbers(self, names: Sequence[str], values: FloatMatrix) -> Blocks:
        """Return the blocks with columns added at the matrix's end."""
        matrix = np.concatenate([self.numbers, values], axis=1)
        return replace(self, number_names=(*self.number_names, *names), numbers=matrix)

    def with_texts(self, changed: Mapping[str, Texts]) -> Blocks:
        """Return the blocks with some text columns replaced."""
        return replace(self, texts={**self.texts, **changed})

    def with_columns(self, columns: Mapping[str, np.ndarray | Texts]) -> Blocks:
        """Return the blocks with columns replaced, whatever they held, or added at the end."""
        kept = self.without([name for name in columns if name in set(self.names)])
        numbers = {n: v for n, v in columns.items() if not isinstance(v, Texts) and v.dtype.kind == "f"}
        moments = {n: v for n, v in columns.items() if not isinstance(v, Texts) and v.dtype.kind == "M"}
        texts = {n: v for n, v in columns.items() if isinstance(v, Texts)}
        made = replace(kept, moments={**kept.moments, **moments}, texts={**kept.texts, **texts})
        return made.with_more_numbers(tuple(numbers), np.column_stack(list(numbers.values()))) if numbers else made

    def without(self, names: Iterable[str]) -> Blocks:
        """Return the blocks without some of the columns."""
        dropped = set(names)
        if not dropped:
            return self
        stay = np.array([name not in dropped for name in self.number_names], dtype=bool)
        return Blocks(
            n_rows=self.n_rows,
            number_names=tuple(name for name in self.number_names if name not in dropped),
            numbers=self.numbers if stay.all() else self.numbers[:, stay],
            moments={k: v for k, v in self.moments.items() if k not in dropped},
            texts={k: v for k, v in self.texts.items() if k not in dropped},
        )

    def renamed(self, names: Mapping[str, str]) -> Blocks:
        """Return the blocks with columns under another name, each where it stood."""
        return replace(
            self,
            number_names=tuple(names.get(name, name) for name in self.number_names),
            moments={names.get(name, name): v for name, v in self.moments.items()},
            texts={names.get(name, name): v for name, v in self.texts.items()},
        )

    def without_moments(self, names: Iterable[str]) -> Blocks:
        """Return the blocks without some of the moments."""
        dropped = set(names)
        return replace(self, moments={k: v for k, v in self.moments.items() if k not in dropped})


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
