"""Texts rewritten, cut and counted."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from penstock.errors import PlanError
from penstock.steps.plan import Plan
from penstock.steps.text.case import Case
from penstock.steps.text.extract import Extract
from penstock.steps.text.facts import TextFacts
from penstock.steps.text.join import JoinTexts
from penstock.steps.text.replace import Replace
from penstock.steps.text.split_text import SplitText
from penstock.steps.text.strip import Strip

from .frames import KINDS


def column(*values: str | None) -> pd.DataFrame:
    """Return a frame of one text column."""
    return pd.DataFrame({"t": pd.array(list(values), dtype="str")})


def after(step, *values: str | None, name: str = "t") -> list:
    """Return what a column holds after a step, None for what is missing."""
    return [None if pd.isna(value) else value for value in step.apply(column(*values))[name]]


@pytest.mark.parametrize(
    ("step", "values", "wanted"),
    [
        (Strip(), ("  a b \t", "\u00a0", None), ["a b", None, None]),
        (Strip(characters="*#"), ("*# a*b #*", "***"), ["a*b", None]),
        (Strip(punctuation=True), ("«Oslo!»", "it's", "¿?"), ["Oslo", "it's", None]),
        (Strip(inner=True), (" a \t  b ",), ["a b"]),
        (Case(to="upper"), ("straße", None), ["STRASSE", None]),
        (Case(to="casefold"), ("Straße",), ["strasse"]),
        (Replace(what=".", by=","), ("1.5", "a"), ["1,5", "a"]),
        (Replace(what="."), (".", "a."), [None, "a"]),
        (Replace(what="[0-9]+", by="#", regex=True), ("a12b3", "."), ["a#b#", "."]),
        (Replace(what="(?i)OSLO", by="x", regex=True), ("Oslo oslo",), ["x x"]),
        (SplitText(column="t", by="/", take=2), ("a/ b /c", "a", "a/", None), ["b", None, None, None]),
        (SplitText(column="t", by="/", take=-2), ("a/b/c", "a"), ["b", None]),
    ],
)
def test_a_text_becomes_what_the_step_says(step, values: tuple, wanted: list):
    """What is empty afterwards is missing, as an empty cell of a source is."""
    assert after(step, *values) == wanted


def test_named_groups_become_columns():
    """Where the pattern does not match, and where a group has nothing, there is nothing."""
    step = Extract(column="t", pattern=r"(?P<deck>[A-Z])(?P<number>[0-9]*)")
    frame = step.apply(column("C85 C86", "see E", "-", None))
    assert frame["deck"].tolist()[:2] == ["C", "E"]
    assert frame["number"].tolist()[:1] == ["85"]
    assert frame["number"].isna().tolist() == [False, True, True, True]
    assert step.columns_after({"t": "text"}) == {"t": "text", "deck": "category", "number": "category"}


def test_the_parts_of_a_text_become_columns():
    """Parts beyond those asked for are left in the column, which stays."""
    frame = SplitText(column="t", by=",", parts=2).apply(column("a, b,c", "a", None))
    assert frame["t_1"].tolist()[:2] == ["a", "a"]
    assert frame["t_2"].tolist()[:1] == ["b"]
    assert frame["t_2"].isna().tolist() == [False, True, True]


def test_texts_are_counted():
    """Characters and words, and the shares of digits and of upper case; of a missing text nothing is known."""
    frame = TextFacts().apply(column("AB 12", "", None))
    assert frame["t_characters"].tolist()[:2] == [5.0, 0.0]
    assert frame["t_words"].tolist()[:2] == [2.0, 0.0]
    assert frame["t_digits"].tolist()[:2] == [0.4, 0.0]
    assert frame["t_uppercase"].tolist()[:2] == [0.4, 0.0]
    assert np.isnan(frame["t_words"].iloc[2])


def test_joined_texts_leave_out_what_is_missing():
    """No separator stands beside nothing, and many distinct pairs stay apart."""
    frame = pd.DataFrame(
        {
            "a": pd.array(["x", None, "", None, *(f"a{i % 100}" for i in range(500))], dtype="str"),
            "b": pd.array(["y", "y", "y", None, *(f"b{i % 7}" for i in range(500))], dtype="str"),
        }
    )
    joined = JoinTexts(columns=("a", "b"), into="c", by="-").apply(frame)["c"].tolist()
    assert joined[:3] == ["x-y", "y", "y"]
    assert pd.isna(joined[3])
    assert joined[4:] == [f"a{i % 100}-b{i % 7}" for i in range(500)]


def test_a_pattern_takes_no_more_time_than_its_text_is_long():
    """A pattern that backtracks would take years for this text; a request must not hang on it."""
    start = time.perf_counter()
    assert after(Replace(what="(a+)+b", by="x", regex=True), "a" * 5_000) == ["a" * 5_000]
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "replace", "what": "(", "regex": True}, "is no regular expression of RE2"),
        ({"kind": "replace", "what": "(?=a)", "regex": True}, "is no regular expression of RE2"),
        ({"kind": "replace", "what": r"(a)\1", "regex": True}, "is no regular expression of RE2"),
        ({"kind": "replace", "what": "a", "by": r"\1", "regex": True}, "cannot stand for 'a'"),
        ({"kind": "replace", "what": ""}, "at least 1"),
        ({"kind": "extract", "column": "t", "pattern": "a(b)"}, "names no group"),
        ({"kind": "extract", "column": "t", "pattern": "(?P<a>b)(c)"}, "unnamed groups"),
        ({"kind": "extract", "column": "t", "pattern": "(?P<a>b" + "c" * 1_000 + ")"}, "longer than"),
        ({"kind": "split", "column": "t", "by": "/"}, "either `parts`"),
        ({"kind": "split", "column": "t", "by": "/", "parts": 2, "take": 1}, "either `parts`"),
        ({"kind": "split", "column": "t", "by": "/", "take": 0}, "counts from 1"),
        ({"kind": "join_texts", "columns": "t", "into": "u"}, "at least 2"),
        ({"kind": "case", "to": "camel"}, "Input should be"),
        ({"kind": "text_facts", "facts": []}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_spec(settings: dict, told: str):
    """A pattern that does not compile is told when the spec is read, not in the middle of a run."""
    with pytest.raises(ValidationError, match=told):
        Plan.model_validate({"steps": [settings]})


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Strip(columns=("age",)), "cannot work on the column 'age'"),
        (Extract(column="age", pattern="(?P<a>b)"), "cannot work on the column 'age'"),
        (Extract(column="note", pattern="(?P<city>b)"), "second column 'city'"),
        (SplitText(column="seen", by="-", take=1), "cannot work on the column 'seen'"),
        (SplitText(column="note", by="-", parts=2), "second column 'note_1'"),
        (TextFacts(columns=("dose",)), "cannot work on the column 'dose'"),
        (JoinTexts(columns=("city", "age"), into="x"), "cannot work on the column 'age'"),
        (JoinTexts(columns=("city", "note"), into="dose"), "second column 'dose'"),
    ],
)
def test_what_cannot_stand_where_it_stands_is_told_before_there_is_a_row(step, told: str):
    """A wrong kind and a taken name."""
    with pytest.raises(PlanError, match=told):
        step.columns_after({**KINDS, "note_1": "text"})
