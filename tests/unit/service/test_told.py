"""Answers to many rows as text: what is written quickly is what would be written of an object for each."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.service.answer import told
from penstock.bundle.predictions import Note, Predictions, Warned
from penstock.cells import Misfit
from penstock.table import Target

LABELS = st.lists(st.text(max_size=6) | st.text('ab%"\\{}:,', max_size=6), min_size=2, max_size=5, unique=True)


def slowly(answers):
    """Return each row's object as text."""
    return [orjson.dumps(row) for row in answers.rows()]


@given(LABELS, st.integers(1, 6), st.integers(0, 2**32))
def test_labels_and_shares_are_written_as_of_an_object_for_each(labels, n_rows, seed):
    """Whatever the labels hold: quotes, per cent signs, nothing at all."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(len(labels)) / 4, n_rows)
    task = "binary" if len(labels) == 2 else "multiclass"
    answers = Predictions(Target(name="y", task=task, labels=tuple(labels)), shares)
    assert told(answers) == slowly(answers)


@given(st.lists(st.floats(), max_size=6))
def test_values_are_written_as_of_an_object_for_each(values):
    """No numbers, and numbers without end, too."""
    answers = Predictions(Target(name="y", task="regression"), np.array(values, dtype=float))
    assert told(answers) == slowly(answers)


@pytest.mark.parametrize("odd", ["note", "misfit", "ends"])
def test_what_there_is_to_say_of_rows_is_said(odd):
    """Warnings, rows without an answer, and ends of an interval."""
    said = {
        "note": {"notes": (Note(Warned(code="unknown_field", field="x", message="x is unknown"), None),)},
        "misfit": {"misfits": (Misfit(row=1, column="x", expected="a number"),)},
        "ends": {"low": np.array([0.0, 1.0]), "high": np.array([2.0, np.inf])},
    }[odd]
    answers = Predictions(Target(name="y", task="regression"), np.array([1.0, 2.0]), **said)
    assert told(answers) == slowly(answers)
