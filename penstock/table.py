"""Columns and tables: names, kinds, units, roles, and the one way in which raw values become typed ones.

`TableSchema.cast` reads a training file and a JSON request alike. A cast frame knows three dtypes, whatever came in,
so that a batch and a single row cannot differ: numbers and booleans are float64 with NaN for missing, and so are times
of day, in seconds since midnight; categories and text are `str`; moments are datetime64[us] in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import pandas as pd
import pyarrow as pa

from penstock.casting import cast_column
from penstock.cells import Misfit
from penstock.errors import DataError
from penstock.frozen import Frozen

Kind = Literal["integer", "float", "boolean", "category", "text", "datetime", "time"]
Role = Literal["feature", "target", "id", "group", "time", "clock", "past", "ignored", "known_after", "weight"]
NUMERIC: frozenset[str] = frozenset({"integer", "float", "boolean", "time"})

MISSING_TOKENS: tuple[str, ...] = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "\\N", "#N/A")

Raw: TypeAlias = pa.Table | Mapping[str, Sequence[object]]


class Domain(Frozen):
    """What a value may be, as the spec declares it: a value outside is refused at every door."""

    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None


class Column(Frozen):
    """One column: what it holds, how its raw values read, and what it is for.

    `decimal` and `thousands` say how a number is written; `decimal=".,"` reads both signs as the decimal point. A
    number with `suffix` is taken as written: `5 %` is 5, and `unit` says of what. With `units` a number is multiplied
    by the factor of the unit that stands behind it. `formats` are those of dates and times, in strptime's directives,
    or `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`; a moment without an offset is in `timezone`, else in UTC. In a
    forecast a column with the role `past` is known no later than the last actual value of its series, and one with the
    role `clock` is the time of day beside a date. `table` is the source it comes from, empty for the base; with
    `serve="bundle"` or `"refresh"` a look-up in the bundle gives its value at prediction unless the caller sends one.
    `evidence` is why it was typed so, in a sentence; `counter_examples` are cells that speak against it, `proposals`
    lines of a spec that would have it otherwise.
    """

    name: str
    kind: Kind
    role: Role = "feature"
    table: str = ""
    serve: Literal["request", "bundle", "refresh"] = "request"
    nullable: bool = True
    decimal: Literal[".", ",", ".,"] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    prefix: str = ""
    suffix: str = ""
    unit: str = ""
    units: dict[str, float] = {}
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    timezone: str = ""
    missing: tuple[str, ...] = MISSING_TOKENS
    domain: Domain | None = None
    private: bool = False
    evidence: str = ""
    counter_examples: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        """Whether a cast gives float64."""
        return self.kind in NUMERIC


class Target(Frozen):
    """What is predicted.

    For classification `labels` are the classes in the order of every probability, in their source spelling, trimmed;
    `variants` maps other spellings met in the raw data (case, blanks, a closing dot) to their label; `label_type`
    is the type that a label has in JSON and Arrow; `ordered` says that the user gave the labels their order. `reading`
    says how the raw values read: which texts are missing and, for regression, how numbers are written.
    """

    name: str
    task: Literal["binary", "multiclass", "regression", "forecast"]
    labels: tuple[str, ...] = ()
    label_type: Literal["text", "integer", "boolean"] = "text"
    positive: str | None = None
    ordered: bool = False
    variants: dict[str, str] = {}
    reading: Column | None = None
    evidence: str = ""

    @property
    def is_classification(self) -> bool:
        """Whether there are labels."""
        return self.task in ("binary", "multiclass")

    def typed(self, label: str) -> str | int | bool:
        """Return a label with the type that it has in JSON and Arrow.

        Examples
        --------
        >>> Target(name="y", task="binary", labels=("0", "1"), label_type="integer").typed("1")
        1
        """
        if self.label_type == "integer":
            return int(label)
        if self.label_type == "boolean":
            return label.strip().lower() == "true"
        return label


class Cast(Frozen):
    """A cast table: the frame, and every cell that could not be cast (its value there is missing)."""

    model_config = {**Frozen.model_config, "arbitrary_types_allowed": True}

    frame: pd.DataFrame
    misfits: tuple[Misfit, ...]
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class TableSchema(Frozen):
    """The columns of a table, in order, and the target among them.

    Raises
    ------
    DataError
        Two columns have one name.

    Examples
    --------
    >>> schema = TableSchema(columns=(Column(name="age", kind="integer"), Column(name="city", kind="category")))
    >>> schema.cast({"age": ["41", 7, "n/a"], "city": [" Bonn", None, "Oslo"]}).frame["age"].tolist()
    [41.0, 7.0, nan]
    """

    columns: tuple[Column, ...]
    target: Target | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse two columns of one name."""
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DataError(f"Two columns are named {column.name!r}", todo="Rename one of them at the source.")
            seen.add(column.name)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that a model may use, in order."""
        return tuple(c for c in self.columns if c.role in ("feature", "time", "group"))

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of id columns."""
        return tuple(c.name for c in self.columns if c.role == "id")

    @property
    def shown_target(self) -> Target | None:
        """The target as it may be shown: of a private one the labels are counted, and called by their number.

        Examples
        --------
        >>> target = Target(name="ill", task="binary", labels=("no", "yes"), positive="yes", evidence="2 levels")
        >>> columns = (Column(name="ill", kind="category", role="target", private=True),)
        >>> TableSchema(columns=columns, target=target).shown_target.labels
        ('label 1', 'label 2')
        """
        target = self.target
        if target is None or not any(c.private and c.name == target.name for c in self.columns):
            return target
        labels = tuple(f"label {i}" for i, _ in enumerate(target.labels, 1))
        positive = dict(zip(target.labels, labels, strict=True)).get(target.positive or "")
        told: dict[str, object] = {"labels": labels, "positive": positive, "label_type": "text", "variants": {}}
        return target.model_copy(update={**told, "reading": None, "evidence": ""})

    def column(self, name: str) -> Column:
        """Return a column by name.

        Raises
        ------
        DataError
            There is none; the error names the closest.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f"There is no column {name!r}", expected=closest(name, self.names))

    def cast(self, raw: Raw, columns: Sequence[str] | None = None) -> Cast:
        """Parse raw values into a typed frame.

        Parameters
        ----------
        raw : pyarrow.Table or mapping of str to sequence
            Columns as they came: text, numbers, booleans, dates or null, in any mixture. All of one length.
        columns : sequence of str, optional
            The columns to cast; by default the features. A column that is absent is all missing.

        Returns
        -------
        Cast
            Frame of shape (n_rows, len(columns)), the misfits, and which columns were absent or unknown.
        """
        wanted = [self.column(n) for n in columns] if columns is not None else list(self.features)
        given = raw.column_names if isinstance(raw, pa.Table) else list(raw)
        n_rows = raw.num_rows if isinstance(raw, pa.Table) else len(next(iter(raw.values()), ()))
        data: dict[str, object] = {}
        misfits: list[Misfit] = []
        present = set(given)
        for column in wanted:
            values = raw[column.name] if column.name in present else [None] * n_rows
            data[column.name], bad = cast_column(column, values)
            misfits.extend(bad)
        known = {c.name for c in self.columns}
        return Cast(
            frame=pd.DataFrame(data, index=pd.RangeIndex(n_rows), copy=False),
            misfits=tuple(misfits),
            absent=tuple(c.name for c in wanted if c.name not in present),
            unknown=tuple(n for n in given if n not in known),
        )


def closest(name: str, among: Sequence[str]) -> str:
    """Say which known name was probably meant.

    Examples
    --------
    >>> closest("Chrun", ["tenure", "Churn"])
    "did you mean 'Churn'? known: 'tenure', 'Churn'"
    """
    from difflib import get_close_matches

    lower = {n.lower(): n for n in among}
    near = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    shown = ", ".join(repr(n) for n in among[:12]) + (f" and {len(among) - 12} more" if len(among) > 12 else "")
    return (f"did you mean {lower[near[0]]!r}? " if near else "") + f"known: {shown or 'none'}"
