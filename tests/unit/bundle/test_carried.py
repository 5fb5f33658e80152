"""Look-ups in a bundle: of when they are, what rows find in them, and what is said of those that find nothing."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.canonical import table_digest
from penstock.bundle.carried import Carried, carried_of
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import publish
from penstock.bundle.rollback import rollback
from penstock.bundle.seal import Parts
from penstock.receipts import Published
from penstock.slices import Join
from tests.unit.bundle.making import JOINS, PASSED, Made, make, regions

NOON = dt.datetime(2026, 11, 22, 12, 0, 41, tzinfo=dt.UTC)
ROW = {
    "customer": "c1",
    "age": 41,
    "income": "3000,00 EUR",
    "member": "yes",
    "city": "Oslo",
    "since": "2021-05-05",
    "share": 0.5,
    "secret": "s1",
}


def aged(made: Made, at: dt.datetime | None, max_age: str | None = "1h") -> Parts:
    """Return a version's parts whose look-up was collected at a moment, and may grow so old."""
    collected = {"regions": at.isoformat()} if at is not None else {}
    join = {**JOINS[0], **({"max_age": max_age} if max_age else {})}
    return replace(made.parts, collected=collected, plan={**made.parts.plan, "joins": [join]})


def put(artifacts: Path, parts: Parts) -> Published:
    done = publish(artifacts, "churn", parts, PASSED, "tests")
    assert done.state in ("published", "unchanged")
    return done


def live(artifacts: Path) -> Bundle:
    return Bundle.load(artifacts / "models" / "churn")


def said(bundle: Bundle, row: object, later: float = 0.0) -> list[tuple[str, str]]:
    """Return codes and fields of what is said of look-ups, so many seconds after noon."""
    (warnings,) = bundle.predict([row], now=NOON.timestamp() + later).warnings
    return [(w.code, w.field) for w in warnings if "key" in w.code or "lookup" in w.code]


@pytest.fixture
def at_noon(artifacts: Path, carrying: Made) -> Bundle:
    """Return a live model whose look-up was collected at noon, and is too old an hour later."""
    put(artifacts, aged(carrying, NOON))
    return live(artifacts)


def test_a_look_up_is_sealed_with_its_record(artifacts: Path, at_noon: Bundle) -> None:
    """Table, digest of its content, moment, rows, columns, and how old it may grow, in a signed file beside it."""
    folder = at_noon.folder
    assert folder is not None
    told = json.loads((folder / "lookups" / "regions.json").read_bytes())
    assert told == {
        "name": "regions",
        "table": "regions",
        "digest": table_digest(regions()),
        "as_of": NOON.isoformat(),
        "rows": 3,
        "columns": ["name", "wealth"],
        "serve": "bundle",
        "max_age": "1h",
    }
    assert at_noon.manifest is not None
    assert "lookups/regions.json" in at_noon.manifest.files
    assert at_noon.lookup_versions == {"regions": f"20261122T1200Z-{table_digest(regions())[:12]}"}
    assert at_noon.predict([ROW]).lookups == at_noon.lookup_versions


def test_the_moment_is_no_part_of_what_a_model_is(carrying: Made) -> None:
    """The same rows collected later are the same content; other rows are not."""
    one, two = (carried_of(aged(carrying, at).plan, {"regions": regions()}, {}) for at in (NOON, None))
    assert one["regions"].digest == two["regions"].digest
    assert table_digest(regions()) != table_digest(regions().slice(1))
    assert make(seed=1, joined=True).parts.digest == carrying.parts.digest


def test_the_oldest_source_tells_of_when_a_look_up_is() -> None:
    """What was merged into it may be older than its own rows; of what is not known nothing is told."""
    lookups = [
        {"name": "b", "kind": "keyed", "join": Join(table="b", on="k", into="a").model_dump(mode="json")},
        {"name": "a", "kind": "keyed", "join": Join(table="a", on="k").model_dump(mode="json")},
    ]
    table = {"a": pa.table({"k": ["x"]})}
    times = {"a": "2026-11-22T12:00:00+00:00", "b": "2026-11-01T00:00:00+00:00"}
    (made,) = carried_of({"lookups": lookups}, table, times).values()
    assert (made.name, made.as_of) == ("a", times["b"])
    assert carried_of({"lookups": lookups}, table, {"a": times["a"]})["a"].as_of == ""


def test_a_row_whose_key_is_not_there_is_told_apart_from_one_without(at_noon: Bundle) -> None:
    """Both are answered; neither message repeats the key."""
    assert said(at_noon, ROW) == []
    assert said(at_noon, ROW | {"city": "Atlantis"}) == [("orphan_key", "city")]
    assert said(at_noon, ROW | {"city": None}) == [("missing_key", "city")]
    assert said(at_noon, {k: v for k, v in ROW.items() if k != "city"}) == [("missing_key", "city")]
    answers = at_noon.predict([ROW | {"city": "Atlantis"}], now=NOON.timestamp())
    assert not answers.null.any()
    assert all("Atlantis" not in w.message for w in answers.warnings[0])


