"""Look-ups read anew: the live model answers by them without being trained, if the gate lets it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import hold
from penstock.bundle.rollback import rollback
from penstock.bundle.verify import verify_model
from penstock.errors import DataError, SpecError
from tests.unit.refresh import shop
from tests.unit.refresh.shop import ROW, limits, refreshed, write_customers


def live(folder: Path) -> Bundle:
    return Bundle.load(folder / "artifacts" / "models" / "shop")


def log(folder: Path) -> list[str]:
    return [event.what for event in ModelHome(folder / "artifacts", "shop").events()]


def changed(**others: float) -> dict[str, float]:
    """Return the customers with a few changes, which leave the whole as good as it was."""
    return {**limits(), "c001": 9.0 if limits()["c001"] < 9.0 else 1.0, **others}


def test_a_changed_table_makes_a_version_that_answers_by_it(folder: Path) -> None:
    """Same estimator, twin, schema and steps, byte for byte; other answers, and another look-up named with them."""
    before = live(folder)
    write_customers(folder, changed(c999=5.0))
    done = refreshed(folder)
    assert done.state == "refreshed", done.reasons
    after = live(folder)
    assert after.version == done.version == f"2-{after.digest[:12]}"
    assert (after.predict([ROW]).estimates != before.predict([ROW]).estimates).any()
    assert after.predict([ROW]).lookups != before.predict([ROW]).lookups
    assert after.predict([{**ROW, "customer": "c999"}]).notes == ()
    assert [note.warned.code for note in before.predict([{**ROW, "customer": "c999"}]).notes] == ["orphan_key"]
    assert before.manifest is not None
    assert after.manifest is not None
    for name in ("estimator.joblib", "twin.joblib", "schema.json", "steps.json", "profile.json"):
        assert after.manifest.files[name] == before.manifest.files[name], name
    assert log(folder) == ["published", "refreshed"]
    (change,) = done.lookups
    assert (change.n_before, change.n_now, change.n_lost, change.changed) == (60, 61, 0, True)
    assert [check.what for check in verify_model(folder / "artifacts", "shop") if not check.passed] == []


def test_the_twin_is_judged_with_the_new_table_on_the_rows_that_judged_it_before(folder: Path) -> None:
    """Scores of the new version are the twin's with its new look-ups, compared with the twin's with the old ones."""
    write_customers(folder, changed())
    done = refreshed(folder)
    champion = next(check for check in done.verdict.checks if check["name"] == "champion")
    assert champion["n"] == done.scores["roc_auc"].n == live(folder).metrics["n_heldout"]
    assert done.verdict.champion is not None
    assert done.verdict.champion.startswith("1-")


def test_a_table_by_which_the_twin_is_worse_is_refused_and_a_reason_overrules(folder: Path) -> None:
    """Whoever turned a column upside down finds the live version unharmed."""
    before = live(folder)
    write_customers(folder, {name: 10.0 - credit for name, credit in limits().items()})
    done = refreshed(folder)
    assert done.state == "refused"
    assert any("worse than the champion" in reason for reason in done.reasons)
    assert live(folder).version == before.version
    assert refreshed(folder, force="it is so").state == "refreshed"
    assert live(folder).manifest.forced == "it is so"  # type: ignore[union-attr]  # it is sealed
    assert log(folder) == ["published", "refused", "refreshed"]


def test_a_table_that_lost_most_of_its_keys_is_refused(folder: Path) -> None:
    """An export that broke off is no refresh, however well the few that are left answer."""
    few = dict(list(limits().items())[:25])
    write_customers(folder, few)
    done = refreshed(folder)
    assert done.state == "refused"
    assert "lost 35 of its 60 keys" in done.reasons[0]
    write_customers(folder, dict(list(limits().items())[:30]))
    assert not any("lost" in reason for reason in refreshed(folder).reasons)


def test_a_column_of_another_kind_is_refused(folder: Path) -> None:
    """Its cells would be read as nothing, and rows that find them would get no prediction."""
    write_customers(folder, {name: "good" if limit > 1 else "bad" for name, limit in limits().items()})
    done = refreshed(folder)
    assert done.state == "refused"
    (told,) = [reason for reason in done.reasons if "'credit' of 'customers' reads as" in reason]
    assert "as category now and was integer: 60 cells" in told


def test_a_column_that_is_gone_is_a_mistake_in_the_source(folder: Path) -> None:
    """No look-up can be made of it, for whatever reason."""
    text = (folder / "customers.csv").read_text()
    (folder / "customers.csv").write_text(text.replace("credit", "balance", 1))
    with pytest.raises(DataError, match="lacks columns"):
        refreshed(folder, force="all the same")


def test_an_unchanged_table_makes_no_version_and_is_known_to_be_younger(folder: Path) -> None:
    """The pointer says how late it was seen, under a new generation; a hold keeps that."""
    before = live(folder)
    old = before.carried["customers"]
    home = ModelHome(folder / "artifacts", "shop")
    assert home.read_pointer().as_of == {}
    done = refreshed(folder)
    while not home.read_pointer().as_of:
        # Moments are told to the second, and none may have passed since it was trained.
        done = refreshed(folder)
    assert (done.state, done.version) == ("unchanged", before.version)
    after = live(folder)
    assert after.version == before.version
    assert after.carried["customers"].as_of > old.as_of
    assert after.carried["customers"].digest == old.digest
    assert home.versions() == [before.version]
    assert log(folder) == ["published", "renewed"]
    held = hold(folder / "artifacts", "shop", "a test")
    assert held.as_of == home.read_pointer().as_of
    assert refreshed(folder).state == "refused"


def test_what_was_refreshed_back_is_the_first_content_again(folder: Path) -> None:
    """The digest tells what a model is, not the way by which it became that."""
    first = live(folder)
    write_customers(folder, changed())
    second = refreshed(folder)
    write_customers(folder, limits())
    assert refreshed(folder).state == "refreshed"
    third = live(folder)
    assert third.digest == first.digest
    assert (third.predict([ROW]).estimates == first.predict([ROW]).estimates).all()
    write_customers(folder, changed())
    assert refreshed(folder).state == "refreshed"
    assert live(folder).digest[:12] == str(second.version).partition("-")[2]


def test_look_ups_that_were_rolled_back_come_back_only_with_a_reason(folder: Path) -> None:
    """A schedule must not undo what a person decided."""
    write_customers(folder, changed())
    assert refreshed(folder).state == "refreshed"
    rollback(folder / "artifacts", "shop", reason="wrong limits", who="tests")
    done = refreshed(folder)
    assert done.state == "refused"
    assert any("rolled back" in reason for reason in done.reasons)
    assert refreshed(folder, force="the limits are right").state == "refreshed"


def test_without_the_held_out_rows_probes_and_schema_judge(folder: Path) -> None:
    """A store that was cleared out is said to be, and stops no refresh; the lock tells how columns read."""
    artifacts = folder / "artifacts"
    for ref in (artifacts / "objects").iterdir():
        shutil.rmtree(ref)
    write_customers(folder, changed())
    done = refreshed(folder)
    assert done.state == "refreshed", done.reasons
    assert any("not in the store any more" in reason for reason in done.reasons)
    write_customers(folder, dict(list(limits().items())[:5]))
    assert refreshed(folder).state == "refused"


def test_without_lock_and_store_nobody_knows_how_columns_read(folder: Path) -> None:
    """It is said, with what to do."""
    for ref in (folder / "artifacts" / "objects").iterdir():
        shutil.rmtree(ref)
    (folder / "shop.lock.yaml").unlink()
    with pytest.raises(SpecError, match="not known any more") as caught:
        refreshed(folder)
    assert "penstock run" in caught.value.todo


def test_only_the_refreshed_tables_are_collected(folder: Path) -> None:
    """The base may be away: nothing of it is asked for."""
    (folder / "orders.csv").unlink()
    write_customers(folder, changed())
    assert refreshed(folder).state == "refreshed"


def test_a_model_without_such_look_ups_says_what_to_write(tmp_path: Path) -> None:
    """A look-up that stays as it was trained is not refreshed."""
    folder = tmp_path / "shop"
    path = shop.make(folder, lambda spec: spec["joins"][0].update(serve="bundle"))
    assert shop.publish_first(path).state == "published"
    with pytest.raises(SpecError, match="no look-up that is refreshed") as caught:
        refreshed(folder)
    assert "serve: refresh" in caught.value.todo
    shop.make(folder)
    with pytest.raises(SpecError) as caught:
        refreshed(folder)
    assert "since it was trained" in caught.value.todo


def test_what_the_live_version_bore_already_does_not_stop_its_refresh(tmp_path: Path) -> None:
    """A model that was published against the gate is not refused for the same thing at every refresh."""
    folder = tmp_path / "shop"
    assert shop.publish_first(shop.make(folder, by_chance=True), force="a test wants it live").state == "published"
    assert live(folder).verdict is not None
    assert not live(folder).verdict.passed  # type: ignore[union-attr]  # it is sealed
    write_customers(folder, changed())
    done = refreshed(folder)
    assert done.state == "refreshed", done.reasons
    assert any("That is so of the live version, too." in reason for reason in done.reasons)
