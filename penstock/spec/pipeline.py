"""The spec: what the user decided, no more. Everything but the source and the target has a default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from penstock.aims import Cost, Measure
from penstock.durations import Duration
from penstock.errors import SpecError, UserError
from penstock.expect.contract import Contract, Written, tables_of
from penstock.frozen import Frozen
from penstock.publishing import Publishing
from penstock.reshape.recipe import Recipe, order_of
from penstock.series.rule import HISTORY
from penstock.slices import ColumnSpec, Forecast, Gate, Join, Modelling, Name, Serving, Split, Typing, Words
from penstock.sources import Source, source_from
from penstock.spec.reading import Secrets, fill_in, line_of, read_yaml
from penstock.steps.code.capture import captured, captured_class
from penstock.steps.union import Step
from penstock.steps.wrangling import Wrangling
from penstock.table import closest


class Schedule(Frozen):
    """When the pipeline runs by itself."""

    cron: str
    timezone: str = "UTC"


def _split_from(value: object) -> object:
    if isinstance(value, Mapping) and "time" in value and "by" not in value:
        return {**value, "by": "time"}
    return value


class PipelineSpec(Frozen):
    """A whole pipeline. `declared` is the spec as it was written, with no secret filled in.

    `fixes` are the paths of tables of rejected rows that were edited, to be put in place of the rows that they name.
    A forecast (`task: forecast`) needs `time` and `horizon`; `time: [DATE, CLOCK]` names a date and, beside it, the
    column of its time of day or hour.
    """

    name: Name
    sources: tuple[Source, ...] = Field(min_length=1)
    tables: dict[Name, Recipe] = {}
    base: str
    target: str
    task: Literal["auto", "binary", "multiclass", "regression", "forecast"] = "auto"
    positive: str | None = None
    metric: str | Measure | None = None
    cost: Cost | None = None
    weight: str | None = None
    known_after: Words = ()
    columns: dict[str, ColumnSpec] = {}
    group: str | None = None
    time: str | tuple[str, str] | None = None
    every: Duration | None = None
    horizon: Duration | None = None
    known_ahead: Words = ()
    intervals: float | None = Field(default=None, gt=0.0, lt=1.0)
    key: str | None = None
    split: Annotated[Split, BeforeValidator(_split_from)] = Split()
    joins: tuple[Join, ...] = ()
    steps: tuple[Step, ...] | None = None
    fixes: Words = ()
    expect: Written = Contract()
    aliases: dict[str, Words] = {}
    model: Modelling = Modelling()
    gate: Gate = Gate()
    serve: Serving = Serving()
    publish: bool | Publishing = True
    schedule: Schedule | None = None
    seed: int = 20261122
    declared: dict[str, Any] = {}

    @field_validator("aliases")
    @classmethod
    def _one_meaning_each(cls, aliases: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        olds = [old for names in aliases.values() for old in names]
        twice = next((old for old in olds if olds.count(old) > 1 or old in aliases), None)
        if twice is not None:
            raise ValueError(f"{twice!r} would mean two fields")
        return aliases

    @model_validator(mode="after")
    def _check_forecast(self) -> Self:
        if self.task != "forecast":
            given = [key for key in FORECAST_KEYS if getattr(self, key) not in (None, ())]
            if given:
                raise ValueError(f"`{given[0]}` is for forecasts: add `task: forecast`, or leave it out")
            if self.intervals is not None and self.task in ("binary", "multiclass"):
                raise ValueError("`intervals` are for numbers, and labels are predicted: leave it out")
            if isinstance(self.time, tuple):
                raise ValueError("a `time` of two columns is for forecasts")
            return self
        if self.time is None or self.horizon is None:
            lacking = "time: COLUMN" if self.time is None else "horizon: 48h"
            raise ValueError(f"a forecast needs to know more; add a line such as `{lacking}`")
        if self.split.by not in ("auto", "time"):
            raise ValueError("a forecast is judged on what comes last; leave `split.by` out")
        if self.split.time not in (None, self.time):
            raise ValueError("a forecast is split by its own `time`; leave `split.time` out")
        if any(join.table == HISTORY for join in self.joins):
            raise ValueError(f"a forecast has a table called {HISTORY!r} of its own; call the source otherwise")
        if any(join.as_of is not None for join in self.joins):
            raise ValueError(
                "a forecast cannot look up values as of a time: at the time that is predicted nobody has them"
            )
        told = set(self.known_ahead) & {self.target, *self.time_columns, self.group}
        if told:
            raise ValueError(f"`known_ahead` names {min(map(str, told))!r}, which is something else already")
        try:
            _ = self.forecast
        except ValidationError as error:
            raise ValueError(error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")) from error
        return self

    @property
    def time_columns(self) -> tuple[str, ...]:
        """The column of the time, and behind it the clock's where there are two."""
        return () if self.time is None else (self.time,) if isinstance(self.time, str) else self.time

    @property
    def forecast(self) -> Forecast | None:
        """What is decided about a forecast; None for other tasks."""
        if self.task != "forecast" or self.horizon is None:
            return None
        return Forecast(horizon=self.horizon, every=self.every, known_ahead=self.known_ahead, intervals=self.intervals)

    @property
    def typing(self) -> Typing:
        """The slice of the arrays stage."""
        return Typing(
            base=self.base,
            target=self.target,
            task=self.task,
            positive=self.positive,
            columns=self.columns,
            known_after=self.known_after,
            group=self.group,
            weight=self.weight,
            time=next(iter(self.time_columns), None),
            clock=self.time_columns[1] if len(self.time_columns) > 1 else None,
            key=self.key,
            seed=self.seed,
        )

    @property
    def wrangling(self) -> Wrangling:
        """The slice of the wrangle stage, before the lock has its say."""
        return Wrangling(name=self.name, joins=self.joins, split=self.split, steps=self.steps, forecast=self.forecast)

    @property
    def publishing(self) -> Publishing:
        """The slice of the publish stage."""
        return Publishing.written(self.publish)

    @property
    def modelling(self) -> Modelling:
        """The slice of the train stage."""
        given = {key: getattr(self, key) for key in AIM_KEYS if getattr(self, key) is not None}
        return self.model.model_copy(update=given) if given else self.model


