"""Where the steps start: the rows with a target, their typed features, and what is known of them beside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.errors import DataError
from penstock.split import TRAIN
from penstock.steps.audit import StepAudit
from penstock.steps.base import Rows, is_told
from penstock.steps.labels import Labelled
from penstock.steps.plan import Plan
from penstock.steps.relations.assemble import Assembled
from penstock.steps.relations.series import Expanded
from penstock.steps.relations.source import SourceTable
from penstock.steps.running import Held, Running, objected_to

FEWEST_LABELLED = 50


def start_of_rows(assembled: Assembled, labelled: Labelled, side: np.ndarray, beside: pd.DataFrame) -> Running:
    """Return the rows with a target, before any step.

    Raises
    ------
    DataError
        There are too few of them.
    """
    kept = ~is_told(labelled.lacking)
    n_kept = int(kept.sum())
    if n_kept < FEWEST_LABELLED:
        raise DataError(
            "There are too few rows with a target",
            where=f"target {labelled.target.name!r}",
            got=f"{n_kept} of {len(kept)}",
            expected=f"at least {FEWEST_LABELLED}",
            todo="Bring more rows.",
        )
    features = assembled.features
    private = frozenset(c.name for c in assembled.table_schema.columns if c.private)
    rows = Rows(train=side == TRAIN, beside=beside, target=labelled.values, misfit=assembled.misfit, private=private)
    return Running(
        table=Held(features if kept.all() else features[kept].reset_index(drop=True)),
        rows=rows.take(kept),
        row=np.flatnonzero(kept).astype(np.int64),
        reason=np.full(n_kept, None, dtype=object),
    )


def only_joined(start: Running, assembled: Assembled) -> tuple[Running, list[StepAudit]]:
    """Reject training rows that an inner join has no use for, and flag held-out ones."""
    if all(record.join.how == "left" or record.join.into for record in assembled.records):
        return start, []
    reasons = assembled.lacking[start.row]
    kept, entry = objected_to(start, reasons, "inner_join", "join", "the spec wants only rows that find a partner")
    return kept, [entry]


def start_of_series(
    assembled: Assembled, labelled: Labelled, side: np.ndarray, series: Expanded, target: str
) -> Running:
    """Return the samples of a forecast, before any step.

    Raises
    ------
    DataError
        There is none: no row has an earlier value of its series.
    """
    if not len(series.row):
        raise DataError(
            "No row has an earlier value of its series to be forecast from",
            where=f"target {target!r}",
            todo="Look at `time`, `group` and `horizon`.",
        )
    # Samples of one row differ by their origin, rows by their place: none of them is a copy of another.
    beside = pd.DataFrame({"group": series.group, "index": series.index, "origin": series.origin})
    # What is not known ahead is read from earlier rows, so it spoils none of its own.
    misfit = assembled.misfit.copy()
    misfit[np.isin(assembled.misfit_column.astype(str), series.rule.past)] = None
    everything = Rows(
        train=side[series.row] == TRAIN, beside=beside, target=labelled.values[series.row], misfit=misfit[series.row]
    )
    reason = np.full(len(series.row), None, dtype=object)
    return Running(table=Held(series.frame), rows=everything, row=series.row, reason=reason)


def with_others(start: Running, base: SourceTable, plan: Plan) -> Rows:
    """Return what is known of the rows with the columns beside the features that row steps ask for, typed."""
    features = {c.name for c in base.table_schema.features}
    asked = [name for name in plan.asks if name not in features and name in base.raw.column_names]
    if not asked:
        return start.rows
    cast = base.table_schema.cast(base.raw.select(asked).take(pa.array(start.row)), asked)
    return replace(start.rows, others=cast.frame)
