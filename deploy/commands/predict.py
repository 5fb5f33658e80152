"""`penstock predict`: a file of raw rows in, one answer for each row out, in order."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
from rich.markup import escape

from deploy.commands.console import err
from deploy.commands.expected import show_warnings
from deploy.commands.models import load
from deploy.tables import check_format, no_columns_fit, read_rows, write_rows
from penstock.bundle.bundle import Bundle
from penstock.bundle.carried import told_versions
from penstock.errors import SpecError
from penstock.table import closest

_EXPECTED = "Correct the file. If its rows are right, change `expect` in the spec and run it: models carry it along."


def predict(
    name: str,
    input_: Path,
    output: Path,
    artifacts: Path,
    version: str | None,
    keep: str,
    history: Path | None = None,
    *,
    explain: bool = False,
) -> int:
    """Predict a file, if it is what the model's spec expects of one; of a forecast from a history, where one is given.

    Raises
    ------
    DataError
        It is not: nothing is written.
    SpecError
        Answers are to be explained that hang on a history which is sent along.
    """
    if explain and history is not None:
        raise SpecError("Answers that hang on a history are not explained", todo="Leave out --history or --explain.")
    check_format(output)
    bundle = load(name, artifacts, version)
    rows = read_rows(input_)
    names = bundle.fields
    if rows.num_columns and not set(rows.column_names) & set(names):
        raise no_columns_fit(input_, names)
    outcome = bundle.check(rows)
    outcome.demand(where=str(input_), todo=_EXPECTED)
    show_warnings(outcome)
    answers = bundle.predict(rows, None if history is None else read_rows(history))
    kept = _kept(rows, keep, bundle.schema.ids)
    told = [_explained(bundle, rows)] if explain else []
    write_rows(output, pd.concat([kept, answers.to_frame(), *told], axis=1))
    warned = sum(1 for row in answers.warnings if row)
    note = f", {warned:,} with a warning" if warned else ""
    note += f", looked up in {told_versions(answers.lookups)}" if answers.lookups else ""
    err().print(f"{rows.num_rows:,} rows predicted by {name} {bundle.version}{note}: {escape(str(output))}")
    return 0


def _explained(bundle: Bundle, rows: pa.Table) -> pd.DataFrame:
    from penstock.reasons import explained_columns

    return explained_columns(bundle, rows)


def _kept(rows: pa.Table, keep: str, ids: tuple[str, ...]) -> pd.DataFrame:
    if keep == "all":
        columns = rows.column_names
    elif keep == "ids":
        columns = [c for c in rows.column_names if c in ids]
    else:
        columns = [c.strip() for c in keep.split(",") if c.strip()]
        unknown = [c for c in columns if c not in rows.column_names]
        if unknown:
            raise SpecError(
                f"--keep names a column that the input does not have: {unknown[0]!r}",
                expected=closest(unknown[0], rows.column_names),
            )
    kept: pd.DataFrame = rows.select(columns).to_pandas()
    return kept