def load_spec(path: str | Path, secrets: Secrets | None = None) -> PipelineSpec:
    """Read a spec file; paths in it are relative to its folder, `secrets` gives what `${secret:NAME}` stands for.

    Raises
    ------
    SpecError
        An unknown key, a bad value, a variable that is not set; the error names file and line.
    """
    path = Path(path)
    return spec_from(read_yaml(path), path.parent, path, secrets)


def spec_from(
    declared: Mapping[str, Any], folder: Path, path: Path | None = None, secrets: Secrets | None = None
) -> PipelineSpec:
    """Build a spec from its written form.

    Parameters
    ----------
    declared : mapping
        The keys of a spec file: `source` or `sources`, `target`, and whatever else was decided.
    folder : pathlib.Path
        What relative paths start from.
    path : pathlib.Path, optional
        The file, for error messages.
    secrets : callable, optional
        Gives the value of a secret by its name.
    """
    where = str(path) if path else "the spec"
    unknown = [k for k in declared if k not in SPEC_KEYS]
    if unknown:
        key = str(unknown[0])
        raise SpecError(
            f"The spec has an unknown key {key!r}",
            where=line_of(path, [key]) if path else where,
            expected=closest(key, sorted(SPEC_KEYS)),
            todo="Correct or remove it.",
        )
    filled = fill_in(dict(declared), where, secrets)
    values = {k: v for k, v in filled.items() if k not in ("source", "sources")}
    if isinstance(values.get("steps"), list | tuple):
        values["steps"] = [_with_source(step, i, folder, path) for i, step in enumerate(values["steps"])]
    values |= _with_measure(values, folder, path)
    values |= _with_estimators(values, folder, path)
    sources = _sources(declared, filled, folder, path)
    if isinstance(values.get("fixes"), str | list):
        listed = [values["fixes"]] if isinstance(values["fixes"], str) else values["fixes"]
        values["fixes"] = [str(folder / f) if isinstance(f, str) else f for f in listed]
    values.setdefault("name", _name_after(sources[0].name, path))
    values.setdefault("base", sources[0].name)
    tables = filled.get("tables")
    known = [*(s.name for s in sources), *(map(str, tables) if isinstance(tables, dict) else ())]
    if values["base"] not in known:
        raise SpecError(
            f"The base {values['base']!r} is none of the sources" + (" or tables" if "tables" in filled else ""),
            where=line_of(path, ["base"]) if path else where,
            expected=closest(str(values["base"]), known),
        )
    # The base stands first in everything that follows.
    ordered = sorted(sources, key=lambda s: s.name != values["base"])
    try:
        spec = PipelineSpec.model_validate({**values, "sources": tuple(ordered), "declared": dict(declared)})
    except ValidationError as error:
        raise _explained(error, where, path) from error
    names = [source.name for source in spec.sources]
    try:
        names += order_of(spec.tables, names)
    except SpecError as error:
        error.where = line_of(path, error.where.split(".")) if path else where
        raise
    for table in tables_of(spec.expect):
        if table not in names:
            raise SpecError(
                f"`expect` names a table that is none of the sources: {table!r}",
                where=line_of(path, ["expect", "tables", table]) if path else where,
                expected=closest(table, names),
            )
    return spec


FORECAST_KEYS = ("every", "horizon", "known_ahead")
# What may stand at the top of the spec, or under `model`.
AIM_KEYS = ("metric", "cost", "intervals")
SPEC_KEYS: frozenset[str] = frozenset(PipelineSpec.model_fields) - {"declared"} | {"source"}


