"""What changed between two runs: told part by part, and nothing of it private."""

from __future__ import annotations

import shutil

import orjson
import pytest

from penstock.diff.comparing import difference
from penstock.diff.page import difference_html
from penstock.diff.sides import pair_of
from penstock.errors import NotFound, StoreError
from tests.unit.diff.conftest import CODE, STEPS, table


def told(found, part):
    """Return the changes of a part: what, before, after, note."""
    changes = next(p for p in found.parts if p.name == part).changes
    return {change.what: (change.before, change.after, change.note) for change in changes}


def test_two_runs_of_the_same_say_that_nothing_changed(put_run):
    """Times and ids of runs make no difference."""
    put_run("one", table())
    found = difference(pair_of(put_run("two", table()), "one", "two"))
    assert not found.changed
    assert found.lead() == "Nothing changed between one and two."
    assert "Nothing changed" in difference_html(found).decode()


def test_every_kind_of_change_is_told_in_its_part(put_run):
    """Spec, lock, rows, schema, profile, libraries, scores and verdict, each where a reader looks for it."""
    put_run("one", table())
    later = table(260, shift=2.0).assign(extra=range(260))
    later.loc[:20, "site"] = "west"
    steps = [*STEPS, {"kind": "tidy", "columns": ["site"]}]
    told_now = {"metric": "accuracy", "cost": {"fp": 1, "fn": 3}}
    artifacts = put_run("two", later, 0.4, "2.5.0", steps=steps, **told_now)
    found = difference(pair_of(artifacts, "one", "two"))
    assert {part.name for part in found.same} == {"code"}
    assert told(found, "verdict")["gate"] == ("passed", "refused", "")
    assert told(found, "scores")["ROC AUC"][2] == "worse by 0.5000; the intervals lie apart"
    assert told(found, "spec")["metric"] == ("", "accuracy", "")
    assert told(found, "aim")["metric"] == ("ROC AUC", "Accuracy", "")
    assert told(found, "aim")["threshold"] == ("", "0.2500", "")
    assert told(found, "spec")["steps[3]"][1].startswith("{kind: tidy")
    assert any("tidy" in after for _, after, _ in told(found, "lock").values())
    assert told(found, "rows")["people"][0].startswith("200 rows")
    assert told(found, "schema")["extra"][2] == "new"
    assert "the mean moved by +" in told(found, "profile")["x"][2]
    assert "new: west" in told(found, "profile")["site"][2]
    assert told(found, "libraries") == {"numpy": ("2.4.0", "2.5.0", "")}


def test_own_code_that_changed_is_told_by_its_lines(put_run, tmp_path):
    """The reader learns which module, and how much of it."""
    steps = [{"kind": "code", "use": "mine:doubled", "columns": ["x"]}]
    (tmp_path / "mine.py").write_text(CODE.format(factor=2))
    put_run("one", table(), steps=steps)
    (tmp_path / "mine.py").write_text(CODE.format(factor=3))
    found = difference(pair_of(put_run("two", table(), steps=steps), "one", "two"))
    assert told(found, "code") == {"mine": ("2 lines", "2 lines", "1 lines added, 1 taken out")}
    assert "lock" in {part.name for part in found.same}


def test_of_private_columns_nothing_is_told_but_missing_shares(put_run):
    """Neither levels nor means nor what the spec says of their values, though all of it changed."""
    put_run("one", table())
    later = table(shift=50_000_000.0).replace({"nick": {"Ottokar": "Friedlinde"}})
    later.loc[:19, "income"] = None
    columns = {"nick": {"private": True, "missing": ["Kunigunde"]}, "income": {"private": True}}
    steps = [{"kind": "map_values", "columns": ["nick"], "values": {"Isolde": "Tristan"}}, *STEPS]
    found = difference(pair_of(put_run("two", later, columns=columns, steps=steps), "one", "two"))
    text = orjson.dumps(found.model_dump(mode="json")).decode() + difference_html(found).decode()
    for secret in ("Ottokar", "Wilhelmine", "Friedlinde", "Kunigunde", "Isolde", "Tristan", "70,0", "120,0", "mean 1"):
        assert secret not in text, secret
    assert told(found, "profile")["income"][0].startswith("missing 0 %")
    assert "nick" not in told(found, "profile")
    assert told(found, "spec")["columns.nick.missing"] == ("", "[(private)]", "")


def test_hostile_names_are_text_on_the_page(put_run):
    """A column's name, a level and a spec's text never become markup."""
    evil = "<img src=x onerror=alert(1)>"
    put_run("one", table())
    later = table().assign(**{evil: range(200)}).replace({"site": {"north": evil}})
    page = difference_html(difference(pair_of(put_run("two", later), "one", "two"))).decode()
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_what_cannot_be_compared_is_refused_with_a_way_out(put_run):
    """An unknown name, a run that was cut off, one thing alone, and an object that is gone from the store."""
    artifacts = put_run("one", table())
    with pytest.raises(NotFound, match="no run and no model 'ones'") as error:
        pair_of(artifacts, "one", "ones")
    assert "one" in error.value.expected
    with pytest.raises(NotFound, match="nothing to compare it with"):
        pair_of(artifacts, "one", None)
    (artifacts / "runs" / "half").mkdir()
    with pytest.raises(NotFound, match="cut off"):
        pair_of(artifacts, "one", "half")
    shutil.rmtree(artifacts / "objects")
    with pytest.raises(StoreError):
        pair_of(artifacts, "one", "one")
