"""Answers with their reasons: what `?explain=true` asks for. Reasons cost more than answers, and so have threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
from fastapi import Request

from deploy.service.answer import named, predict
from deploy.service.body import many_rows, row_with_history
from deploy.service.holder import Held
from deploy.service.problems import Problem
from deploy.service.served import Served
from penstock.bundle.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

_NO = ("", "0", "false", "no")
_YES = ("1", "true", "yes")


def wants_reasons(request: Request) -> bool:
    """Whether a request asks for reasons.

    Raises
    ------
    Problem
        422, when `explain` is neither true nor false.
    """
    asked = request.query_params.get("explain", "").lower()
    if asked not in (*_NO, *_YES):
        raise Problem(422, "explain-unclear", "`explain` is true or false")
    return asked in _YES


def explained_row(parts: Served, held: Held, body: bytes) -> bytes:
    """Return the answer to one row of JSON, and why it is that one."""
    known = parts.doors.known(held.bundle)
    row, history = row_with_history(body, known.fields, parts.settings.max_rows)
    _refuse_history(history)
    answers = predict(held, [row], parts.meters)
    known.demands.refuse(answers, single=True)
    return orjson.dumps({**answers.only(), **named(answers), "explanation": reasons_of(held, [row])[0]})


def explained_rows(parts: Served, held: Held, body: bytes) -> tuple[bytes, Predictions]:
    """Return the answers to many rows of JSON, each with why it is that one."""
    rows, history = many_rows(body, parts.settings.max_rows)
    _refuse_history(history)
    answers = predict(held, rows, parts.meters)
    parts.doors.known(held.bundle).demands.refuse(answers, single=False)
    told = reasons_of(held, rows)
    each = [{**answer, "explanation": why} for answer, why in zip(answers.rows(), told, strict=True)]
    return orjson.dumps({**named(answers), "rows": each}), answers


def explained_table(held: Held, table: pa.Table) -> pd.DataFrame:
    """Return for each row of a table its contributions as columns."""
    from penstock.reasons import explained_columns

    return explained_columns(held.bundle, table)


def reasons_of(held: Held, rows: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """Return for each row why it is answered so; None for one without a prediction."""
    # A service that nobody asks for reasons does without what they need.
    from penstock.reasons import explain

    return [None if told is None else told.to_json() for told in explain(held.bundle, rows)]


def _refuse_history(history: object) -> None:
    if history is not None:
        raise Problem(422, "history-unexplained", "Answers that hang on a history are not explained; leave out one")