def _sources(declared: Mapping[str, Any], filled: dict[str, Any], folder: Path, path: Path | None) -> list[Source]:
    where = str(path) if path else "the spec"
    if ("source" in declared) == ("sources" in declared):
        raise SpecError(
            "The spec needs a source" if "source" not in declared else "The spec has both `source` and `sources`",
            where=where,
            expected="one of `source: FILE` and `sources: {NAME: FILE, …}`",
        )
    if "source" in declared:
        name = str(declared.get("base") or slug(_stem_of(filled["source"])))
        return [_source(filled["source"], name, folder, path, ["source"])]
    named = filled["sources"]
    if not isinstance(named, dict) or not named:
        raise SpecError("`sources` is not a mapping of names to sources", where=where, expected="{NAME: FILE, …}")
    return [_source(value, str(name), folder, path, ["sources", str(name)]) for name, value in named.items()]


def _source(value: Any, name: str, folder: Path, path: Path | None, location: list[str | int]) -> Source:
    try:
        return source_from(value, name, folder)
    except UserError as error:
        if path and not error.where:
            error.where = line_of(path, location)
        raise


def _with_source(step: Any, place: int, folder: Path, path: Path | None) -> Any:
    if not isinstance(step, Mapping) or "use" not in step:
        return step
    with _placed(path, ["steps", place]):
        return captured(step, folder)


def _with_measure(values: Mapping[str, Any], folder: Path, path: Path | None) -> dict[str, Any]:
    """Return the keys that name a metric of the user's own, with its source."""
    if isinstance(values.get("model"), Mapping) and "metric" in values["model"]:
        inner = _with_measure({"metric": values["model"]["metric"]}, folder, path)
        if inner:
            return {"model": {**values["model"], **inner}, **_with_measure({**values, "model": None}, folder, path)}
    named = values.get("metric")
    if isinstance(named, str) and ":" in named:
        named = {"use": named}
    if not isinstance(named, Mapping) or "use" not in named:
        return {}
    with _placed(path, ["metric"]):
        taken = captured(named, folder)
    return {"metric": {key: value for key, value in taken.items() if key != "kind"}}


def _with_estimators(values: Mapping[str, Any], folder: Path, path: Path | None) -> dict[str, Any]:
    """Return `model`, the estimators of the user's own in its `families` with their source."""
    model = values.get("model")
    families = model.get("families") if isinstance(model, Mapping) else None
    if not isinstance(model, Mapping) or not isinstance(families, list | tuple):
        return {}
    taken = []
    for place, family in enumerate(families):
        named = {"use": family} if isinstance(family, str) and ":" in family else family
        if isinstance(named, Mapping) and "use" in named:
            with _placed(path, ["model", "families", place]):
                named = captured_class(named, folder)
        taken.append(named)
    return {"model": {**model, "families": taken}}


@contextmanager
def _placed(path: Path | None, location: Sequence[str | int]) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        if path:
            error.where = line_of(path, location) + (f" ({error.where})" if error.where else "")
        raise


def _stem_of(value: Any) -> str:
    if isinstance(value, list | tuple) and value:
        return _stem_of(value[0])
    if isinstance(value, dict):
        return str(value.get("table") or _stem_of(value.get("path") or value.get("url") or "source"))
    return Path(str(value)).stem


def slug(text: str) -> str:
    """Return a name that a model or source may have.

    Examples
    --------
    >>> slug("Telco-Customer Churn.v2")
    'telco-customer-churn-v2'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:63] or "data"


def _name_after(source: str, path: Path | None) -> str:
    return slug(path.stem if path else source)


def _explained(error: ValidationError, where: str, path: Path | None) -> SpecError:
    first = error.errors(include_url=False)[0]
    context = first.get("ctx", {})
    # What reads a key's short form says itself where in it the trouble is.
    location = [*first["loc"], *(context.get("path", ()) if first["type"] == "written" else ())]
    dotted = ".".join(str(p) for p in location)
    place = f"{line_of(path, location) if path else where} ({dotted})"
    if first["type"] == "missing":
        return SpecError(f"The spec lacks the key {dotted!r}", where=where, todo=f"Add a line: {dotted}: …")
    if first["type"] == "written" and "key" in context:
        return SpecError(
            f"The spec has an unknown key {context['key']!r}",
            where=place,
            expected=closest(context["key"], context["known"]),
            todo="Correct or remove it.",
        )
    if first["type"] == "extra_forbidden":
        return SpecError(f"The spec has an unknown key {location[-1]!r}", where=place, todo="Correct or remove it.")
    if first["type"] == "union_tag_invalid":
        known = [k.strip(" '") for k in str(context.get("expected_tags", "")).split(",")]
        return SpecError(
            f"The spec names an unknown kind {context.get('tag')!r}",
            where=place,
            expected=closest(str(context.get("tag")), known),
        )
    return SpecError("The spec has a value that does not fit", where=place, got=first["msg"])
