"""A forecast through the stages: what is learned from, in which order, and how it is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.candidate import Candidate
from penstock.errors import DataError, SpecError
from penstock.evaluate import evaluate
from penstock.inference import apply_lock, lock_from
from penstock.judging import candidate_twin
from penstock.models.stage import train
from penstock.receipts import Collected, Evaluated, Trained
from penstock.series.rule import SERIES, SeriesRule
from penstock.slices import Gate
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.table import TableSchema
from tests.unit.series.demand import DEMAND, START, Run, run, sales


def rule_of(made: Run) -> SeriesRule:
    """Return the rule that a run came to."""
    return SeriesRule.model_validate(json.loads(made.store.read_bytes(made.wrangled.plan))[SERIES])


def schema_of(made: Run) -> TableSchema:
    """Return the schema that a run came to."""
    return TableSchema.model_validate_json(made.store.read_bytes(made.wrangled.table_schema))


def judged(made: Run, trained: Trained, champion: Path | None = None) -> tuple[Evaluated, dict[str, Any]]:
    """Return what the evaluate stage gives, and its metrics file."""
    found = evaluate(made.wrangled, trained, champion, Gate(replicates=200), made.spec.typing, 9, made.store)
    return found, json.loads(made.store.read_bytes(found.metrics))


@pytest.fixture(scope="module")
def verdict(made: tuple[Run, Trained]) -> tuple[Evaluated, dict[str, Any]]:
    """Return how the shared candidate was judged."""
    return judged(*made)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"horizon": None}, "horizon: 48h"),
        ({"time": None}, "time: COLUMN"),
        ({"task": "regression"}, "is for forecasts"),
        ({"every": "1h", "horizon": "90min"}, "not a whole number of steps"),
        ({"split": {"by": "key"}}, "judged on what comes last"),
        ({"known_ahead": ["units"]}, "something else already"),
        ({"intervals": 1.5}, "intervals|less than 1"),
        ({"horizon": "0h"}, "longer than nothing"),
        ({"joins": [{"table": "sales", "on": "store", "as_of": "ts"}]}, "as of a time"),
        ({"joins": [{"table": "history", "on": "store"}]}, "of its own"),
    ],
)
def test_a_spec_that_makes_no_sense_says_so(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    """Before any data is read."""
    declared = {k: v for k, v in {**DEMAND, **changed}.items() if v is not None}
    with pytest.raises(SpecError) as caught:
        spec_from(declared, tmp_path)
    assert pytest.importorskip("re").search(words, str(caught.value))


def test_time_is_split_at_a_whole_number_of_horizons_and_nothing_is_learned_from_after(
    made: tuple[Run, Trained],
) -> None:
    """The last share is held out, for every series alike."""
    sides = made[0].sides()
    held = sides[sides["side"] == "heldout"]["index"]
    assert (held.max() - held.min() + 1) == 144 == 6 * rule_of(made[0]).horizon
    assert sides[sides["side"] == "train"]["index"].max() < held.min()
    assert sides["row"].nunique() == 1440 - 2
    assert (sides["index"] - sides["origin"]).between(1, 24).all()


def test_held_out_values_change_nothing_that_training_rows_show(tmp_path: Path, made: tuple[Run, Trained]) -> None:
    """Actual values and past columns of the held-out time are made absurd."""
    table = sales()
    late = table["ts"] >= pd.Timestamp(START) + pd.Timedelta(hours=720 - 144)
    table.loc[late, ["units", "temperature"]] = [9999.0, -9999.0]
    other = run(table, tmp_path)
    train_rows = [(m.sides()["side"] == "train").to_numpy() for m in (made[0], other)]
    cuts = [m.cut()[rows].reset_index(drop=True) for m, rows in zip((made[0], other), train_rows, strict=True)]
    pd.testing.assert_frame_equal(*cuts)
    assert rule_of(made[0]) == rule_of(other)


def test_past_columns_are_features_as_of_the_origin_only(made: tuple[Run, Trained]) -> None:
    """`temperature` is nobody's to know ahead; `promo` is."""
    schema = schema_of(made[0])
    assert schema.column("temperature").role == "past"
    assert schema.column("promo").role == "feature"
    assert "temperature" not in made[0].cut().columns
    assert "temperature_last" in made[0].cut().columns
    sides, cut = made[0].sides(), made[0].cut()
    table = sales()
    start = (pd.Timestamp(START) - pd.Timestamp("1970-01-01")) // pd.Timedelta(hours=1)
    at = (table["ts"] - pd.Timestamp("1970-01-01")) // pd.Timedelta(hours=1)
    own = table.assign(at=at).set_index(["store", "at"])["temperature"]
    expected = own.loc[list(zip(sides["group"], sides["origin"], strict=True))].to_numpy()
    assert int(sides["index"].min()) > start
    assert np.allclose(cut["temperature_last"].to_numpy(dtype=float), expected)


