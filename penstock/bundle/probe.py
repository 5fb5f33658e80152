"""Probes: made-up rows with the answers that the sealed model gave, asked again whenever it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from penstock.bundle.looking import Looking
from penstock.bundle.predictions import Predictions
from penstock.errors import BundleError
from penstock.series.rule import SeriesRule
from penstock.table import Column, TableSchema

TOLERANCE = 1e-9
# No raw column is named so: answers stand beside the rows in one table.
_ANSWER = "answer\x1f"
UNSEEN = "penstock: no such level"


def build_probe(raw_train: pa.Table, schema: TableSchema, seed: int, n: int = 32, keys: Sequence[str] = ()) -> pa.Table:
    """Make up rows from training values.

    Each column is shuffled by itself, so that a row is nobody's record. Two rows are added: one with nothing in it, and
    one whose categories training has not seen.

    Parameters
    ----------
    raw_train : pyarrow.Table
        Raw training rows, shape (n_train, n_columns).
    schema : TableSchema
        The model's columns. Identifiers, private columns and what the bundle looks up itself are left out.
    seed : int
        Decides the shuffles.
    n : int
        How many rows to make up; fewer where training has fewer.
    keys : sequence of str
        Further columns that the model needs in its look-ups.

    Returns
    -------
    pyarrow.Table
        Raw rows of the types of `raw_train`, shape (min(n, n_train) + 2, n_probed).
    """
    random = np.random.default_rng(seed)
    asked = [c for c in schema.features if c.serve == "request" and not c.private]
    asked += [schema.column(k) for k in keys if k not in {c.name for c in asked}]
    count = min(n, raw_train.num_rows)
    columns: dict[str, pa.ChunkedArray] = {}
    for column in asked:
        # Drawn for every column, absent ones too: what one column gets must not hang on another's presence.
        rows = random.permutation(raw_train.num_rows)[:count]
        if column.name in raw_train.column_names:
            values = raw_train[column.name].combine_chunks().take(pa.array(rows))
            columns[column.name] = pa.concat_arrays([values, pa.nulls(1, values.type), _unseen(column, values)])
    return pa.table(columns)


def with_moments(probe: pa.Table, rule: SeriesRule, schema: TableSchema, history: pa.Table, seed: int) -> pa.Table:
    """Return a forecast's probe rows with series and moments that can be asked for; the row with nothing stays so.

    Parameters
    ----------
    probe : pyarrow.Table
        Rows as `build_probe` makes them: the last but one has nothing in it.
    rule : SeriesRule
        How rows are series.
    schema : TableSchema
        The model's columns.
    history : pyarrow.Table
        The raw rows that the model carries.
    seed : int
        Decides which moments.
    """
    looking = Looking(rule, schema, history)
    n = probe.num_rows
    names, at = looking.draw(n, seed)
    for key, values in looking.keys(names, at).items():
        told = pa.array([None if i == n - 2 else str(value) for i, value in enumerate(values)], pa.string())
        at_column = probe.column_names.index(key) if key in probe.column_names else None
        probe = probe.append_column(key, told) if at_column is None else probe.set_column(at_column, key, told)
    return probe


def _unseen(column: Column, values: pa.Array) -> pa.Array:
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if column.kind in ("category", "text"):
        return pa.array([UNSEEN if is_text else None], values.type)
    return values[:1] if len(values) else pa.nulls(1, values.type)


def answers_to(predict: Callable[[pa.Table], Predictions], rows: pa.Table, where: str) -> Predictions:
    """Return what a model says of probe rows.

    Raises
    ------
    BundleError
        It fails on them: it has no business in front of a caller.
    """
    try:
        return predict(rows)
    except MemoryError:
        raise
    except Exception as error:
        raise BundleError(
            "The model fails on its own probes",
            where=where,
            got=type(error).__name__,
            todo="Train it again with the libraries that are here.",
        ) from error


def with_answers(rows: pa.Table, predictions: Predictions) -> pa.Table:
    """Return probe rows beside what was predicted of them."""
    table = rows
    for name, column in _answers(predictions).items():
        table = table.append_column(_ANSWER + name, column)
    return table


def _answers(predictions: Predictions) -> dict[str, pa.Array]:
    target = predictions.target
    if predictions.values is not None:
        ends = {"low": predictions.low, "high": predictions.high}
        given = {
            name: pa.array(np.where(predictions.null, np.nan, end)) for name, end in ends.items() if end is not None
        }
        return {"value": pa.array(predictions.values), **given}
    assert predictions.probabilities is not None
    labels = [*target.labels, None]
    answers = {"label": pa.array([labels[code] for code in predictions.codes.tolist()], pa.string())}
    for i, label in enumerate(target.labels):
        answers[f"probability {label}"] = pa.array(np.ascontiguousarray(predictions.probabilities[:, i]))
    return answers


def rows_of(probe: pa.Table) -> pa.Table:
    """Return the rows of a stored probe without their answers."""
    return probe.select([name for name in probe.column_names if not name.startswith(_ANSWER)])


def check_answers(probe: pa.Table, predictions: Predictions, where: str = "") -> None:
    """Compare predictions with the stored ones: labels exactly, numbers to 1e-9.

    Raises
    ------
    BundleError
        They differ: this machine's libraries make another model of the same bytes. Or they are no numbers, however
        they were stored.
    """
    given = _answers(predictions)
    stored = {name.removeprefix(_ANSWER): probe[name] for name in probe.column_names if name.startswith(_ANSWER)}
    if set(given) != set(stored) or probe.num_rows != len(predictions):
        raise BundleError("The stored answers are not those of this model's target", where=where)
    wrong = np.zeros(len(predictions), dtype=bool)
    for name, answer in given.items():
        kept = stored[name]
        if name == "label":
            wrong |= np.array([a != b for a, b in zip(answer.to_pylist(), kept.to_pylist(), strict=True)], dtype=bool)
        else:
            wrong |= ~_close(answer.to_numpy(zero_copy_only=False), kept.to_numpy())
    if wrong.any():
        raise BundleError(
            "The model does not answer as it did when it was sealed",
            where=where,
            got=f"{int(wrong.sum())} of {len(wrong)} stored answers differ",
            expected=f"the same labels, and numbers within {TOLERANCE:g}",
            todo="Open it with the libraries that its manifest names, or train it again with those that are here.",
        )
    if not predictions.is_finite:
        raise BundleError("The model's answers are no numbers", where=where, todo="Train it again.")


def _close(given: np.ndarray, stored: np.ndarray) -> np.ndarray:
    return np.asarray(np.isclose(given, stored, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