def test_a_look_up_that_is_too_old_is_said_of_every_row(at_noon: Bundle) -> None:
    """From the second on in which it is."""
    assert said(at_noon, ROW, 3600.0) == []
    assert said(at_noon, ROW, 3600.1) == [("stale_lookup", "regions")]
    assert said(at_noon, ROW | {"city": "x"}, 3600.1) == [("orphan_key", "city"), ("stale_lookup", "regions")]


def test_who_sends_the_values_hears_nothing_of_look_ups(at_noon: Bundle) -> None:
    """Neither of a key that is not there nor of age; and only the rows that send them."""
    own = ROW | {"regions_wealth": 2.0, "city": "Atlantis"}
    assert said(at_noon, own, 9e9) == []
    others = [own, ROW | {"regions_wealth": None}, ROW]
    later = NOON.timestamp() + 9e9
    codes = [[w.code for w in row if "lookup" in w.code] for row in at_noon.predict(others, now=later).warnings]
    assert codes == [[], ["stale_lookup"], ["stale_lookup"]]
    columns = pa.table({"city": ["Atlantis", "Atlantis"], "regions_wealth": pa.array([2.0, None])})
    codes = [[w.code for w in row] for row in at_noon.predict(columns, now=later).warnings]
    assert ["orphan_key" in row for row in codes] == ["stale_lookup" in row for row in codes] == [False, True]


@pytest.mark.parametrize("parts", [{"at": None}, {"at": NOON, "max_age": None}])
def test_without_a_moment_or_a_bound_nothing_is_too_old(
    artifacts: Path, carrying: Made, parts: dict[str, None]
) -> None:
    """A look-up of which nothing is known has a version all the same."""
    put(artifacts, aged(carrying, **parts))  # type: ignore[arg-type]  # as parametrized
    bundle = live(artifacts)
    assert said(bundle, ROW, 9e9) == []
    assert bundle.lookup_versions["regions"].endswith(table_digest(regions())[:12])


def test_the_clock_is_the_machines_by_default(artifacts: Path, carrying: Made) -> None:
    """What was collected just now is young."""
    put(artifacts, aged(carrying, dt.datetime.now(dt.UTC)))
    assert [w.code for w in live(artifacts).predict([ROW]).warnings[0]] == []
    put(artifacts.with_name("old"), aged(carrying, dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)))
    assert [w.code for w in live(artifacts.with_name("old")).predict([ROW]).warnings[0]] == ["stale_lookup"]


def test_the_same_content_collected_later_renews_and_adds_no_version(artifacts: Path, carrying: Made) -> None:
    """The pointer bears the later moment, signed; what was collected earlier changes nothing."""
    first = put(artifacts, aged(carrying, NOON))
    home = ModelHome(artifacts, "churn")
    later = NOON + dt.timedelta(hours=3)
    assert put(artifacts, aged(carrying, NOON)).generation == first.generation
    renewed = put(artifacts, aged(carrying, later))
    assert (renewed.state, renewed.version) == ("unchanged", first.version)
    assert home.read_pointer().as_of == {"regions": later.isoformat()}
    assert renewed.generation == home.read_pointer().generation == 2
    assert home.versions() == [first.version]
    assert [e.what for e in home.events()] == ["published", "renewed"]
    assert said(live(artifacts), ROW, 3 * 3600) == []
    assert live(artifacts).lookup_versions["regions"].startswith("20261122T1500Z-")
    put(artifacts, aged(carrying, NOON))
    assert home.read_pointer().generation == 2


def test_another_version_is_as_old_as_it_was_sealed(artifacts: Path, carrying: Made, first: Made) -> None:
    """What the pointer tells of look-ups is told of its version alone, going on or back."""
    put(artifacts, aged(carrying, NOON))
    put(artifacts, aged(carrying, NOON + dt.timedelta(hours=3)))
    home = ModelHome(artifacts, "churn")
    put(artifacts, first.parts)
    assert home.read_pointer().as_of == {}
    assert "as_of" not in json.loads(home.pointer_path.read_bytes())
    put(artifacts, aged(carrying, NOON))
    put(artifacts, aged(carrying, NOON + dt.timedelta(hours=4)))
    assert home.read_pointer().as_of != {}
    assert rollback(artifacts, "churn", "1", "back").as_of == {}
    assert live(artifacts).carried["regions"].as_of == NOON.isoformat()


def test_a_record_is_never_made_older() -> None:
    """Clocks of two machines differ, and messages overtake each other."""
    record = Carried(name="a", table="a", digest="d" * 64, as_of=NOON.isoformat(), rows=1, columns=("k",))
    assert record.renewed("2020-01-01T00:00:00+00:00") is record
    assert record.renewed("2026-11-22T14:00:00+01:00").as_of == "2026-11-22T14:00:00+01:00"
    assert record.renewed("2026-11-22T13:00:00+01:00") is record
