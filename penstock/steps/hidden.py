"""Which columns tell values of private ones: those themselves, and what steps make of them under whatever name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from penstock.steps.base import Kinds
from penstock.steps.code.code import UserCode
from penstock.steps.plan import Plan
from penstock.steps.union import Step
from penstock.table import TableSchema


def hidden_columns(plan: Plan, schema: TableSchema) -> frozenset[str]:
    """Return the columns whose values must not be shown.

    Parameters
    ----------
    plan : Plan
        The steps, settled: own code says what it gives.
    schema : TableSchema
        The columns that enter it, and which of them are private.

    Returns
    -------
    frozenset of str
        Private columns, and every column that a step adds or fills from one. A step that is told of a private column
        among others hides all that it adds.

    Examples
    --------
    >>> from penstock.steps.values.derive import Derive
    >>> from penstock.table import Column
    >>> schema = TableSchema(columns=(Column(name="pay", kind="float", private=True), Column(name="age", kind="float")))
    >>> sorted(hidden_columns(Plan(steps=(Derive(columns={"wage": "pay * 12", "old": "age > 60"}),)), schema))
    ['pay', 'wage']
    """
    hidden = {column.name for column in schema.columns if column.private}
    if not hidden:
        return frozenset()
    kinds: Kinds = {column.name: column.kind for column in schema.features}
    n_labels = len(schema.target.labels) if schema.target is not None else 0
    for step in plan.steps:
        after = step.columns_for(kinds, n_labels)
        hidden |= _made(step, kinds, after, hidden)
        kinds = after
    return frozenset(hidden)


def is_hidden(name: str, hidden: Iterable[str]) -> bool:
    """Return whether a column is one of the hidden ones, or named after one.

    Examples
    --------
    >>> is_hidden("pay_missing", {"pay"}), is_hidden("age", {"pay"})
    (True, False)
    """
    return name.startswith(tuple(hidden))


def _made(step: Step, before: Kinds, after: Kinds, hidden: set[str]) -> set[str]:
    """Return what a step makes of hidden columns."""
    told = step.model_dump(mode="json", exclude={"why", "source", "kind"})
    by_name = _named(told, after, hidden)
    new = set(after) - set(before)
    if isinstance(step, UserCode):
        new |= set(step.gives)
        takes = step.columns is None or bool(hidden & set(step.columns))
        return (new if takes else set()) | by_name
    if by_name:
        # One expression a column says of which columns each is made; anything else is made of all that are named.
        return {name for name in new if name in by_name} | by_name
    if _mentions(told, hidden):
        return new
    if told.get("columns") is None:
        return {name for name in new if _owner(name, before) in hidden | {""}}
    return set()


def _named(told: dict[str, Any], after: Kinds, hidden: set[str]) -> set[str]:
    """Return the columns for which a step has an entry that speaks of hidden ones."""
    entries = [item for item in told.values() if isinstance(item, dict)]
    return {name for entry in entries for name, value in entry.items() if name in after and _mentions(value, hidden)}


def _mentions(value: Any, hidden: set[str]) -> bool:
    """Whether a setting names a hidden column, be it within an expression."""
    if isinstance(value, dict):
        return any(_mentions(part, hidden) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(_mentions(part, hidden) for part in value)
    return isinstance(value, str) and any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value) for name in hidden)


def _owner(name: str, before: Kinds) -> str:
    """Return the column that another one is named after, the longest such name; empty where there is none."""
    return max((column for column in before if name.startswith(column)), key=len, default="")
