"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.text.case import Case
from penstock.steps.text.extract import Extract
from penstock.steps.text.facts import TextFacts
from penstock.steps.text.join import JoinTexts
from penstock.steps.text.replace import Replace
from penstock.steps.text.split import Split
from penstock.steps.text.strip import Strip

TextStep = Case | Extract | JoinTexts | Replace | Split | Strip | TextFacts
