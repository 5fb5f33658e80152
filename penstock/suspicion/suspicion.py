"""One thing that a careful person would ask about a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from penstock.arrays.proposing import line, quoted
from penstock.frozen import Frozen

Sign = Literal["sum", "with_target", "missing", "tells", "name", "copy", "recoding"]
# What may be a fact of the future; the others are only said twice.
LATE: frozenset[Sign] = frozenset({"sum", "with_target", "missing", "tells", "name"})


class Suspicion(Frozen):
    """What is odd about a column, in a sentence with its numbers.

    `line` is the line of a spec that leaves it out, and whatever else may be known too late.
    """

    column: str
    sign: Sign
    what: str
    line: str = ""

    @property
    def is_late(self) -> bool:
        """Whether the column may be known only after the fact."""
        return self.sign in LATE


def with_lines(found: Iterable[Suspicion], known_after: Sequence[str], joined: frozenset[str]) -> tuple[Suspicion, ...]:
    """Return suspicions with the line that each would be answered by.

    Parameters
    ----------
    found : iterable of Suspicion
        They name columns as the plan has them.
    known_after : sequence of str
        What the spec says already.
    joined : frozenset of str
        Columns that come from other tables: of those a role is said, one by one.

    Examples
    --------
    >>> found = [Suspicion(column=c, sign="missing", what="...") for c in ("body", "no")]
    >>> [s.line for s in with_lines(found, ["boat"], frozenset())]
    ["known_after: [boat, body, 'no']", "known_after: [boat, body, 'no']"]
    """
    given = tuple(found)
    late = [s.column for s in given if s.is_late and s.column not in joined]
    whole = f"known_after: [{', '.join(map(quoted, dict.fromkeys((*known_after, *late))))}]"

    def answered(one: Suspicion) -> Suspicion:
        line_ = line(one.column, role="known_after") if one.column in joined else whole
        return one.model_copy(update={"line": line_ if one.is_late else ""})

    return tuple(map(answered, given))


def lines_of(found: Iterable[Suspicion]) -> tuple[str, ...]:
    """Return the lines that answer suspicions, each once."""
    return tuple(dict.fromkeys(s.line for s in found if s.line))
