"""Tables that were made of others: their cells have been read, and what is left to decide is what they mean."""

from __future__ import annotations

from penstock.arrays.infer import decision
from penstock.receipts import Snapshot
from penstock.slices import ColumnSpec, Typing

# How the cells of a source are written, which says nothing of what was made of them.
_READING = ("decimal", "thousands", "prefix", "suffix", "units", "true_words", "false_words", "formats", "timezone")


def typing_of_made(snapshot: Snapshot, typing: Typing) -> Typing:
    """Return the decisions that are left for a table that was made: what its cells mean, and that they are private.

    Examples
    --------
    >>> from penstock.receipts import FrameRef
    >>> table = FrameRef(digest="", path="", size=0, n_rows=1, columns=("n",))
    >>> made = Snapshot(name="m", kind="made", uri="", collected_at="", n_rows=1, n_bytes=0, sha256="", parts=(),
    ...                 table=table, private=("n",))
    >>> decided = Typing(base="m", target="y", columns={"n": ColumnSpec(decimal=",", unit="kg")})
    >>> typing_of_made(made, decided).columns["n"].model_dump(exclude_defaults=True)
    {'unit': 'kg', 'private': True}
    """
    table = "" if snapshot.name == typing.base else snapshot.name
    columns = {}
    for name in snapshot.table.columns:
        decided = decision(typing, name, table)
        left = {k: v for k, v in decided.model_dump(exclude_unset=True).items() if k not in _READING}
        hidden = {"private": True} if name in snapshot.private else {}
        columns[f"{table}_{name}" if table else name] = ColumnSpec.model_validate({**left, **hidden})
    return typing.model_copy(update={"columns": {**typing.columns, **columns}})
