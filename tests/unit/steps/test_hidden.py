"""Which columns tell values of private ones, under whatever name."""

from __future__ import annotations

import pytest

from penstock.steps.hidden import hidden_columns
from penstock.steps.plan import Plan
from penstock.table import Column, TableSchema

COLUMNS = tuple(
    Column(name=name, kind=kind, private=name in ("pay", "city", "born"))
    for name, kind in (
        ("pay", "float"),
        ("city", "category"),
        ("born", "datetime"),
        ("age", "float"),
        ("job", "category"),
        ("since", "datetime"),
    )
)
SCHEMA = TableSchema(columns=COLUMNS)
CODE = {"mine": "def mood(frame):\n    return frame.iloc[:, 0]\n"}


def hidden(*steps):
    """Return what is hidden beside the private columns themselves."""
    return hidden_columns(Plan.model_validate({"steps": steps}).settled(SCHEMA), SCHEMA) - {"pay", "city", "born"}


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({"kind": "derive", "columns": {"wage": "pay * 12", "old": "age > 60"}}, {"wage"}),
        ({"kind": "rename", "columns": {"pay": "wage"}}, {"wage"}),
        ({"kind": "code", "use": "mine:mood", "columns": ["city"], "source": CODE}, {"mood"}),
        ({"kind": "code", "use": "mine:mood", "columns": ["job"], "source": CODE}, set()),
        ({"kind": "code", "use": "mine:mood", "columns": ["born", "age"], "source": CODE}, {"mood"}),
        ({"kind": "fill"}, set()),
    ],
)
def test_what_a_step_makes_of_a_private_column_is_hidden(step, found):
    """By an expression, a new name, or own code; what is made of other columns is not."""
    assert hidden(step) == found


def test_what_is_made_of_hidden_columns_is_hidden_too():
    """However many steps lie between."""
    steps = ({"kind": "derive", "columns": {"wage": "pay * 12"}}, {"kind": "derive", "columns": {"rich": "wage > 9"}})
    assert hidden(*steps) == {"wage", "rich"}


def test_a_step_that_looks_at_all_columns_names_what_it_makes_after_them():
    """Parts of a private date are hidden, those of another are not."""
    found = hidden({"kind": "calendar"})
    assert found
    assert all(name.startswith("born") for name in found)


def test_without_private_columns_nothing_is_hidden_and_nothing_tried():
    """The steps need not even fit."""
    plan = Plan.model_validate({"steps": [{"kind": "derive", "columns": {"a": "none_such + 1"}}]})
    assert hidden_columns(plan, TableSchema(columns=COLUMNS[3:])) == frozenset()
