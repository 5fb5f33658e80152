"""Where cells are missing: along the rows, in which patterns, and which columns together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.arrays.relations import one_thread
from penstock.profiling.columns import Seen
from penstock.profiling.records import Missing, MissingPattern, Together

MOST_COLUMNS, SPANS, PATTERNS, MOST_PAIRS = 60, 60, 10, 12
FEWEST, SHARE = 5, 0.9
BLOCK = 1 << 16


def find_gaps(columns: Sequence[Seen], n_rows: int) -> Missing:
    """Look at the cells that are missing, over all rows.

    Parameters
    ----------
    columns : sequence of Seen
        All columns; private ones are passed over. Of more than 60 with gaps those with the most are looked at.
    n_rows : int
        How many rows the table has.
    """
    with_gaps = [c for c in columns if c.look.profile.missing and not c.look.private]
    if not with_gaps:
        return Missing(complete_rows=n_rows, n_patterns=1 if n_rows else 0)
    most = sorted(with_gaps, key=lambda c: -c.look.profile.missing)[:MOST_COLUMNS]
    chosen = [c for c in with_gaps if any(c is m for m in most)]
    masks = np.zeros(n_rows, np.int64)
    spans = np.linspace(0, n_rows, min(SPANS, n_rows) + 1).astype(np.int64)
    strips = []
    for i, column in enumerate(chosen):
        gone = column.gone()
        masks |= gone.astype(np.int64) << i
        shares = np.add.reduceat(gone.astype(np.int64), spans[:-1]) / np.diff(spans)
        strips.append(tuple(round(float(s), 4) for s in shares))
    sets, counts = np.unique(masks, return_counts=True)
    names = [c.name for c in chosen]
    order = np.lexsort((sets, -counts))[:PATTERNS]
    return Missing(
        columns=tuple(names),
        strips=tuple(strips),
        patterns=tuple(
            MissingPattern(columns=_named(int(sets[i]), names), n_rows=int(counts[i])) for i in order if sets[i]
        ),
        n_patterns=len(sets),
        complete_rows=int(counts[0]) if sets[0] == 0 and len(with_gaps) == len(chosen) else _complete(with_gaps),
        together=_together(sets, counts, names),
        left_out=len(with_gaps) - len(chosen),
    )


def _named(mask: int, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for i, name in enumerate(names) if mask >> i & 1)


def _complete(columns: Sequence[Seen]) -> int:
    gone = columns[0].gone()
    for column in columns[1:]:
        gone = gone | column.gone()
    return int(len(gone) - gone.sum())


def _together(sets: Any, counts: Any, names: Sequence[str]) -> tuple[Together, ...]:
    both: Any = np.zeros((len(names), len(names)))
    with one_thread():
        for start in range(0, len(sets), BLOCK):
            bits = ((sets[start : start + BLOCK, None] >> np.arange(len(names))) & 1).astype(np.float64)
            both += bits.T @ (bits * counts[start : start + BLOCK, None])
    own = np.diag(both)
    either = own[:, None] + own[None, :] - both
    share = both / np.maximum(either, 1)
    pairs = [
        Together(one=names[i], two=names[j], n_rows=int(both[i, j]), share=float(share[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if both[i, j] >= FEWEST and share[i, j] >= SHARE
    ]
    return tuple(sorted(pairs, key=lambda p: (-p.share, -p.n_rows))[:MOST_PAIRS])
