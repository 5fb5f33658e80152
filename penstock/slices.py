"""The spec cut into slices, one a stage: each stage is cached by its own slice, so a new plot setting retrains nothing.

Nothing here imports a stage; the slice of the wrangle stage, which holds steps, is `penstock.steps.wrangling`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from penstock.aims import Cost, Measure
from penstock.cells import EPOCHS
from penstock.durations import Duration, told
from penstock.families import USUAL_FAMILIES, FamilyOrOwn, checked_distinct, checked_names
from penstock.frozen import Frozen
from penstock.table import Domain, Kind, Role
from penstock.timetext import DIRECTIVES, UnknownFormat, compiled
from penstock.zones import is_zone

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


def _tuple_of_text(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_tuple_of_text, json_schema_input_type=str | tuple[str, ...])]


def checked_formats(formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return formats of dates and times, all of which are read here.

    Raises
    ------
    ValueError
        One is not; it becomes the error of the field that holds it.
    """
    for form in formats or ():
        try:
            _ = form in EPOCHS or compiled(form)
        except UnknownFormat as error:
            raise ValueError(
                f"{form!r} is no format of dates and times that is read here; its directives may be {DIRECTIVES}, "
                f"or it is one of {', '.join(EPOCHS)}"
            ) from error
    return formats


