"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.missing.count import CountMissing
from penstock.steps.missing.fill import Fill
from penstock.steps.missing.flags import FlagMissing
from penstock.steps.missing.group import FillByGroup
from penstock.steps.missing.impute import Impute
from penstock.steps.missing.interpolate import Interpolate
from penstock.steps.missing.sparse import DropSparse

MissingStep = CountMissing | DropSparse | Fill | FillByGroup | FlagMissing | Impute | Interpolate
