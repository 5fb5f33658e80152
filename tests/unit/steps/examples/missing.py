"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.missing.count import CountMissing
from penstock.steps.missing.fill import Fill
from penstock.steps.missing.flags import FlagMissing
from penstock.steps.missing.group import FillByGroup
from penstock.steps.missing.impute import Impute
from penstock.steps.missing.interpolate import Interpolate
from penstock.steps.missing.sparse import DropSparse

MISSING: tuple[StepBase, ...] = (
    Fill(),
    Fill(columns=("dose", "city"), flag=("dose",)),
    Fill(by="mean"),
    Fill(by="mode", columns=("age", "note")),
    Fill(by="constant", value=-1.0),
    Fill(by="constant", value="nowhere", columns=("city",)),
    FillByGroup(by=("city",)),
    FillByGroup(by=("smoker", "note"), columns=("dose",), take="mean"),
    FillByGroup(by=("city", "age"), take="mode"),
    FlagMissing(),
    FlagMissing(columns=("seen", "city", "age")),
    CountMissing(),
    CountMissing(columns=("seen", "note"), into="gaps"),
    DropSparse(),
    DropSparse(columns=("seen", "note", "dose"), over=0.2),
    Interpolate(columns=("age", "dose"), order="seen"),
    Interpolate(columns=("dose",), order="age", by=("city", "smoker"), method="backward", within=2.0),
    Interpolate(columns=("dose", "age"), order="seen", by=("city",), method="time", within="9000d"),
    Impute(),
    Impute(columns=("dose", "age"), neighbours=1, rows=10),
    Impute(method="iterative"),
    Impute(method="iterative", columns=("age", "smoker"), rounds=2, rows=20),
)