def checked_zone(zone: str | None) -> str | None:
    """Return the name of a time zone that there is.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if zone and not is_zone(zone):
        raise ValueError(f"{zone!r} is no time zone; one is named as in Europe/Berlin or UTC")
    return zone


def checked_units(units: dict[str, float] | None) -> dict[str, float] | None:
    """Return units with their factors, each of which can be multiplied with.

    Raises
    ------
    ValueError
        A unit has no name, or a factor that is 0 or not finite.
    """
    for unit, factor in (units or {}).items():
        if not unit.strip() or not 0 < abs(factor) < float("inf"):
            raise ValueError("each unit needs a name and a finite factor other than 0")
    return units


class ColumnSpec(Frozen):
    """What the user decides about one column; whatever is left out is inferred.

    `ordinal` gives the labels of a target their order, from the lowest to the highest.

    Examples
    --------
    >>> ColumnSpec(units={"k": 1e3, "M": 1e6}).units
    {'k': 1000.0, 'M': 1000000.0}
    """

    kind: Kind | None = None
    role: Role | None = None
    unit: str | None = None
    units: dict[str, float] | None = None
    prefix: str | None = None
    suffix: str | None = None
    decimal: Literal[".", ",", ".,"] | None = None
    thousands: Literal["", ",", ".", " ", "'"] | None = None
    true_words: Words | None = None
    false_words: Words | None = None
    missing: Words | None = None
    formats: Words | None = None
    timezone: str | None = None
    domain: Domain | None = None
    ordinal: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    private: bool = False

    @field_validator("formats")
    @classmethod
    def _check_formats(cls, formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return checked_formats(formats)

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, zone: str | None) -> str | None:
        return checked_zone(zone)

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: dict[str, float] | None) -> dict[str, float] | None:
        return checked_units(units)

    @field_validator("true_words", "false_words")
    @classmethod
    def _fold(cls, words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        # Cells are compared in any case.
        return None if words is None else tuple(word.strip().casefold() for word in words)


class Typing(Frozen):
    """The arrays stage's slice: what the columns are, what is predicted, and the run's seed.

    `clock` is the column of the time of day, or of the hour, where `time` holds the date alone; `weight` that of how
    much a row counts.
    """

    base: str
    target: str
    task: Literal["auto", "binary", "multiclass", "regression", "forecast"] = "auto"
    positive: str | None = None
    columns: dict[str, ColumnSpec] = {}
    known_after: tuple[str, ...] = ()
    group: str | None = None
    weight: str | None = None
    time: str | None = None
    clock: str | None = None
    key: str | None = None
    seed: int = 20261122


# One name, several, or pairs of names.
OneOrBoth = str | list[str] | dict[str, str]


def _same_name_both_sides(value: object) -> object:
    if isinstance(value, str):
        return {value: value}
    if isinstance(value, list | tuple):
        return {name: name for name in value}
    return value


class Aggregate(Frozen):
    """One value made of the rows of a child table that belong to a row: `{sum: amount}` or `{count: true}`.

    With `where` only rows count for which an expression holds; with `window` only those of the last so much time, which
    needs the join's `as_of`.
    """

    of: str | None = None
    take: Literal["count", "sum", "mean", "min", "max", "std", "first", "last", "distinct"]
    where: str = ""
    window: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: object) -> object:
        if value == "count":
            return {"take": "count"}
        if isinstance(value, dict) and "take" not in value:
            takes = [name for name in get_args(cls.model_fields["take"].annotation) if name in value]
            if len(takes) == 1:
                rest = {k: v for k, v in value.items() if k != takes[0]}
                of = value[takes[0]]
                return {**rest, "take": takes[0], "of": None if of is True else of}
        return value

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.of is None and self.take != "count":
            raise ValueError(f"`{self.take}` needs a column: {{{self.take}: COLUMN}}")
        return self


class ChildPivot(Frozen):
    """A column for each of the `most` most frequent levels of `by`, holding an aggregate of the rows that have it."""

    by: str
    of: str | None = None
    take: Literal["count", "sum", "mean", "min", "max"] = "count"
    most: int = Field(default=20, ge=1, le=200)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.of is None and self.take != "count":
            raise ValueError(f"`{self.take}` needs a column: {{by: {self.by}, take: {self.take}, of: COLUMN}}")
        return self


class Join(Frozen):
    """A look-up of rows in another source.

    `on` maps columns of the table `into` which the values come (the base, unless another source is named) to columns
    of `table`; one name stands for the same name on both sides; a column of an earlier join is named as it then is,
    `<table>_<column>`. At most one row of `table` belongs to a row, unless `aggregate` or `pivot` makes one value of
    many. `as_of` names a time on both sides: the latest row of `table` at or before it belongs, `lag` later at the
    earliest (its values are known only then), and none from further back than `within` before that; aggregates and
    pivots take the rows before it. `how: inner` rejects training rows that find nothing. `columns` are those of `table`
    that may be taken.

    `serve` says where values come from at prediction: a look-up in the bundle, one that is read anew `every` so often
    (`refresh`), or the caller (`request`), who may send them always. A look-up of more than `max_rows` rows does not
    travel; one older than `max_age` warns.
    """

    table: str
    on: Annotated[dict[str, str], BeforeValidator(_same_name_both_sides, json_schema_input_type=OneOrBoth)]
    into: str = ""
    how: Literal["left", "inner"] = "left"
    relation: Literal["many-to-one", "one-to-one"] = "many-to-one"
    as_of: (
        Annotated[dict[str, str], BeforeValidator(_same_name_both_sides, json_schema_input_type=str | dict[str, str])]
        | None
    ) = None
    lag: Duration = 0.0
    within: Duration | None = None
    columns: Words | None = None
    aggregate: dict[str, Aggregate] | None = None
    pivot: ChildPivot | None = None
    serve: Literal["request", "bundle", "refresh"] = "bundle"
    every: Duration | None = None
    max_age: Duration | None = None
    max_rows: int = Field(default=1_000_000, ge=1)

    @property
    def reduces(self) -> bool:
        """Whether many rows of the table become one value of a row."""
        return self.aggregate is not None or self.pivot is not None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.on:
            raise ValueError("`on` names no column: on: {COLUMN: TABLE_COLUMN}")
        if self.as_of is not None and len(self.as_of) != 1:
            raise ValueError("`as_of` names one time on each side: as_of: {COLUMN: TABLE_COLUMN}")
        if self.as_of is None:
            timed = [name for name, made in (self.aggregate or {}).items() if made.window is not None]
            asked = [name for name in ("lag", "within") if getattr(self, name)] + timed[:1]
            if asked:
                raise ValueError(f"`{asked[0]}` needs the times of both sides: as_of: {{COLUMN: TABLE_COLUMN}}")
        if self.reduces:
            self._check_reduction()
        return self

    def _check_reduction(self) -> None:
        if self.aggregate is not None and not self.aggregate:
            raise ValueError("`aggregate` makes no column: aggregate: {NAME: {sum: COLUMN}}")
        if self.relation == "one-to-one":
            raise ValueError("many rows are made one by `aggregate` and `pivot`: the relation cannot be one-to-one")
        if self.columns is not None:
            used = [made.of for made in (self.aggregate or {}).values()]
            used += [self.pivot.by, self.pivot.of] if self.pivot else []
            other = next((name for name in used if name is not None and name not in self.columns), None)
            if other is not None:
                raise ValueError(f"{other!r} is none of the `columns` that may be taken")


class Split(Frozen):
    """Which rows are held out: a share by salted hash, or everything from a moment on."""

    heldout: float = Field(default=0.2, gt=0.0, lt=0.9)
    by: Literal["auto", "key", "group", "content", "time"] = "auto"
    time: str | None = None


class Forecast(Frozen):
    """What is decided about a forecast: how far ahead, in what steps, and what is known of the future.

    `every` is the step of the series, inferred where it is left out; `known_ahead` are columns whose values a caller
    knows for the time that is predicted; all other columns are looked at no later than at the last known actual.
    """

    horizon: Duration
    every: Duration | None = None
    known_ahead: Words = ()
    intervals: float | None = Field(default=None, gt=0.0, lt=1.0)

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.horizon <= 0 or self.every == 0:
            raise ValueError("`horizon` and `every` have to be longer than nothing")
        if self.every is not None and self.horizon % self.every:
            raise ValueError(f"`horizon: {told(self.horizon)}` is not a whole number of steps of {told(self.every)}")
        return self


class Modelling(Frozen):
    """The train stage's slice.

    `families` names those that compete, and estimators of the user's own; `metric` is a built-in one's name or the
    user's own; `class_weight` how much each label counts in fits, `balanced` as much as is lacking to its share, while
    scores count every row as it is; `cost` says what wrong labels cost; `intervals` which share of
    true values the interval of a predicted number should hold.
    """

    families: tuple[FamilyOrOwn, ...] = USUAL_FAMILIES
    metric: str | Measure | None = None
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    cost: Cost | None = None
    intervals: float | None = Field(default=None, gt=0.0, lt=1.0)
    folds: int = Field(default=5, ge=2, le=20)
    budget: float = Field(default=60.0, gt=0)
    trials: int | None = Field(default=None, ge=1)
    max_latency_ms: float = Field(default=5.0, gt=0)
    refit: Literal["all", "train"] = "all"
    threads: int = Field(default=2, ge=1)

    @field_validator("families", mode="before")
    @classmethod
    def _known(cls, families: object) -> object:
        return checked_names(families)

    @field_validator("families")
    @classmethod
    def _one_name_each(cls, families: tuple[FamilyOrOwn, ...]) -> tuple[FamilyOrOwn, ...]:
        return checked_distinct(families)


class Gate(Frozen):
    """The evaluate stage's slice: what a candidate must reach, and what it may cost.

    `margin` is how much worse than the champion a challenger may possibly be, in the metric's units; by default a fifth
    of what the champion gains over the baseline. `floor: false` lets in a model that untuned gradient boosting beats.
    The limits are of one row through the bundle, in milliseconds (by default twice what the search counts with, 10, and
    25 for a forecast), and of the open model and the sealed bundle, in megabytes.
    """

    margin: float | None = Field(default=None, ge=0)
    floor: bool = True
    max_latency_ms: float | None = Field(default=None, gt=0)
    max_memory_mb: float = Field(default=2_000.0, gt=0)
    max_bundle_mb: float = Field(default=1_000.0, gt=0)
    replicates: int = Field(default=1000, ge=100, le=20_000)


class Serving(Frozen):
    """How strictly requests are read: a field that the model does not know is a warning, or refused."""

    extra: Literal["warn", "refuse"] = "warn"
