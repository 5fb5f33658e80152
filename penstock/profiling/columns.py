"""One column looked at: typed as a run types it, measured over all rows, and kept for what it has to do with others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.infer import infer_and_cast
from penstock.arrays.levels import Counted, levels_of
from penstock.arrays.moments import describe_ordered
from penstock.arrays.profile import ColumnProfile, Level, profile_column
from penstock.arrays.proposing import line
from penstock.arrays.relations import Numeric
from penstock.arrays.typed import arrow_column
from penstock.profiling.records import ColumnLook
from penstock.profiling.shapes import bins_of, clock_of, deviation_of, ends_of, frequent, moments_of, order_of, texts_of
from penstock.slices import ColumnSpec, Typing
from penstock.table import Column

MOST_TOPS, MOST_ENDS = 10, 5
SHOWN_ROWS, SHOWN_SIGNS = 5, 120
# Smaller columns are held in memory.
FEWEST_BYTES = 1 << 20


class Seen(NamedTuple):
    """A column that was looked at.

    `values` are float64 with NaN, int64 microseconds with the lowest one for missing, or int32 codes with -1, as
    `n_codes` says, which counts the codes; `labels` are those of the most frequent levels by their code, and `mark` is
    the digest of all of them.
    """

    look: ColumnLook
    values: Any
    n_codes: int = 0
    labels: dict[int, str] = {}
    mark: bytes = b""
    numeric: Numeric | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.look.name

    @property
    def is_number(self) -> bool:
        """Whether its values lie on a line: numbers, times and dates."""
        return not self.n_codes and self.look.kind != "boolean"

    def gone(self, rows: Any = slice(None)) -> Any:
        """Return where some rows have no value, as bools."""
        part = self.values[rows]
        if part.dtype == np.float64:
            return np.isnan(part)
        return part < 0 if part.dtype == np.int32 else part == np.iinfo(np.int64).min

    def floats(self, rows: Any = slice(None)) -> Any:
        """Return some rows of numbers, dates or booleans as float64, with NaN for missing and for what is infinite."""
        part = self.values[rows]
        if part.dtype == np.int64:
            return np.where(self.gone(rows), np.nan, part.astype(np.float64))
        infinities = np.isinf(part)
        return np.where(infinities, np.nan, part) if infinities.any() else part

    def codes(self, rows: Any = slice(None)) -> Any:
        """Return some rows of levels as codes, -1 for missing; a boolean's are 0 and 1."""
        part = self.values[rows]
        return np.where(np.isnan(part), -1.0, part).astype(np.int32) if part.dtype == np.float64 else part


def parked(seen: Seen, path: Path) -> Seen:
    """Return a column whose values lie in a file and are read from there page by page, so that none is held."""
    if seen.values.nbytes < FEWEST_BYTES:
        return seen
    seen.values.tofile(path)
    values = np.asarray(np.memmap(path, seen.values.dtype, "r"))
    return seen._replace(values=values, numeric=seen.numeric and seen.numeric._replace(values=values))


def look_at(name: str, raw: pa.ChunkedArray, decided: ColumnSpec, typing: Typing | None = None) -> Seen:
    """Type one column and measure it.

    Parameters
    ----------
    name : str
        Its name.
    raw : pyarrow.ChunkedArray
        Its raw values, shape (n_rows,).
    decided : ColumnSpec
        What the user decided about it.
    typing : Typing, optional
        Further decisions.
    """
    column, values, misfits = infer_and_cast(name, raw, decided, "", typing, whole=True)
    # Whatever it is for, what it holds is to be seen.
    seen = _numbers(column, values) if column.kind in _NUMBERS else _others(column, values)
    if decided.private:
        return seen._replace(look=_hidden(column, seen.look.profile), labels={}, numeric=None)
    told = {
        "role": column.role,
        "unit": column.unit or column.suffix or column.prefix,
        "evidence": column.evidence,
        "counter_examples": tuple(clipped(text) for text in column.counter_examples),
        "proposals": column.proposals,
        "override": _override(column),
        "misfits": len(misfits),
        "infinities": _infinite(raw, seen.look.profile) if column.kind in _NUMBERS else 0,
        "first": _shown(raw.slice(0, SHOWN_ROWS)),
        "last": _shown(raw.slice(max(len(raw) - SHOWN_ROWS, 0))),
    }
    return seen._replace(look=seen.look.model_copy(update=told))


_NUMBERS = frozenset({"integer", "float", "boolean", "time"})


def _infinite(raw: pa.ChunkedArray, profile: ColumnProfile) -> int:
    """Count infinite cells; where they are typed, a run takes them for cells that cannot be read."""
    typed = int(pc.sum(pc.is_inf(raw)).as_py() or 0) if pa.types.is_floating(raw.type) else 0
    return max(typed, profile.numbers.infinities if profile.numbers is not None else 0)


def clipped(text: str) -> str:
    """Return a text that is not too long to be shown in a table."""
    return text if len(text) <= SHOWN_SIGNS else text[: SHOWN_SIGNS - 1] + "…"


def shown_cell(value: object) -> str:
    """Return a raw cell as text; what is missing is an empty one."""
    return "" if value is None else clipped(str(value))


def _shown(raw: pa.ChunkedArray) -> tuple[str, ...]:
    return tuple(shown_cell(value) for value in raw.to_pylist())


def _hidden(column: Column, profile: ColumnProfile) -> ColumnLook:
    bare = ColumnProfile(name=column.name, kind="text", n=profile.n, missing=profile.missing, distinct=0, private=True)
    return ColumnLook(name=column.name, kind="text", role="feature", private=True, profile=bare)


