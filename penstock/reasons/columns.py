"""Reasons as columns of a table, beside the answers."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.reasons.explaining import MOST_ROWS, explain


def explained_columns(bundle: Bundle, rows: pa.Table) -> pd.DataFrame:
    """Return why each row is answered so.

    Parameters
    ----------
    bundle : Bundle
        A bundle that was opened from where it is sealed.
    rows : pyarrow.Table
        Raw rows, as many as there are.

    Returns
    -------
    pandas.DataFrame
        Shape (n_rows, n_columns + 3): `base`, `contribution_<column>` in the schema's order, `contributions_are`
        (`exact` or `sampled`) and `reasons`; all missing in a row without a prediction.
    """
    records: list[dict[str, object]] = []
    for start in range(0, rows.num_rows, MOST_ROWS):
        for told in explain(bundle, rows.slice(start, MOST_ROWS)):
            if told is None:
                records.append({})
                continue
            each = {f"contribution_{name}": value for name, value in told.contributions.items()}
            records.append(
                {"base": told.base, **each, "contributions_are": told.method, "reasons": "; ".join(told.reasons)}
            )
    frame = pd.DataFrame(records, index=range(rows.num_rows))
    names = [f"contribution_{c.name}" for c in bundle.schema.columns]
    return frame.reindex(columns=["base", *(n for n in names if n in frame.columns), "contributions_are", "reasons"])
