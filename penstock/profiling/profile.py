"""The way in from Python: a path, a source or a table; out comes what can be shown or read by a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from penstock.frozen import canonical_json
from penstock.profiling.making import profiled
from penstock.profiling.page import profile_html
from penstock.profiling.records import Profiled
from penstock.store import write_atomically


class TableProfile:
    """A table that was looked at.

    Attributes
    ----------
    facts : Profiled
        Everything that was found.
    """

    def __init__(self, facts: Profiled) -> None:
        self.facts = facts

    def __repr__(self) -> str:
        return f"<TableProfile of {self.facts.name}: {self.facts.n_rows:,} rows, {len(self.facts.columns)} columns>"

    def html(self) -> str:
        """Return one self-contained page."""
        return profile_html(self.facts).decode()

    def to_json(self) -> str:
        """Return everything that was found as JSON: sorted keys, the same text for the same table."""
        return canonical_json(self.facts).decode()

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all."""
        place = Path(path).absolute()
        write_atomically(place, profile_html(self.facts))
        return place


def profile(
    data: Any,
    *,
    name: str = "",
    target: str | None = None,
    private: Iterable[str] = (),
    columns: Mapping[str, Any] | None = None,
) -> TableProfile:
    """Look at a table.

    Parameters
    ----------
    data : path, address, mapping, Source, pandas.DataFrame, pyarrow.Table, numpy.ndarray, dict or list of records
        The table, or where it lies: whatever a source of a spec may be.
    name : str
        What the page calls it.
    target : str, optional
        A column to look at all others against.
    private : iterable of str
        Columns of which nothing is told but their name and what is missing.
    columns : mapping, optional
        Decisions about columns, as the `columns` of a spec.

    Raises
    ------
    SourceError
        The source is absent or unreadable, or names cannot be told apart.
    DataError
        A column that is named is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> seen = profile(pd.DataFrame({"width": [1.5, 2.5, 2.5], "colour": ["red", "blue", "blue"]}), name="parts")
    >>> seen.facts.n_rows, seen.facts.duplicates.n_rows, seen.facts.alerts[0].what
    (3, 1, '1 row (33.3%) repeats an earlier row in every cell.')
    """
    return TableProfile(profiled(data, name=name, target=target, private=private, columns=columns))
