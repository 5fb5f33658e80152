"""Two plain values compared."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.diff.values import changes_of
from penstock.frozen import canonical_json

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyk", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(plain, plain)
@settings(max_examples=40, deadline=None)
def test_there_are_changes_where_values_differ_and_only_there(before, after):
    """Nothing that changed goes untold, and nothing is told that did not."""
    assert bool(list(changes_of({"v": before}, {"v": after}))) == (canonical_json(before) != canonical_json(after))


def test_an_item_that_came_in_moves_no_other():
    """A step that is put first is one change, not one for every step behind it."""
    steps = [{"kind": "fill"}, {"kind": "clip", "columns": ["a"]}]
    (change,) = changes_of({"steps": steps}, {"steps": [{"kind": "tidy"}, *steps]})
    assert (change.what, change.before, change.after) == ("steps[1]", "", "{kind: tidy}")


def test_a_changed_setting_is_told_with_its_step():
    """The path names the step."""
    old, new = ([{"kind": "clip", "low": low}] for low in (1, 2))
    (change,) = changes_of({"steps": old}, {"steps": new})
    assert (change.what, change.before, change.after) == ("steps[1] clip.low", "1", "2")


def test_what_is_compared_is_not_what_is_told():
    """A private value that changed is a change, and stays private."""
    (change,) = changes_of({"a": {"b": 1}}, {"a": {"b": 2}}, ({"a": "(private)"}, {"a": "(private)"}))
    assert (change.what, change.before, change.after) == ("a", "(private)", "(private)")
