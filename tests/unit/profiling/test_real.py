"""Real tables, as their publishers left them: each has a page, without a warning."""

from __future__ import annotations

import re

import pytest

from penstock.profiling import profile
from tests.real import ADULT, GERMAN, HEART, WINE


def headless(names, **more):
    """Return how a file without a header is read."""
    return {"header": False, "names": names, **more}


SETS = {
    "adult": (["adult-train.csv", "adult-test.csv"], headless(ADULT, comment="|"), "income"),
    "air_quality_uci": ("AirQualityUCI.xlsx", {}, "CO(GT)"),
    "babynames": ("babynames.zip", headless(["name", "sex", "births"], member="*.txt", file_column="file"), "births"),
    "bank_marketing": ("bank-additional.zip", {"member": "*bank-full.csv"}, "y"),
    "bike_sharing": ("hour.csv", {}, "cnt"),
    "bitly_jsonl": ("example.txt", {"kind": "json"}, None),
    "california_housing": ("housing.csv", {}, "median_house_value"),
    "chinook": ("Chinook_Sqlite.sqlite", {"kind": "sql", "table": "Invoice"}, "Total"),
    "diamonds": ("diamonds.csv", {}, "price"),
    "etth1": ("ETTh1.csv", {}, "OT"),
    "german_credit": ("german.csv", headless(GERMAN), "bad"),
    "google_play": ("googleplaystore.csv", {}, "Rating"),
    "heart_disease": ("processed.cleveland.data", headless(HEART), "num"),
    "hr_job_change": ("aug_train.csv", {}, "target"),
    "movies_json": ("movies.json", {}, "IMDB Rating"),
    "mta_xml": ("Performance_MNR.xml", {}, "MONTHLY_ACTUAL"),
    "nycflights_rel": ("flights.parquet", {}, "arr_delay"),
    "online_shoppers": ("online_shoppers_intention.csv", {}, "Revenue"),
    "penguins": ("penguins_raw.csv", {}, "Species"),
    "telco_churn": ("Telco-Customer-Churn.csv", {}, "Churn"),
    "titanic": ("titanic3.xls", {}, "survived"),
    "wine_quality": (["winequality-red.csv", "winequality-white.csv"], headless(WINE), "quality"),
}


@pytest.mark.long
def test_every_set_of_the_shared_data_is_among_them(shared):
    """A set that is added is looked at, too."""
    assert set(SETS) == {path.name for path in (shared / "data").iterdir() if path.is_dir()}


@pytest.mark.long
@pytest.mark.parametrize("name", SETS)
def test_a_real_table_has_a_page(shared, name):
    """Warnings are errors here; the page stays below its bound, with the target and without."""
    files, how, target = SETS[name]
    folder = shared / "data" / name
    paths = [str(folder / file) for file in ([files] if isinstance(files, str) else files)]
    source = {"path": paths if len(paths) > 1 else paths[0], **how}
    for aim in {None, target}:
        seen = profile(source, name=name, target=aim)
        text = seen.html()
        assert len(text) < 5e6
        assert not re.search(r"<dd>(nan|inf|None|NaN)<", text)
        assert seen.to_json()
