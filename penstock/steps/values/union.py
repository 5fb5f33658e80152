"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.values.bounds import Bounds
from penstock.steps.values.cast import Cast
from penstock.steps.values.convert import Convert
from penstock.steps.values.derive import Derive
from penstock.steps.values.drop import Drop
from penstock.steps.values.map_values import MapValues
from penstock.steps.values.parse_date import ParseDate
from penstock.steps.values.parse_number import ParseNumber
from penstock.steps.values.rename import Rename
from penstock.steps.values.select import Select

ValueStep = Bounds | Cast | Convert | Derive | Drop | MapValues | ParseDate | ParseNumber | Rename | Select
