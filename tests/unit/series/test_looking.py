"""A forecast's bundle and its past: what it carries, what is sent, and where nothing can be said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from penstock.bundle.bundle import Bundle
from penstock.errors import RequestError
from penstock.receipts import Trained
from tests.unit.series.demand import START, Run, sales

END = pd.Timestamp(START) + pd.Timedelta(hours=719)


def row(hours: int, store: str = "north", **more: object) -> dict[str, Any]:
    """Return a row so many hours after the last actual value."""
    return {"ts": str(END + pd.Timedelta(hours=hours)), "store": store, "promo": 0, **more}


def later(hours: int, store: str = "north") -> list[dict[str, Any]]:
    """Return actual rows of the hours after the last one that the model knows."""
    return [row(h, store, units=20.0 + h, temperature=15.0) for h in range(1, hours + 1)]


def test_every_step_of_the_horizon_is_answered_from_what_the_model_carries(bundle: Bundle) -> None:
    """With the ends of an interval about it, in the order of the rows."""
    answers = bundle.predict([row(h, store) for store in ("south", "north") for h in range(1, 25)])
    assert len(answers) == 48
    assert answers.values is not None
    assert np.isfinite(answers.values).all()
    first = answers.rows()[0]
    assert list(first) == ["prediction", "low", "high", "warnings"]
    assert first["low"] < first["prediction"] < first["high"]
    frame = answers.to_frame()
    assert list(frame.columns) == ["prediction", "low", "high", "warning"]
    assert abs(answers.values[:24].mean() - 40) < 4
    assert abs(answers.values[24:].mean() - 20) < 4


def test_a_batch_is_its_rows_one_at_a_time(bundle: Bundle) -> None:
    """To the last bit, with history and without."""
    rows = [row(h, store) for h in range(2, 25, 3) for store in ("north", "south")]
    for history in (None, later(1) + later(1, "south")):
        together = bundle.predict(rows, history)
        for i, one in enumerate(rows):
            alone = bundle.predict([one], history)
            assert alone.estimates[0] == together.estimates[i]
            assert alone.low is not None
            assert together.low is not None
            assert alone.low[0] == together.low[i]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (row(25), "more than 1d after the last known actual value, which is of 2026-01-30 23:00:00"),
        (row(0), "at or before the last known actual value"),
        (row(1, "east"), "nothing is known of the series"),
        ({**row(1), "ts": "2026-01-31 00:30"}, "between the steps of 1h"),
    ],
)
def test_where_nothing_can_be_said_nothing_is_guessed(bundle: Bundle, ask: dict[str, Any], words: str) -> None:
    """The error names the row; the whole request is refused."""
    with pytest.raises(RequestError, match=words) as caught:
        bundle.predict([row(1), ask])
    assert caught.value.what.startswith("Row 1: ")
    assert caught.value.where in ("ts", "store")


def test_a_row_without_a_time_or_a_series_has_no_answer_and_the_others_have(bundle: Bundle) -> None:
    """As any cell that cannot be read."""
    answers = bundle.predict([row(1), {**row(1), "ts": "soon"}, {**row(1), "store": None}])
    assert answers.null.tolist() == [False, True, True]
    assert [(m.row, m.column) for m in answers.misfits] == [(1, "ts"), (2, "store")]
    assert answers.rows()[1]["low"] is None


def test_newer_actual_values_move_the_origin(bundle: Bundle) -> None:
    """What was too far ahead is answered, and what has come true is not."""
    answers = bundle.predict([row(30)], later(10))
    assert answers.notes == () or {n.warned.code for n in answers.notes} <= {"out_of_range"}
    assert answers.rows()[0]["prediction"] != bundle.predict([row(24)]).rows()[0]["prediction"]
    with pytest.raises(RequestError, match="at or before"):
        bundle.predict([row(10)], later(10))


def test_a_sent_value_takes_the_place_of_a_stored_one(bundle: Bundle) -> None:
    """A correction of the last hour changes what follows; sending the same value changes nothing."""
    table = sales()
    last = table[(table["store"] == "north")].iloc[-1]
    same = [row(0, units=float(last["units"]), temperature=float(last["temperature"]))]
    plain = bundle.predict([row(1)]).estimates[0]
    assert bundle.predict([row(1)], same).estimates[0] == plain
    assert bundle.predict([row(1)], [{**same[0], "units": 60.0}]).estimates[0] != plain


def test_who_sends_the_past_is_answered_as_of_then_and_told_so(bundle: Bundle) -> None:
    """Nothing that the model carries from after the end of the history is looked at."""
    table = sales()
    past = table[table["ts"] <= END - pd.Timedelta(hours=48)]
    asked = [row(-30), row(-24)]
    history = past.astype({"ts": str}).to_dict("records")
    answers = bundle.predict(asked, history)
    assert {n.warned.code for n in answers.notes} == {"earlier_history"}
    # The same bundle, had it never known more.
    assert bundle.series is not None
    assert bundle.history is not None
    kept = [i for i, at in enumerate(bundle.history["ts"].to_pylist()) if pd.Timestamp(at) <= past["ts"].max()]
    poorer = Bundle.assemble(
        "poorer",
        bundle.schema,
        bundle.plan,
        {},
        bundle.estimator,
        bundle.profile,
        series=bundle.series,
        history=bundle.history.take(pa.array(kept)),
    )
    assert poorer.predict(asked, history).estimates.tolist() == answers.estimates.tolist()


def test_a_series_that_training_did_not_see_is_answered_with_a_warning(bundle: Bundle) -> None:
    """If its history is sent, and told if that is short."""
    history = [{**r, "store": "east"} for r in later(60)]
    codes = {n.warned.code for n in bundle.predict([row(61, "east")], history).notes}
    assert {"unseen_series", "unseen_category"} <= codes
    assert "short_history" not in codes
    few = {n.warned.code for n in bundle.predict([row(4, "east")], history[:3]).notes}
    assert "short_history" in few


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"units": "many"}, "'units' should be a finite number"),
        ({"temperature": "warm"}, "'temperature' should be a finite number"),
        ({"ts": None}, "has no time"),
        ({"store": None}, "belongs to no series"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused(bundle: Bundle, spoil: dict[str, Any], words: str) -> None:
    """With the row's number: an actual value that is passed over would move the origin in silence."""
    history = later(3)
    history[1] |= spoil
    with pytest.raises(RequestError, match=r"Row 1 of the history .*") as caught:
        bundle.predict([row(5)], history)
    assert words in caught.value.what
    with pytest.raises(RequestError, match="Two rows of the history"):
        bundle.predict([row(5)], later(3) + later(1))
    with pytest.raises(RequestError, match="no column 'units'"):
        bundle.predict([row(5)], [row(1)])


