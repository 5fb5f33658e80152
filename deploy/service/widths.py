"""How many fields a row may have: each that no model knows costs a warning, many times as long as itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from deploy.service.problems import Problem
from penstock.bundle.bundle import Bundle

# Beyond those that the model knows.
MOST_UNKNOWN = 1_000


def refuse_wide(raw: pa.Table | Sequence[dict[str, Any]], bundle: Bundle) -> None:
    """Refuse rows with far more fields than the model knows.

    Raises
    ------
    Problem
        413.
    """
    widest = raw.num_columns if isinstance(raw, pa.Table) else max(map(len, raw), default=0)
    if widest > MOST_UNKNOWN and widest > MOST_UNKNOWN + len(bundle.fields):
        detail = f"A row has over {MOST_UNKNOWN} fields more than the {len(bundle.fields)} that the model knows"
        raise Problem(413, "too-many-columns", detail)