def _override(column: Column) -> str:
    if column.role in ("ignored", "id"):
        return line(column.name, why="to learn from it all the same", role="feature")
    if column.kind in ("integer", "float"):
        return line(column.name, why="to take its numbers as names", kind="category")
    if column.kind == "category":
        return line(column.name, why="to leave it out", role="ignored")
    return line(column.name, why="to take it as it is written", kind="text")


def _as_feature(column: Column) -> Column:
    return column.model_copy(update={"role": "feature"})


def _numbers(column: Column, values: Any) -> Seen:
    numbers = np.asarray(values, dtype=np.float64)
    ordered = np.sort(numbers)
    described = describe_ordered(ordered)
    measured = profile_column(_as_feature(column), numbers, described=described)
    profile = measured.profile
    present = ordered[: profile.n]
    seen = profile.numbers
    assert seen is not None
    tops, rest = frequent(present, profile.distinct, MOST_TOPS)
    lowest, highest = ends_of(present, MOST_ENDS) if column.kind != "boolean" else ([], [])
    infinities = seen.infinities
    finite = present[np.isfinite(present)] if infinities else present
    look = ColumnLook(
        name=column.name,
        kind=column.kind,
        role=column.role,
        n_bytes=numbers.nbytes,
        profile=profile,
        is_unique=1 < len(numbers) == profile.n == profile.distinct,
        order=order_of(numbers) if profile.n == len(numbers) else "none",
        histogram=bins_of(finite, seen) if column.kind != "boolean" else None,
        tops=_levels(column, tops),
        rest=rest,
        lowest=_levels(column, lowest),
        highest=_levels(column, highest),
        deviation=deviation_of(finite) if column.kind != "boolean" else None,
    )
    labels = {0: "false", 1: "true"} if column.kind == "boolean" else {}
    return Seen(look, numbers, labels=labels, numeric=measured.numeric)


def _levels(column: Column, counted: list[tuple[float, int]]) -> tuple[Level, ...]:
    return tuple(Level(value=_number_text(column, value), count=count) for value, count in counted)


def _number_text(column: Column, value: float) -> str:
    if column.kind == "boolean":
        return "true" if value else "false"
    if column.kind == "time":
        return clock_of(value)
    return f"{value:.0f}" if value == np.round(value) and abs(value) < 1e15 else f"{value:.10g}"


def _others(column: Column, values: Any) -> Seen:
    if column.kind == "datetime":
        return _dates(column, np.asarray(values, dtype="datetime64[us]"))
    array = arrow_column(values)
    # With 32-bit codes and the texts once, the column itself can go.
    encoded = array.dictionary_encode()
    texts = encoded.dictionary
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    n_bytes = array.nbytes
    n_rows = len(array)
    del array, encoded, values
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    counted = levels_of(texts, pa.array(counts))
    profile = profile_column(_as_feature(column), codes, counted=counted).profile
    tops = tuple(Level(value=clipped(x.value), count=x.count) for x in profile.levels[:MOST_TOPS])
    look = ColumnLook(
        name=column.name,
        kind=column.kind,
        role=column.role,
        n_bytes=n_bytes,
        profile=_short(profile),
        is_unique=1 < n_rows == profile.n == profile.distinct,
        order="constant" if profile.distinct == 1 == profile.n / n_rows else "none",
        tops=tops if profile.distinct < max(profile.n, 2) else (),
        rest=profile.n - sum(x.count for x in tops) if profile.distinct < max(profile.n, 2) else profile.n,
        texts=texts_of(texts, counts, profile),
    )
    return Seen(look, codes, max(len(texts), 1), _labels(texts, counted), _mark(texts))


def _mark(texts: Any) -> bytes:
    """Return a digest of texts in their order."""
    joined = texts.cast(pa.large_string())
    _, offsets, data = joined.buffers()
    ends = np.frombuffer(offsets, np.int64)[: len(joined) + 1]
    digest = hashlib.sha256(ends.tobytes())
    digest.update(memoryview(data)[: int(ends[-1])] if data is not None and len(joined) else b"")
    return digest.digest()


def _short(profile: ColumnProfile) -> ColumnProfile:
    """Return a profile without long texts: the page shows some, and nobody reads a hundred of a megabyte each."""
    levels = tuple(Level(value=clipped(x.value), count=x.count) for x in profile.levels)
    return profile.model_copy(update={"levels": levels})


def _labels(texts: Any, counted: Counted) -> dict[int, str]:
    first = [level.value for level in counted.levels[:MOST_TOPS]]
    at = pc.index_in(pa.array(first, texts.type), value_set=texts).to_pylist()
    return {int(i): clipped(value) for i, value in zip(at, first, strict=True)}


def _dates(column: Column, values: Any) -> Seen:
    profile = profile_column(_as_feature(column), values).profile
    ticks = values.view(np.int64)
    present = ticks[~np.isnat(values)] if profile.missing else ticks
    ordered = np.sort(present)
    tops, rest = frequent(ordered, profile.distinct, MOST_TOPS)
    look = ColumnLook(
        name=column.name,
        kind=column.kind,
        role=column.role,
        n_bytes=values.nbytes,
        profile=profile,
        is_unique=1 < len(values) == profile.n == profile.distinct,
        order=profile.spacing.order if profile.spacing is not None and not profile.missing else "none",
        histogram=bins_of(ordered, None),
        tops=tuple(Level(value=_moment_text(value), count=count) for value, count in tops),
        rest=rest,
        moments=moments_of(present),
    )
    return Seen(look, ticks)


def _moment_text(tick: float) -> str:
    text = str(np.datetime64(int(tick), "us")).removesuffix(".000000").replace("T", " ")
    return text.removesuffix(" 00:00:00")
