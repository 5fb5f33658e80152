"""The rows that a candidate is judged by, and what its twin says of them through the door that serves."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.aiming import aim_in, context_of, weights_in
from penstock.arrays.profile import Profile
from penstock.backtest import Backtest, by_horizon, coverage, roll
from penstock.bundle.bundle import Bundle
from penstock.compatible import Aliases
from penstock.metrics.aim import Aim
from penstock.metrics.aim_facts import aim_facts
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.models.search import dummy_predictions
from penstock.receipts import Trained, Wrangled
from penstock.series.rule import HISTORY, SERIES, SeriesRule
from penstock.split import HELDOUT, SplitRule
from penstock.steps.plan import Plan
from penstock.steps.relations.travelling import lookups_of
from penstock.store import Store
from penstock.table import TableSchema, Target


@dataclass(frozen=True)
class Judged:
    """The held-out rows of a candidate, and what its twin says of them.

    Attributes
    ----------
    twin : Bundle
        Who says it.
    raw : pyarrow.Table
        As a caller would send them, n_heldout rows.
    y : numpy.ndarray
        What is true of them, shape (n_heldout,).
    predicted : numpy.ndarray
        Shape (n_heldout, n_labels) or (n_heldout,).
    dummy : numpy.ndarray
        What the training rows' own shares, or their mean, say; of the same shape.
    flagged : numpy.ndarray
        Which of them a row step would reject, bool, shape (n_heldout,).
    context : Context, optional
        What scores hang on beside these.
    aim : Aim
        What good means.
    test : Backtest, optional
        Of a forecast, its rows as they were asked for; a row may be among them more than once.
    low, high : numpy.ndarray, optional
        The ends of intervals, shape (n_heldout,).
    level : float
        The share of true values that these should hold.
    series : SeriesRule, optional
        Of a forecast, how rows are series.
    """

    twin: Bundle
    raw: pa.Table
    schema: TableSchema
    target: Target
    rule: SplitRule
    y: npt.NDArray[np.generic]
    predicted: Floats
    dummy: Floats
    flagged: npt.NDArray[np.bool_]
    context: Context | None = None
    aim: Aim = field(default_factory=Aim)
    test: Backtest | None = None
    low: Floats | None = None
    high: Floats | None = None
    level: float = 0.0
    series: SeriesRule | None = None

    @property
    def is_private(self) -> bool:
        """Whether the target's values are nobody's to see."""
        return any(c.private for c in self.schema.columns if c.name == self.target.name)

    def aim_facts(self, replicates: int, seed: int) -> dict[str, Any]:
        """Return what is told of the aim: what answers cost, and what intervals held."""
        drawn: dict[str, Any] = {"replicates": replicates, "seed": seed}
        shown = self.schema.shown_target or self.target
        return aim_facts(
            self.aim, shown, self.y, self.predicted, (self.low, self.high), self.context or Context(), **drawn
        )

    def asked_of(self, twin: Bundle, rows: Ints, aliases: Aliases) -> Floats:
        """Return what another bundle says of some of the rows, under the names that it knows."""
        if self.test is not None:
            return self.test.ask(twin, lambda table: as_they_call_it(table, twin.schema, aliases))[0][rows]
        return twin.predict(as_they_call_it(self.raw, twin.schema, aliases).take(pa.array(rows))).estimates


def judge(wrangled: Wrangled, trained: Trained, table: pd.DataFrame, store: Store) -> Judged:
    """Return the held-out rows and what a candidate's twin says of them.

    Parameters
    ----------
    wrangled, trained
        The receipts of the stages before.
    table : pandas.DataFrame
        The sides of all rows, as the wrangle stage has them.
    store : Store
        Where the objects lie.
    """
    twin, rule = candidate_twin(trained, store)
    target = twin.target
    if twin.series is not None and wrangled.history is not None:
        return _judge_forecast(twin, twin.series, rule, wrangled, table, store)
    kind: Literal["int64", "float64"] = "int64" if target.is_classification else "float64"
    y = table["target"].to_numpy(dtype=kind)
    is_held = (table["side"] == HELDOUT).to_numpy(dtype=bool)
    held = np.flatnonzero(is_held)
    raw = store.read_table(wrangled.raw).take(pa.array(held))
    answers = twin.predict(raw)
    weights = weights_in(table.iloc[~is_held])
    return Judged(
        twin=twin,
        raw=raw,
        schema=twin.schema,
        target=target,
        rule=rule,
        y=y[held],
        predicted=answers.estimates,
        dummy=dummy_predictions(y[~is_held], len(held), len(target.labels), weights),
        flagged=table["reason"].notna().to_numpy(dtype=bool)[held],
        context=context_of(twin.aim, table.iloc[held]),
        aim=twin.aim,
        low=answers.low,
        high=answers.high,
        level=twin.aim.level or 0.0,
    )


def _judge_forecast(
    twin: Bundle, series: SeriesRule, rule: SplitRule, wrangled: Wrangled, table: pd.DataFrame, store: Store
) -> Judged:
    assert wrangled.history is not None
    # A row stands there once for each of its samples.
    held = np.flatnonzero(((table["side"] == HELDOUT) & ~table["row"].duplicated()).to_numpy(dtype=bool))
    rows = store.read_table(wrangled.raw).take(pa.array(held))
    test = roll(series, twin.schema, rows, table.iloc[held], store.read_table(wrangled.history))
    predicted, low, high = test.ask(twin)
    aimed = context_of(twin.aim, table.iloc[held[test.asked]])
    test = replace(test, context=replace(aimed, scale=test.context.scale, block=test.context.block))
    return Judged(
        twin=twin,
        raw=test.raw,
        schema=twin.schema,
        target=twin.target,
        rule=rule,
        y=test.y,
        predicted=predicted,
        dummy=test.naive,
        flagged=test.flagged,
        context=test.context,
        aim=twin.aim,
        test=test,
        low=low,
        high=high,
        level=series.intervals or 0.0,
        series=series,
    )


def candidate_twin(trained: Trained, store: Store) -> tuple[Bundle, SplitRule]:
    """Return a candidate's twin as the bundle that it would be, and how its rows were split."""
    plan: dict[str, Any] = json.loads(store.read_bytes(trained.plan))
    tables = {name: store.read_table(ref) for name, ref in trained.lookups.items()}
    bundle = Bundle.assemble(
        "candidate",
        TableSchema.model_validate_json(store.read_bytes(trained.table_schema)),
        Plan.model_validate({"steps": plan["steps"]}),
        {lookup.name: lookup for lookup in lookups_of(plan, tables)},
        joblib.load(io.BytesIO(store.read_bytes(trained.twin))),
        Profile.model_validate_json(store.read_bytes(trained.profile)),
        series=SeriesRule.model_validate(plan[SERIES]) if SERIES in plan else None,
        history=tables.get(HISTORY),
        aim=aim_in(plan),
    )
    return bundle, SplitRule.model_validate(plan["split"])


def forecast_facts(judged: Judged) -> dict[str, Any]:
    """Return what is told of a forecast alone: its origins, scores by how far ahead, and what its intervals held."""
    test = judged.test
    if test is None:
        return {}
    told: dict[str, Any] = {"forecast": test.told, "by_horizon": by_horizon(judged.target, test, judged.predicted)}
    if judged.low is not None and judged.high is not None:
        told["intervals"] = coverage(test, judged.level, judged.low, judged.high)
    return told


def as_they_call_it(raw: pa.Table, theirs: TableSchema, aliases: Aliases) -> pa.Table:
    """Return rows with renamed columns under the names, too, that the champion knows them by."""
    known = {c.name for c in theirs.features}
    for name, olds in aliases.items():
        for old in olds:
            if name in raw.column_names and old in known and old not in raw.column_names:
                raw = raw.append_column(old, raw[name])
    return raw
