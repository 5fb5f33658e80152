"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.code.code import Code
from penstock.steps.code.learned_code import LearnedCode

CodeStep = Code | LearnedCode
