"""Which columns of a frame tell of a private one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from penstock.frozen import canonical_json
from penstock.steps.plan import Plan
from penstock.steps.union import Step
from penstock.table import TableSchema


def hidden_names(schema: TableSchema, plan: Plan) -> frozenset[str]:
    """Return the names of private columns, and of those that steps make of them.

    Parameters
    ----------
    schema : TableSchema
        Tells which columns are private.
    plan : Plan
        Most steps name what they make after what they make it of. What a step that speaks of a private column, or that
        looks at all columns, makes under another name is taken to tell of it.

    Examples
    --------
    >>> from penstock.steps.values.derive import Derive
    >>> from penstock.table import Column
    >>> columns = (Column(name="pay", kind="float", private=True), Column(name="age", kind="float"))
    >>> plan = Plan(steps=(Derive(columns={"ratio": "pay / age", "double": "2 * age"}),))
    >>> sorted(hidden_names(TableSchema(columns=columns), plan))
    ['pay', 'ratio']
    """
    hidden = {c.name for c in schema.columns if c.private}
    if not hidden:
        return frozenset()
    labels = len(schema.target.labels) if schema.target is not None else 0
    before = {c.name for c in schema.features}
    for step, (_, kinds) in zip(plan.steps, plan.check(schema, n_labels=labels), strict=True):
        hidden |= _made(step, before, set(kinds), hidden)
        before = set(kinds)
    return frozenset(hidden)


def is_hidden(name: str, hidden: Iterable[str]) -> bool:
    """Return whether a column is one of the hidden ones, or named after one.

    Examples
    --------
    >>> is_hidden("pay_missing", {"pay"}), is_hidden("age", {"pay"})
    (True, False)
    """
    return name.startswith(tuple(hidden))


def _made(step: Step, before: set[str], after: set[str], hidden: set[str]) -> set[str]:
    """Return which columns that a step makes, or makes anew, tell of a hidden one."""
    named = getattr(step, "columns", None)
    new = after - before
    if isinstance(named, dict):
        # Each entry says what is made of what, in either order; a later one may stand on an earlier one.
        told: set[str] = set()
        for key, value in named.items():
            if _speaks_of({key: value}, hidden | told):
                told |= {name for name in (str(key), str(value)) if name in after}
        return told | {name for name in new if is_hidden(name, hidden)}
    shown = tuple(name for name in before if not is_hidden(name, hidden))
    looked = named is None or _speaks_of(step.model_dump(mode="json"), hidden)
    return {name for name in new if is_hidden(name, hidden) or (looked and not name.startswith(shown))}


def _speaks_of(what: Any, hidden: set[str]) -> bool:
    text = canonical_json(what).decode()
    inside = (canonical_json(name).decode()[1:-1] for name in hidden)
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in inside)
