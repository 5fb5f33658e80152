"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
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
from penstock.table import Domain

VALUES: tuple[StepBase, ...] = (
    Bounds(domains={"age": Domain(low=0, high=120), "city": Domain(values=("Oslo", "Bonn"))}),
    Bounds(domains={"dose": Domain(high=10.0)}, action="clip"),
    Bounds(domains={"dose": Domain(low=0), "city": Domain(values=("Oslo",))}, action="flag"),
    Cast(columns=("note", "city"), to="float"),
    Cast(columns=("note", "dose"), to="boolean"),
    Cast(columns=("dose", "city"), to="integer"),
    Cast(columns=("note", "seen"), to="datetime"),
    Cast(columns=("age", "seen", "smoker"), to="category"),
    Convert(columns=("age", "dose"), given="F", to="C"),
    Convert(columns=("dose",), factor=1.1, offset=-3.0),
    Derive(
        columns={
            "power": "dose ** 1.7 + exp(age / 3) - log(abs(dose)) * sqrt(age)",
            "rest": "dose % 0.7 + age // 2 + round(dose, 1) + log10(age)",
            "far": "days(seen - '2000-01-01') > 365.25 or smoker",
            "where": "if(city in ('Oslo', 'Bonn'), city, concat(lower(note), '-', text(age)))",
            "next": "coalesce(seen, '1990-05-06') + dose",
            "season": "month(seen) % 12 // 3 + hour(seen) / 24 + weekday(seen)",
        }
    ),
    Derive(columns={"dose": "min(dose, age, 100)", "note": "coalesce(trim(note), city, 'none')"}, replace=True),
    Drop(columns=("age", "note", "seen")),
    MapValues(columns=("city",), values={"Oslo": "north", "oslo": None}),
    MapValues(columns=("note", "city"), values={"Oslo": 1, "Bonn": 2.5}, otherwise=-1),
    MapValues(columns=("age", "smoker"), values={"1": 10, "-2": None}),
    MapValues(columns=("age",), values={"1": "one", "2": "two"}, otherwise="missing"),
    ParseDate(columns=("note",), formats=("%d.%m.%Y", "epoch_s"), timezone="Europe/Berlin"),
    ParseNumber(columns=("note", "city"), decimal=",", thousands=".", units={"M": 1e6, "k": 1e3}),
    ParseNumber(columns=("note",), prefix="$", suffix="+", thousands=",", otherwise=0.5),
    Rename(columns={"age": "years", "city": "town", "seen": "at"}),
    Select(columns=("smoker", "city", "seen")),
)
