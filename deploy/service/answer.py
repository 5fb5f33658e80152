"""From raw rows to answers: one call of the bundle's predict, counted, and refused where the door is strict."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson
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
from penstock.errors import BundleError, UserError
from penstock.series.rule import HISTORY


def predict(
    held: Held, raw: pa.Table | list[dict[str, Any]], meters: Meters, history: list[dict[str, Any]] | None = None
) -> Predictions:
    """Predict, and count what was done."""
    refuse_wide(raw, held.bundle)
    began = time.perf_counter()
    held.pulse.called()
    try:
        answers = held.bundle.predict(raw, history)
        if not answers.is_finite:
            raise BundleError("The model's answers are no numbers")
    except Exception as error:
        if not isinstance(error, UserError | MemoryError):
            held.pulse.failed()
        raise
    meters.tally(held.bundle.name, held.bundle.version).note(time.perf_counter() - began, answers)
    return answers


def predict_plain(held: Held, row: dict[str, Any], demands: Demands, meters: Meters) -> Predictions:
    """Predict one row, and count it if it is answered.

    Raises
    ------
    Problem
        It lacks a required field, or holds a value that cannot be read.
    Exception
        Whatever the model raises.
    """
    refuse_wide([row], held.bundle)
    began = time.perf_counter()
    answers = held.bundle.predict_row(row)
    if not answers.is_finite:
        raise BundleError("The model's answers are no numbers")
    demands.refuse(answers, single=True)
    held.pulse.called()
    meters.tally(held.bundle.name, held.bundle.version).note(time.perf_counter() - began, answers)
    return answers


def told(answers: Predictions) -> list[bytes]:
    """Return `answers.rows()` as JSON, a text each; where nothing is to be said of any row, without its object."""
    target = answers.target
    if answers.notes or answers.misfits or answers.low is not None or not len(answers):
        return [orjson.dumps(row) for row in answers.rows()]
    numbers = orjson.dumps(answers.estimates.ravel().tolist())[1:-1].split(b",")
    if not target.is_classification:
        return [b'{"prediction":%b,"warnings":[]}' % number for number in numbers]
    heads = [b'{"prediction":%b,"probabilities":{' % orjson.dumps(target.typed(label)) for label in target.labels]
    shares = b",".join(orjson.dumps(label).replace(b"%", b"%%") + b":%b" for label in target.labels)
    shares += b'},"warnings":[]}'
    each = zip(*[iter(numbers)] * len(target.labels), strict=True)
    return [heads[code] + shares % row for code, row in zip(answers.codes.tolist(), each, strict=True)]


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


class Demands:
    """What a model asks of every row of JSON, found in its schema once: in JSON nothing is guessed.

    A field that the model does not know is refused where its spec says `serve: {extra: refuse}`.
    """

    __slots__ = ("_is_strict", "_needed")

    def __init__(self, bundle: Bundle) -> None:
        self._needed = frozenset(c.name for c in bundle.schema.columns if required(c))
        serve = bundle.manifest.spec.get("serve") if bundle.manifest else None
        self._is_strict = isinstance(serve, dict) and serve.get("extra") == "refuse"

    def refuse(self, answers: Predictions, *, single: bool) -> None:
        """Refuse rows that lack a required field or hold a value that cannot be read.

        Raises
        ------
        Problem
            422, naming every field, and the row where there are several.
        """
        if not answers.notes and not answers.misfits:
            return
        faults = [*self._lacking(answers, single), *(_fault(m, single) for m in answers.misfits[:MAX_FAULTS])]
        if self._is_strict:
            unknown = [note.warned.field for note in answers.notes if note.warned.code == "unknown_field"]
            faults += [
                Fault(field=name, message="The model has no such field", expected="no field") for name in unknown
            ]
        if faults:
            fields = list(dict.fromkeys(str(fault.field) for fault in faults))
            raise Problem(422, "row-refused", f"These fields do not fit the model: {_first(fields)}", faults)

    def _lacking(self, answers: Predictions, single: bool) -> Iterator[Fault]:
        for note in answers.notes:
            if note.warned.code != "missing_field" or note.warned.field not in self._needed:
                continue
            for row in [0] if note.rows is None else note.rows[:MAX_FAULTS].tolist():
                at = None if single else int(row)
                yield Fault(field=note.warned.field, row=at, message="The field is needed", expected="a value")


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


def _fault(misfit: Misfit, single: bool) -> Fault:
    return Fault(
        field=misfit.column,
        row=None if single else misfit.row,
        message="The value does not fit",
        expected=misfit.expected,
    )
