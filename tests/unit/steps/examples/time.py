"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.time.calendar import Calendar
from penstock.steps.time.count_before import CountBefore
from penstock.steps.time.difference import Difference
from penstock.steps.time.elapsed import Elapsed
from penstock.steps.time.expanding import Expanding
from penstock.steps.time.holidays import Holidays
from penstock.steps.time.lag import Lag
from penstock.steps.time.rolling import Rolling
from penstock.steps.time.since_last import SinceLast

EVERY = ("mean", "sum", "count", "min", "max", "std", "median")
PARTS = ("year", "quarter", "month", "week", "day", "dayofyear", "weekday", "hour", "minute", "hour_of_week")
PARTS += ("day_number", "days_in_month", "is_weekend", "is_month_start", "is_month_end")

TIME: tuple[StepBase, ...] = (
    Calendar(),
    Calendar(columns=("seen",), parts=("hour", "weekday")),
    Calendar(parts=PARTS, cyclic=True, zone="Europe/Berlin", keep=True),
    Elapsed(column="seen", date="1970-01-01T00:00:00+02:00", unit="years"),
    Holidays(country="Germany", subdivision="Bayern", zone="Europe/Berlin", at_most=366, label="by"),
    Lag(order="age", by=("smoker", "note"), of=("dose", "age"), k=(1, 3), gap=0.5),
    Rolling(order="seen", by=("city", "smoker"), of=("age", "dose"), window="52 w", gap="1d", take=EVERY),
    Expanding(order="seen", by="city", of=("dose", "age"), take=EVERY[:-1]),
    Difference(order="seen", of=("dose", "smoker"), k=(1, 2), take=("difference", "ratio"), gap="1h", keep=4),
    SinceLast(order="seen", by="city", unit="hours", label="here"),
    CountBefore(order="dose", gap=2),
)
