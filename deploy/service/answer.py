"""From raw rows to answers: one call of the bundle's predict, counted, and refused where the door is strict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from fastapi import Response

from deploy.service.holder import Held
from deploy.service.meters import Meters
from deploy.service.problems import MAX_FAULTS, Fault, Problem
from deploy.service.rows import required
from deploy.service.widths import refuse_wide
from penstock.bundle.bundle import Bundle
from penstock.bundle.carried import told_versions
from penstock.bundle.predictions import Predictions
from penstock.cells import Misfit
from penstock.series.rule import HISTORY
from penstock.table import TableSchema


def predict(
    held: Held, raw: pa.Table | list[dict[str, Any]], meters: Meters, history: list[dict[str, Any]] | None = None
) -> Predictions:
    """Predict, and count what was done."""
    refuse_wide(raw, held.bundle)
    name = held.bundle.name
    began = time.perf_counter()
    answers = held.bundle.predict(raw, history)
    meters.predict_seconds.labels(name).observe(time.perf_counter() - began)
    meters.rows.labels(name, held.bundle.version).inc(len(answers))
    for code, n in _codes(answers).items():
        meters.warnings.labels(name, code).inc(n)
    return answers


def named(answers: Predictions) -> dict[str, Any]:
    """Return who answered, for a JSON object: model, version, and the version of each look-up where there are any."""
    told: dict[str, Any] = {"model": answers.model, "version": answers.version}
    return told | {"lookups": answers.lookups} if answers.lookups else told


def stamped(response: Response, answers: Predictions) -> Response:
    """Return a response whose headers say who answered."""
    response.headers["x-model"] = answers.model
    response.headers["x-model-version"] = answers.version
    if answers.lookups:
        response.headers["x-lookups"] = told_versions(answers.lookups)
    return response


def _codes(answers: Predictions) -> Counter[str]:
    counts: Counter[str] = Counter()
    for note in answers.notes:
        counts[note.warned.code] += len(answers) if note.rows is None else len(note.rows)
    return counts


def refuse_misfits(answers: Predictions, bundle: Bundle, *, single: bool) -> None:
    """Refuse rows that lack a required field or hold a value that cannot be read: in JSON nothing is guessed.

    A field that the model does not know is refused where its spec says `serve: {extra: refuse}`.

    Raises
    ------
    Problem
        422, naming every field, and the row where there are several.
    """
    faults = [*_lacking(answers, bundle.schema, single), *(_fault(m, single) for m in answers.misfits[:MAX_FAULTS])]
    if _is_strict(bundle):
        unknown = [note.warned.field for note in answers.notes if note.warned.code == "unknown_field"]
        faults += [Fault(field=name, message="The model has no such field", expected="no field") for name in unknown]
    if faults:
        fields = list(dict.fromkeys(str(fault.field) for fault in faults))
        raise Problem(422, "row-refused", f"These fields do not fit the model: {_first(fields)}", faults)


def refuse_absent(table: pa.Table, bundle: Bundle) -> None:
    """Refuse a table without a column that is needed, under none of its names.

    A single gap in a column is answered, with a warning: it is one row of many.

    Raises
    ------
    Problem
        422, naming the columns.
    """
    sent, olds = set(table.column_names), bundle.promises.aliases
    needed = [c.name for c in bundle.schema.columns if required(c) and c.table != HISTORY]
    absent = [name for name in needed if sent.isdisjoint((name, *olds.get(name, ())))]
    if absent:
        faults = [Fault(field=n, message="The column is needed", expected="a column") for n in absent[:MAX_FAULTS]]
        raise Problem(422, "column-missing", f"These columns are needed: {_first(absent)}", faults)


def _first(names: list[str]) -> str:
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _is_strict(bundle: Bundle) -> bool:
    serve = bundle.manifest.spec.get("serve") if bundle.manifest else None
    return isinstance(serve, dict) and serve.get("extra") == "refuse"


def _lacking(answers: Predictions, schema: TableSchema, single: bool) -> Iterator[Fault]:
    needed = {c.name for c in schema.columns if required(c)}
    for note in answers.notes if needed else ():
        if note.warned.code != "missing_field" or note.warned.field not in needed:
            continue
        for row in [0] if note.rows is None else note.rows[:MAX_FAULTS].tolist():
            at = None if single else int(row)
            yield Fault(field=note.warned.field, row=at, message="The field is needed", expected="a value")


def _fault(misfit: Misfit, single: bool) -> Fault:
    return Fault(
        field=misfit.column,
        row=None if single else misfit.row,
        message="The value does not fit",
        expected=misfit.expected,
    )
