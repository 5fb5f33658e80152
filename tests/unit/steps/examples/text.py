"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.text.case import Case
from penstock.steps.text.extract import Extract
from penstock.steps.text.facts import TextFacts
from penstock.steps.text.join import JoinTexts
from penstock.steps.text.replace import Replace
from penstock.steps.text.split import Split
from penstock.steps.text.strip import Strip

TEXT: tuple[StepBase, ...] = (
    Case(),
    Case(columns=("note",), to="title"),
    Extract(column="note", pattern="(?P<first>[A-Za-z])(?P<rest>.*)"),
    JoinTexts(columns=("city", "note"), into="both", by=", "),
    Replace(what="o", by="00"),
    Replace(columns=("note",), what="([a-z])([a-z])", by=r"\2\1", regex=True),
    Split(column="note", by="s", parts=3),
    Split(column="city", by="o", take=-1),
    Strip(),
    Strip(columns=("city",), characters="O(", punctuation=True, inner=True),
    TextFacts(),
    TextFacts(columns=("note",), facts=("words", "uppercase")),
)
