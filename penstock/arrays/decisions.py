"""What the user decided about a column, put over what was inferred."""

from __future__ import annotations

from typing import Any

from penstock.errors import SpecError
from penstock.slices import ColumnSpec, Typing
from penstock.table import Column, Kind, Role, closest

# A kind that is implied leaves a column that is one of these as it is.
_AS_GOOD: dict[Kind, tuple[Kind, ...]] = {
    "float": ("integer", "float"),
    "boolean": ("boolean",),
    "datetime": ("datetime", "time"),
}


def decide(column: Column, decided: ColumnSpec, typing: Typing | None = None) -> Column:
    """Return a column as the user decided it; `typing` where it is a column of the base.

    Applying the same decision twice changes nothing.

    Examples
    --------
    >>> decide(Column(name="zip", kind="integer"), ColumnSpec(kind="category")).kind
    'category'
    """
    given = {
        k: v for k, v in decided.model_dump(exclude_unset=True, exclude={"domain", "ordinal"}).items() if v is not None
    }
    updates: dict[str, Any] = dict(given)
    if decided.domain is not None:
        updates["domain"] = decided.domain
    if decided.missing is not None:
        updates["missing"] = tuple(dict.fromkeys(("", *decided.missing)))
    role = _role(column.name, typing) if typing is not None else None
    if role is not None and decided.role is None:
        updates["role"] = role
    kind = implied_kind(decided)
    if kind is not None and decided.kind is None and column.kind not in _AS_GOOD[kind]:
        updates["kind"] = kind
    updates = {k: v for k, v in updates.items() if getattr(column, k) != v}
    if "missing" in updates:
        # More words mean that nothing is there: it may be missing now, if it never was before.
        updates["nullable"] = True
    if not updates:
        return column
    said = f"decided: {', '.join(sorted(updates))}"
    if updates.get("private"):
        # What was told before may quote values.
        return column.model_copy(update={**updates, "evidence": said, "counter_examples": (), "proposals": ()})
    evidence = "; ".join(w for w in (column.evidence, said) if w)
    return column.model_copy(update={**updates, "evidence": evidence})


def implied_kind(decided: ColumnSpec) -> Kind | None:
    """Return the kind that decisions about how a column reads speak of.

    Examples
    --------
    >>> implied_kind(ColumnSpec(units={"k": 1e3})), implied_kind(ColumnSpec(unit="kg"))
    ('float', None)
    """
    if decided.units:
        return "float"
    if decided.true_words and decided.false_words:
        return "boolean"
    return "datetime" if decided.formats else None


def _role(name: str, typing: Typing) -> Role | None:
    if name in typing.known_after:
        return "known_after"
    if name == typing.weight:
        return "weight"
    if name == typing.group:
        return "group"
    if name == typing.time:
        return "time"
    if name == typing.clock:
        return "clock"
    return "id" if name == typing.key else None


def check_decisions(typing: Typing, base: tuple[str, ...], tables: dict[str, tuple[str, ...]]) -> None:
    """Check that every column that the user names exists.

    Parameters
    ----------
    typing : Typing
        The decisions.
    base : tuple of str
        The base's columns.
    tables : dict of str to tuple of str
        The columns of every other source.

    Raises
    ------
    SpecError
        One does not; the error names the closest.
    """
    joined = tuple(f"{table}_{name}" for table, names in tables.items() for name in names)
    anywhere = (*base, *joined, *(name for names in tables.values() for name in names))
    named = [("columns", n, anywhere) for n in typing.columns]
    named += [("known_after", n, (*base, *joined)) for n in typing.known_after]
    named += [(k, n, base) for k in ("group", "weight", "time", "key") if (n := getattr(typing, k)) is not None]
    named += [("time", typing.clock, base)] if typing.clock is not None else []
    others = {typing.target: "the target", typing.group: "the group", typing.time: "the time", typing.key: "the key"}
    if typing.weight is not None and typing.weight in others:
        raise SpecError(
            f"`weight` names {others[typing.weight]}: {typing.weight!r}",
            where="the spec (weight)",
            expected="a column of its own, with a number from 0 on in every row",
        )
    for key, name, known in named:
        if name not in known:
            raise SpecError(
                f"`{key}` names a column that is not there: {name!r}",
                where=f"the spec ({key})",
                expected=closest(name, list(dict.fromkeys(known))),
            )
