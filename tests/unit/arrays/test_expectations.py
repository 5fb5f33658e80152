"""Every column of every shared data set is what a person who looked at it says it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.store import Store
from tests.expectations.describe import DOCS, MARK, found, head_of, reviewed, tables_of, wanted


@pytest.mark.parametrize("name", sorted(wanted()))
def test_every_column_is_found_to_be_what_was_reviewed(shared: Path, tmp_path: Path, name: str):
    """With no spec beyond what the data's README names as not deducible."""
    assert found(shared / "data" / name, wanted()[name], Store(tmp_path)) == reviewed()[name]


def test_every_shared_set_is_reviewed(shared: Path):
    """None is left out."""
    sets = {path.name for path in (shared / "data").iterdir() if path.is_dir()}
    assert sets == set(wanted()) == set(reviewed())


def test_the_docs_say_what_was_reviewed():
    """`python -m tests.expectations.describe docs` writes the tables."""
    page = DOCS.read_text(encoding="utf-8")
    assert page == head_of(page) + MARK + tables_of(reviewed())


def test_the_docs_name_every_column():
    """With its kind."""
    page = DOCS.read_text(encoding="utf-8")
    for tables in reviewed().values():
        for columns in tables.values():
            assert all(f"| {column} | {told['kind']} |" in page for column, told in columns.items())
