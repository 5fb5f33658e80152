"""How each real data set is told to penstock: the shortest spec that a person would write, by the set's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]
WINE = [
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "ph",
    "sulphates",
    "alcohol",
    "quality",
]
HEART = [
    "age",
    "sex",
    "cp",
    "trestbps",
    "chol",
    "fbs",
    "restecg",
    "thalach",
    "exang",
    "oldpeak",
    "slope",
    "ca",
    "thal",
    "num",
]
GERMAN = [*(f"a{i}" for i in range(20)), "bad"]


def _headless(folder: Path, files: list[str], names: list[str], **how: Any) -> dict[str, Any]:
    paths = [str(folder / name) for name in files]
    return {"path": paths if len(paths) > 1 else paths[0], "header": False, "names": names, **how}


def heart_disease(folder: Path) -> dict[str, Any]:
    """Four sites, of which one has a header; a cholesterol of 0 is none."""
    sites = ("cleveland", "switzerland", "va")
    return {
        "sources": {
            **{site: _headless(folder, [f"processed.{site}.data"], HEART) for site in sites},
            "hungarian": _headless(folder, ["processed.hungarian.data"], HEART, skip=1),
        },
        "tables": {
            "patients": {
                "from": "cleveland",
                "steps": [
                    {"kind": "stack", "tables": ["switzerland", "va", "hungarian"], "origin": "site"},
                    {"kind": "derive", "columns": {"disease": "if(num > 0, 'yes', 'no')"}},
                    {"kind": "drop", "columns": "num"},
                ],
            }
        },
        "base": "patients",
        "target": "disease",
        "columns": {"chol": {"missing": ["0", "?", ""]}},
    }


def google_play(folder: Path) -> dict[str, Any]:
    """Sizes, installs and prices as people write them, dates in words, and one row whose cells are shifted."""
    return {
        "source": str(folder / "googleplaystore.csv"),
        "target": "Rating",
        "columns": {
            **{name: {"kind": "text"} for name in ("Size", "Installs", "Price", "Last Updated", "Android Ver")},
            **{name: {"role": "ignored"} for name in ("App", "Current Ver")},
        },
        "steps": [
            {"kind": "misfits"},
            {"kind": "duplicates"},
            {"kind": "parse_number", "columns": "Size", "units": {"M": 1e6, "k": 1e3}},
            {"kind": "parse_number", "columns": "Installs", "thousands": ",", "suffix": "+"},
            {"kind": "parse_number", "columns": "Price", "prefix": "$"},
            {"kind": "parse_date", "columns": "Last Updated", "formats": "%B %d, %Y"},
            {"kind": "extract", "column": "Android Ver", "pattern": "^(?P<android>[0-9]+)"},
            {"kind": "derive", "columns": {"age": "days('2018-08-10' - `Last Updated`)"}},
            {"kind": "drop", "columns": ["Android Ver", "Last Updated"]},
            {"kind": "tidy"},
            {"kind": "fill", "flag": ["Size"]},
            {"kind": "rare"},
        ],
    }


# By set: its folder in, what a spec says of it out.
SPECS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "adult": lambda d: {
        "source": _headless(d, ["adult-train.csv", "adult-test.csv"], ADULT, comment="|"),
        "target": "income",
    },
    "bank_marketing": lambda d: {
        "source": {"path": str(d / "bank-additional.zip"), "member": "*bank-full.csv"},
        "target": "y",
        "known_after": ["duration"],
    },
    "california_housing": lambda d: {"source": str(d / "housing.csv"), "target": "median_house_value"},
    "diamonds": lambda d: {"source": str(d / "diamonds.csv"), "target": "price"},
    "german_credit": lambda d: {"source": _headless(d, ["german.csv"], GERMAN), "target": "bad", "positive": "2"},
    "google_play": google_play,
    "heart_disease": heart_disease,
    "hr_job_change": lambda d: {"source": str(d / "aug_train.csv"), "target": "target"},
    "movies_json": lambda d: {"source": str(d / "movies.json"), "target": "IMDB Rating"},
    "online_shoppers": lambda d: {"source": str(d / "online_shoppers_intention.csv"), "target": "Revenue"},
    "penguins": lambda d: {"source": str(d / "penguins_raw.csv"), "target": "Species"},
    "telco_churn": lambda d: {"source": str(d / "Telco-Customer-Churn.csv"), "target": "Churn"},
    "titanic": lambda d: {
        "source": str(d / "titanic3.xls"),
        "target": "survived",
        "known_after": ["boat", "body"],
    },
    "wine_quality": lambda d: {
        "source": _headless(d, ["winequality-red.csv", "winequality-white.csv"], WINE),
        "target": "quality",
        "task": "multiclass",
    },
}
