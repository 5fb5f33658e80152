"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.time.calendar import Calendar
from penstock.steps.time.count_before import CountBefore
from penstock.steps.time.difference import Difference
from penstock.steps.time.elapsed import Elapsed
from penstock.steps.time.expanding import Expanding
from penstock.steps.time.holidays import Holidays
from penstock.steps.time.lag import Lag
from penstock.steps.time.rolling import Rolling
from penstock.steps.time.since_last import SinceLast

TimeStep = Calendar | CountBefore | Difference | Elapsed | Expanding | Holidays | Lag | Rolling | SinceLast
