"""Rows as callers send them: usual ones, and such as have gaps, texts for numbers, dates, strangers and nonsense."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.floats(-200, 200),
    st.integers(-100, 5_000),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.sampled_from(["41", " 7 ", "1.234,50 EUR", "n/a", "", "?", "x", "1e400", "0.5", "-999", 10**400, [1]]),
)
TEXTS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["Bonn", "Oslo", "Lima", " oslo", "LIMA ", "Rome", "", "NA", "s1", "yes", "no", "true"]),
    st.none(),
    st.integers(0, 3),
    st.floats(0, 3),
    st.booleans(),
    st.sampled_from([["a"], {"a": 1}, "x" * 400, "é", "\x00"]),
)
MOMENTS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(str),
    st.sampled_from(["2021-03-04T05:06:07Z", "yesterday", "", "2020-02-30", 0, 1e12, True]),
)
FIELDS = {
    "customer": TEXTS,
    "age": NUMBERS,
    "income": NUMBERS,
    "member": st.one_of(TEXTS, NUMBERS),
    "city": TEXTS,
    "since": MOMENTS,
    "share": NUMBERS,
    "secret": TEXTS,
    "left": TEXTS,
    "nobody knows": TEXTS,
    "Age": NUMBERS,
}


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a row that has any of the fields, in any order."""
    return st.lists(st.sampled_from(sorted(FIELDS)), unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
    )
