"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.code.code import Code
from penstock.steps.code.learned_code import LearnedCode

_CELLS = """
from .words import shout

def burden(frame):
    return frame["age"] * frame["dose"]

def told(frame):
    return {"shouted": frame["city"].map(shout, na_action="ignore"), "late": frame["seen"].dt.hour > 12}
"""
_WORDS = """
def shout(text):
    return text.upper() + "!"
"""
_LEARNS = """
class Above:
    def fit(self, frame):
        self.low = float(frame["age"].min())

    def transform(self, frame):
        return {"above": frame["age"] > self.low}
"""

CODE: tuple[StepBase, ...] = (
    Code(use="mine.cells:burden", columns=("age", "dose"), source={"mine.cells": _CELLS, "mine.words": _WORDS}),
    Code(
        use="mine.cells:told",
        gives={"shouted": "text", "late": "boolean"},
        packages=("pandas",),
        source={"mine.cells": _CELLS, "mine.words": _WORDS},
    ),
    LearnedCode(use="mine:Above", columns=("age",), source={"mine": _LEARNS}),
)