def test_no_fold_learns_from_what_comes_after_its_first_origin(made: tuple[Run, Trained]) -> None:
    """Nor is it tested on rows that were forecast from before it."""
    from penstock.models.folds import ordered_folds

    sides = made[0].sides()
    rows = sides[sides["side"] == "train"]
    index, origin = rows["index"].to_numpy(), rows["origin"].to_numpy()
    fold_of, order = ordered_folds(index, origin, 4, 24)
    assert set(fold_of.tolist()) == {-1, 0, 1, 2, 3}
    for fold, until in enumerate(order.until):
        test = fold_of == fold
        assert (origin[test] >= until).all()
        assert index[test].min() > until
        assert (index <= until).sum() > 0.4 * len(index)
    with pytest.raises(DataError, match="folds that follow each other"):
        ordered_folds(np.array([5]), np.array([4]), 3, 24)


def test_a_forecast_is_judged_through_predict_from_rolling_origins(
    made: tuple[Run, Trained], verdict: tuple[Evaluated, dict[str, Any]]
) -> None:
    """The same scores come out of asking the bundle origin by origin, by hand."""
    found, told = verdict
    twin, _ = candidate_twin(made[1], made[0].store)
    table = sales()
    cutoff = pd.Timestamp(START) + pd.Timedelta(hours=720 - 144)
    errors, naive = [], []
    origins = told["forecast"]["origins"]
    assert origins >= 6
    step = pd.Timedelta(hours=1)
    # Strides of a horizon less one come round to every hour of the day.
    stride = next(s for s in range((144 - 24) // 7, 0, -1) if np.gcd(s, 24) == 1)
    for k in range(origins):
        origin = cutoff - step + k * stride * step
        ahead = table[(table["ts"] > origin) & (table["ts"] <= origin + 24 * step)]
        before = table[table["ts"] <= origin]
        answers = twin.predict(ahead.astype({"ts": str}).drop(columns="units"), before.astype({"ts": str}))
        errors.append(np.abs(answers.estimates - ahead["units"].to_numpy()))
        lagged = before.set_index(["store", "ts"])["units"]
        naive.append(
            np.abs(
                lagged.loc[list(zip(ahead["store"], ahead["ts"] - 24 * step, strict=True))].to_numpy() - ahead["units"]
            )
        )
    assert found.scores["mae"].value == pytest.approx(np.concatenate(errors).mean())
    assert found.baseline["mae"].value == pytest.approx(np.concatenate(naive).mean())
    assert found.metric == "mase"
    assert found.verdict.passed
    assert "beats the seasonal naive forecast" in found.verdict.reasons[0]


def test_scores_are_told_by_how_far_ahead_and_intervals_hold_what_they_promise(
    verdict: tuple[Evaluated, dict[str, Any]],
) -> None:
    """Nine of ten true values, in every part of the horizon roughly."""
    _, told = verdict
    assert [part["to"] for part in told["by_horizon"]] == [1, 2, 4, 6, 10, 15, 24]
    assert sum(part["n"] for part in told["by_horizon"]) == told["n_heldout"]
    assert told["intervals"]["level"] == 0.9
    assert 0.82 <= told["intervals"]["coverage"] <= 0.97
    assert told["findings"] == []


def test_a_forecast_that_learned_nothing_does_not_pass(made: tuple[Run, Trained]) -> None:
    """The seasonal naive forecast, put forward by a budget of nothing, does not beat itself."""
    modelling = made[0].spec.modelling.model_copy(update={"budget": 1e-6})
    trained = train(made[0].wrangled, modelling, made[0].spec.typing, 5, made[0].store)
    assert trained.family == "dummy"
    found, _ = judged(made[0], trained)
    assert not found.verdict.passed
    assert "does not beat the seasonal naive forecast" in found.verdict.reasons[0]
    assert found.scores["mase"].value == pytest.approx(found.baseline["mase"].value)


def published(made: Run, trained: Trained, found: Evaluated) -> Path:
    """Publish a candidate and return its version's directory."""
    kept = Candidate(name="demand", trained=trained, evaluated=found, started_from="", spec={}, lineage={})
    done = kept.publish(made.store.root, force="a test wants it live")
    assert done.path is not None
    return Path(done.path)


def test_a_sealed_forecast_carries_its_past_and_meets_its_challenger(
    made: tuple[Run, Trained], verdict: tuple[Evaluated, dict[str, Any]]
) -> None:
    """The tail ends with the last row of all data and is signed; its own twin is as good as itself."""
    live = published(made[0], made[1], verdict[0])
    bundle = Bundle.load(live)
    assert bundle.manifest is not None
    assert "lookups/history.arrow" in bundle.manifest.files
    assert bundle.looking is not None
    assert bundle.looking.last_actual == "2026-01-30 23:00:00"
    twin, _ = candidate_twin(made[1], made[0].store)
    row = {"ts": "2026-01-31 05:00", "store": "south", "promo": 1}
    assert np.isfinite(bundle.predict([row]).estimates).all()
    assert "Forecasts the number `units`" in bundle.card
    found, told = judged(*made, live)
    assert (told["champion"]["difference"]["low"], told["champion"]["difference"]["high"]) == (0, 0)
    assert found.verdict.champion == live.name
    assert twin.digest == ""


def test_another_tail_is_another_model(tmp_path: Path) -> None:
    """The digest covers the history: the same fit answers otherwise from other last values."""
    other = sales()
    other.loc[other.index[-1], "units"] += 5.0
    model = {"families": ["linear"], "folds": 3, "trials": 1, "refit": "train"}
    tables = {"first": sales(), "again": sales(), "other": other}
    trained = {name: run(table, tmp_path / name, model=model).trained() for name, table in tables.items()}
    assert trained["first"].content_digest == trained["again"].content_digest
    assert trained["first"].twin == trained["other"].twin
    assert trained["first"].content_digest != trained["other"].content_digest


def test_a_lock_keeps_the_cutoff_while_the_series_grow(tmp_path: Path, made: tuple[Run, Trained]) -> None:
    """A row's side is for life: what was held out stays so, and what comes is held out too."""
    first = made[0]
    collected = Collected(snapshots=tuple(snapshot(source, first.store) for source in first.spec.sources))
    lock = lock_from(first.spec, collected, first.arrays, first.wrangled, first.store)
    grown = tmp_path / "grown"
    grown.mkdir()
    sales(780).to_csv(grown / "sales.csv", index=False)
    spec = spec_from(DEMAND, grown)
    again = Collected(snapshots=tuple(snapshot(source, first.store) for source in spec.sources))
    _, wrangling = apply_lock(spec, lock, again)
    assert wrangling.locked_split == lock.split
    longer = run(sales(780), tmp_path / "other")
    from penstock.wrangle import wrangle

    kept = wrangle(longer.arrays, spec.typing, wrangling, longer.store)
    sides = longer.store.read_frame(kept.sides)
    held = sides[sides["side"] == "heldout"]["index"]
    assert held.max() - held.min() + 1 == 144 + 60


def test_rows_of_one_time_and_series_too_short_are_refused(tmp_path: Path) -> None:
    """With the first rows, and what to do."""
    table = sales(200)
    double = pd.concat([table, table.iloc[[7]]], ignore_index=True)
    with pytest.raises(DataError, match="one time of one series") as caught:
        run(double, tmp_path / "double")
    assert caught.value.got == "rows 7 and 400 of 'north' (2026-01-01T07:00:00)"
    with pytest.raises(DataError, match="one time of one series"):
        run(table, tmp_path / "ungrouped", group=None)
    with pytest.raises(DataError, match="too short for the horizon"):
        run(table, tmp_path / "short", horizon="60h")
    with pytest.raises(SpecError, match="'promotion'"):
        run(table, tmp_path / "unknown", known_ahead=["promotion"])


def test_rows_that_cannot_be_placed_are_rejected_with_the_reason(tmp_path: Path) -> None:
    """Never dropped in silence: no time, no series, between two steps, no value, nothing before it."""
    table = sales(300).astype({"ts": str, "units": object})
    table.loc[3, "ts"] = None
    table.loc[5, "store"] = None
    table.loc[9, "ts"] = "2026-01-01 09:30:00"
    table.loc[11, "units"] = None
    done = run(table, tmp_path)
    rejected = done.store.read_frame(done.wrangled.rejected).set_index("row")["reason"]
    assert rejected[3] == "it has no time"
    assert rejected[5] == "it belongs to no series: 'store' is missing"
    assert rejected[9] == "its time lies between the steps of 1h"
    assert rejected[11] == "the target is missing"
    assert rejected[0] == rejected[300] == "nothing of its series is known in the 1d before it"
    assert len(rejected) == 6


def test_a_date_and_its_hour_in_two_columns_are_one_time(tmp_path: Path) -> None:
    """And a request sends them as the table has them."""
    table = sales(400, ("north",)).drop(columns="store")
    split = table.assign(day=table["ts"].dt.strftime("%d-%m-%Y"), hr=table["ts"].dt.hour).drop(columns="ts")
    done = run(split, tmp_path, time=["day", "hr"], group=None, intervals=None)
    trained = done.trained()
    bundle, rule = candidate_twin(trained, done.store)
    assert rule.columns == ("day", "hr")
    answers = bundle.predict([{"day": "17-01-2026", "hr": 18, "promo": 0}, {"day": "17-01-2026", "hr": 16, "promo": 0}])
    assert np.isfinite(answers.estimates).all()
    assert answers.low is None
    assert {"day", "hr", "promo"} == set(bundle.example())
    found, _ = judged(done, trained)
    assert found.verdict.passed


def test_a_shorter_reach_is_a_change_that_callers_have_to_follow(
    made: tuple[Run, Trained], verdict: tuple[Evaluated, dict[str, Any]], tmp_path: Path
) -> None:
    """Requests of the second half of the day would be refused; nobody is asked that in silence."""
    live = published(made[0], made[1], verdict[0])
    shorter = run(sales(), tmp_path, horizon="12h")
    found, told = judged(shorter, shorter.trained(), live)
    assert not found.verdict.passed
    assert any("the horizon was 1d and is 12h" in reason for reason in found.verdict.reasons)
    assert told["champion"]["champion"] is not None
