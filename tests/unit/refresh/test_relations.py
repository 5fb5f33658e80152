"""Look-ups of every kind read anew: merged from several tables, reduced from many rows, as of a time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from penstock.bundle.bundle import Bundle
from penstock.refresh.refreshing import LookupChange
from tests.unit.refresh import shop
from tests.unit.refresh.shop import limits, refreshed

TOWNS = "town,tax\na,1.5\nb,2.5\nc,3.5\n"


def related(spec: dict[str, Any]) -> None:
    """Merge towns into customers, and reduce returns to one row a customer."""
    spec["sources"] |= {"towns": "towns.csv", "returns": "returns.csv"}
    returns = {
        "aggregate": {"n": "count", "paid": {"sum": "fee", "where": "fee > 1"}},
        "pivot": {"by": "why", "most": 2},
    }
    spec["joins"] = [
        {"table": "customers", "on": "customer", "serve": "refresh", "every": "1h"},
        {"table": "towns", "on": "town", "into": "customers"},
        {"table": "returns", "on": "customer", "serve": "refresh", **returns},
    ]


def write_returns(folder: Path, times: int) -> None:
    """Write so many returns for every second customer, and one for each other."""
    lines = ["customer,fee,why"]
    for i, name in enumerate(limits()):
        lines += [f"{name},{1 + k},{('late', 'torn', 'both')[k % 3]}" for k in range(times if i % 2 else 1)]
    (folder / "returns.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a shop with more tables, whose first version is live."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    path = shop.make(folder, related)
    (folder / "towns.csv").write_text(TOWNS)
    write_returns(folder, 3)
    assert shop.publish_first(path).state == "published"
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "shop"))


def live(folder: Path) -> Bundle:
    return Bundle.load(folder / "artifacts" / "models" / "shop")


def looked_up(bundle: Bundle) -> dict[str, object]:
    """Return what a row of every customer finds."""
    columns: dict[str, Any] = {"customer": [*limits()]}
    for lookup in bundle.lookups.values():
        columns = lookup.extend_columns(columns, len(limits()))
    return {name: [*map(str, values)] for name, values in columns.items()}


def changes(folder: Path) -> dict[str, LookupChange]:
    done = refreshed(folder)
    assert done.state == "refreshed", done.reasons
    return {change.name: change for change in done.lookups}


def test_a_table_that_is_merged_into_another_is_read_anew_with_it(folder: Path) -> None:
    """A change in either is a change of the one look-up; the other look-up stays what it was."""
    before = live(folder)
    assert set(before.lookup_versions) == {"customers", "returns"}
    (folder / "towns.csv").write_text(TOWNS.replace("2.5", "2.75"))
    found = changes(folder)
    assert [found["customers"].changed, found["returns"].changed] == [True, False]
    old, new = looked_up(before), looked_up(live(folder))
    differing = {name for name in old if old[name] != new[name]}
    assert differing == {"customers_towns_tax"}
    assert "2.75" in set(new["customers_towns_tax"])  # type: ignore[call-overload]  # a list


def test_many_rows_are_reduced_as_they_were_in_training(folder: Path) -> None:
    """The very aggregates, conditions and levels: a level that came up since is no new column."""
    before = live(folder)
    write_returns(folder, 6)
    text = (folder / "returns.csv").read_text()
    (folder / "returns.csv").write_text(text.replace("both", "lost"))
    found = changes(folder)
    assert [found["customers"].changed, found["returns"].changed] == [False, True]
    old, new = looked_up(before), looked_up(live(folder))
    assert list(old) == list(new)
    assert old["returns_n"] == ["1", "3"] * 30
    assert new["returns_n"] == ["1", "6"] * 30
    assert live(folder).lookups["returns"].record == before.lookups["returns"].record
