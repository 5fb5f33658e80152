"""How many fields a row may have: each unknown one costs a warning, many times as long as itself."""

from __future__ import annotations

from collections.abc import Iterable, Sized

from deploy.service.problems import Problem


def refuse_wide(rows: Iterable[Sized], limit: int) -> None:
    """Refuse rows with more fields than are taken.

    Raises
    ------
    Problem
        413.

    Examples
    --------
    >>> refuse_wide([{"age": 41}], limit=1)
    """
    if any(len(row) > limit for row in rows):
        raise Problem(413, "too-many-columns", f"A row has more than the {limit} fields that are taken")
