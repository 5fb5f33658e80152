"""Why a column was typed so: the evidence, the cells that speak against it, and the lines that would change it."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.arrays.epochs import counted_from_1970
from penstock.arrays.found import MOST_ODD, Found
from penstock.arrays.mixture import Mixture, mixture
from penstock.arrays.proposing import Value, far_lines, line, missing_list, shown
from penstock.arrays.roles import Judged
from penstock.arrays.sentinels import Sentinel, sentinels
from penstock.arrays.tally import NULL, PLACEHOLDERS, Numbers, Tally
from penstock.slices import ColumnSpec
from penstock.table import Role

# Fewer whole numbers of the right size may be anything.
_MANY = 20
# A word for nothing is met more often than this; a name that looks like one is not.
_SHARE = 0.001


def explained(
    name: str, found: Found, judged: Judged, mixed: Mixture | None, decided: ColumnSpec, table: str = ""
) -> dict[str, Any]:
    """Return `evidence`, `counter_examples` and `proposals` of a column.

    Values of a private column are in none of them.

    Parameters
    ----------
    name : str
        The column's name.
    found : Found
        What it was found to be.
    judged : Judged
        What it was judged to be for, and the words that say why.
    mixed : Mixture, optional
        Its parts, where it is text that is numbers or dates in part.
    decided : ColumnSpec
        What the user decided about it.
    table : str
        The source it comes from, empty for the base.
    """
    role, why = judged
    is_used = role == "feature"
    spanned = _span(found.seen) if found.column.kind == "datetime" and isinstance(found.seen, Numbers) else ""
    far = sentinels(found.seen) if isinstance(found.seen, Numbers) and _may_be_far(found, is_used) else ()
    odd = found.odd or (mixed.odd if mixed is not None else ())
    words = [*found.words, why, missing_words(found)]
    if decided.private:
        words += ["in parts numbers or dates" if mixed is not None else ""]
        return {"evidence": "; ".join(w for w in words if w)}
    words += [spanned, mixed.words if mixed is not None else "", *(s.told for s in far)]
    return {
        "evidence": "; ".join(w for w in words if w),
        "counter_examples": tuple(text for text, _ in odd[:MOST_ODD]),
        "proposals": _proposals(name, found, role, decided, table, far, mixed if is_used or has_units(mixed) else None),
    }


def parts(found: Found) -> Mixture | None:
    """Return the parts of a column of text that is numbers or dates in part."""
    is_text = isinstance(found.seen, Tally) and found.column.kind in ("category", "text")
    return mixture(found.seen) if is_text and isinstance(found.seen, Tally) and found.seen.native is None else None


def has_units(mixed: Mixture | None) -> bool:
    """Whether a column is one of numbers with several units."""
    return mixed is not None and "units" in mixed.decided


def _span(moments: Numbers) -> str:
    if not moments.n:
        return ""
    ends = (str(np.datetime64(int(end), "us").astype("datetime64[D]")) for end in (moments.low, moments.high))
    return " to ".join(ends)


def _may_be_far(found: Found, is_used: bool) -> bool:
    return is_used and found.column.kind in ("integer", "float")


def missing_words(found: Found) -> str:
    """Say how much is missing, and by which tokens.

    Examples
    --------
    >>> from penstock.table import Column
    >>> numbers = Numbers(np.array([1.0, np.nan, np.nan]), {"?": 1, NULL: 1})
    >>> missing_words(Found(Column(name="x", kind="float"), numbers))
    "2 missing (1 null, 1 '?')"
    """
    seen = found.seen
    if not seen.n_missing:
        return ""
    most = sorted(seen.gone, key=lambda t: (-seen.gone[t], t))
    told = ", ".join(f"{seen.gone[t]:,} {_token(t)}" for t in most[:4]) + (", …" if len(most) > 4 else "")
    return f"{seen.n_missing:,} missing ({told})" if told else f"{seen.n_missing:,} missing"


def _token(token: str) -> str:
    return "null" if token == NULL else "blank" if not token else shown(token)


def _proposals(
    name: str,
    found: Found,
    role: Role,
    decided: ColumnSpec,
    table: str,
    far: tuple[Sentinel, ...],
    mixed: Mixture | None,
) -> tuple[str, ...]:
    gone = found.seen.gone
    made = [*far_lines(name, far, gone, decided, table)]
    if found.other:
        made.append(line(name, table, "day and month the other way round", formats=[found.other]))
    if mixed is not None and mixed.decided:
        more: dict[str, Value] = {"missing": missing_list(gone, decided, *mixed.tokens)} if mixed.tokens else {}
        made.append(line(name, table, mixed.words, **{**mixed.decided, **more}))
    elif isinstance(found.seen, Tally) and role == "feature" and decided.missing is None:
        counts = found.seen.counted(PLACEHOLDERS)
        words = [w for w, n in counts.items() if n >= _SHARE * found.seen.n]
        if words:
            told = ", ".join(f"{counts[w]:,} cells hold {w!r}" for w in words[:4])
            made.append(line(name, table, told, missing=missing_list(gone, decided, *words)))
    # A cell that stands once is a slip; a word that comes again stands for something.
    if found.odd and all(n > 1 for _, n in found.odd) and sum(n for _, n in found.odd) == len(found.misfits):
        told = f"{len(found.misfits):,} cells taken as missing, their rows not rejected"
        made.append(line(name, table, told, missing=missing_list(gone, decided, *(text for text, _ in found.odd))))
    if found.whole and isinstance(found.seen, Numbers) and decided.kind is None:
        counted = counted_from_1970(name, found.seen, named=False)
        if counted is not None and found.seen.distinct >= _MANY:
            made.append(line(name, table, counted.words, kind="datetime", formats=[counted.format]))
    if role == "id" and decided.role is None:
        made.append(line(name, table, "to learn from it", role="feature"))
    return tuple(made)
