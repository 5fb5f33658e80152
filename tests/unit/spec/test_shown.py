"""A spec's text for readers."""

from __future__ import annotations

import pytest

from penstock.spec.shown import MOST_CHARACTERS, masked_spec, shown_spec

PRIVATE = frozenset({"pay", "fate"})


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ({"columns": {"pay": {"private": True, "missing": ["HUSH"], "units": {"HUSH": 2.0}}}}, "private: true"),
        ({"columns": {"pay": {"private": True, "domain": {"low": "HUSH", "values": ["HUSH"]}}}}, "pay"),
        ({"steps": [{"kind": "map_values", "columns": ["pay"], "values": {"HUSH": "HUSH"}}]}, "map_values"),
        ({"steps": [{"kind": "derive", "columns": {"rich": "pay > HUSH"}}]}, "rich"),
        ({"steps": [{"kind": "filter", "keep": "(pay)==HUSH"}]}, "filter"),
        ({"expect": {"columns": {"pay": {"range": ["HUSH", 9]}}}}, "expect"),
        ({"expect": [{"kind": "values", "column": "pay", "values": ["HUSH"]}]}, "column: pay"),
        ({"target": "fate", "positive": "HUSH"}, "positive"),
        ({"source": "postgresql://me:HUSH@host/shop"}, "postgresql://me:***@host/shop"),
    ],
)
def test_values_of_private_columns_and_passwords_are_not_in_it(declared, kept):
    """What is decided is told, of which values is not."""
    text = shown_spec(declared, PRIVATE)
    assert "HUSH" not in text
    assert kept in text


def test_what_is_not_private_is_told_as_it_was_written():
    """Names of secrets among it: they are names."""
    declared = {
        "source": {"url": "${env:SHOP}", "password": "${secret:shop}"},
        "columns": {"age": {"missing": ["-99"]}, "payment": {"unit": "EUR"}},
        "steps": [{"kind": "derive", "columns": {"old": "age > 60", "ratio": "payment / age"}}],
    }
    assert masked_spec(declared, PRIVATE) == declared


def test_a_long_spec_is_cut_at_a_line():
    """And the reader is told."""
    text = shown_spec({"steps": [{"kind": "drop", "columns": [f"c{i}"]} for i in range(4000)]}, PRIVATE)
    assert len(text) < MOST_CHARACTERS + 200
    assert text.splitlines()[-1].startswith("# The rest is left out")