def test_a_history_without_its_last_value_starts_where_the_last_value_is(bundle: Bundle) -> None:
    """A row whose actual value is still missing is no origin."""
    history = [*later(3), row(4, units=None, temperature=None)]
    assert bundle.predict([row(4)], history).estimates == bundle.predict([row(4)], later(3)).estimates


def test_what_a_model_knows_is_told_and_warned_of_when_it_is_old(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older than the horizon, no row can be both within reach and still to come."""
    import datetime as dt

    import penstock.bundle.looking as module

    class Then(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return (END + pd.Timedelta(hours=hours)).to_pydatetime().replace(tzinfo=tz)

    looking = bundle.looking
    assert looking is not None
    assert looking.last_actual == "2026-01-30 23:00:00"
    monkeypatch.setattr(module.dt, "datetime", Then)
    for hours, warned in ((23, set()), (26, {"old_history"})):
        assert looking.age(Then.now(dt.UTC)) == hours * 3600
        assert {n.warned.code for n in bundle.predict([row(1)]).notes} == warned
        assert not {n.warned.code for n in bundle.predict([row(2)], later(1)).notes} & {"old_history"}


def test_what_is_made_of_the_past_is_not_a_callers_to_send(bundle: Bundle) -> None:
    """It is ignored, and no field of a request: nobody's model of the past takes the place of the past."""
    plain = bundle.predict([row(1)])
    assert bundle.predict([row(1, units_last=999.0, steps_ahead=7)]).estimates == plain.estimates
    example = bundle.example()
    assert set(example) == {"ts", "store", "promo"}
    assert np.isfinite(bundle.predict([example]).estimates).all()


def test_a_model_that_looks_at_no_history_refuses_one(made: tuple[Run, Trained], bundle: Bundle) -> None:
    """It would be thought to have been looked at."""
    plain = Bundle.assemble("plain", bundle.schema, bundle.plan, {}, bundle.estimator, bundle.profile)
    with pytest.raises(RequestError, match="looks at no history"):
        plain.predict([row(1)], later(1))
