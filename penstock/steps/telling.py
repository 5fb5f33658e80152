"""What a message shows of rows: the first few, and nothing of private columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from penstock.steps.audit import as_text

_SHOWN = 3
_SHOWN_PLACES = 5


def told_rows(named: pd.DataFrame, private: frozenset[str]) -> str:
    """Return what the first rows hold, for a message; values of private columns are not among it.

    Examples
    --------
    >>> told_rows(pd.DataFrame({"age": [1.0, 2.0], "name": ["Ann", "Bo"]}), frozenset({"name"}))
    '{age: 1, name: (private)}, {age: 2, name: (private)}'
    """
    shown = []
    for i in range(min(_SHOWN, len(named))):
        cells = ", ".join(
            f"{name}: {'(private)' if name in private else as_text(named[name].iloc[i])}" for name in named.columns
        )
        shown.append(f"{{{cells}}}")
    return ", ".join(shown) + (f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else "")


def told_places(where: np.ndarray) -> str:
    """Return how many rows are meant and the first of them, counted from 0.

    Examples
    --------
    >>> told_places(np.array([False, True, True]))
    '2 rows (1, 2)'
    """
    at = np.flatnonzero(where)
    first = ", ".join(map(str, at[:_SHOWN_PLACES].tolist())) + (", …" if len(at) > _SHOWN_PLACES else "")
    return f"{len(at):,} row{'s' if len(at) != 1 else ''} ({first})"
