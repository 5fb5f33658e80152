"""Facts gathered from what real stages left in the store."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.arrays.stage import make_arrays
from penstock.errors import StoreError
from penstock.explore import explore
from penstock.metrics.curves import curves
from penstock.receipts import Collected, Evaluated, Interval, LeaderboardRow, Published, Trained, Verdict
from penstock.report.gather import gather
from penstock.report.html import dossier_html
from penstock.report.markdown import dossier_markdown
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.store import Store
from penstock.table import TableSchema
from penstock.wrangle import wrangle

SECRETS = ("Ottokar", "Wilhelmine", "Friedlinde")


def _table(n=160):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n).round(3)
    frame = pd.DataFrame(
        {
            "x": [str(v) if i % 9 else "?" for i, v in enumerate(x)],
            "site": rng.choice(["north", "south"], n),
            "nick": rng.choice(SECRETS, n),
            "income": [f"{v:.0f}" for v in 70_000_000 + rng.normal(size=n) * 1e6],
            "y": np.where(x + rng.normal(size=n) * 0.5 > 0, "yes", "no"),
        }
    )
    frame.loc[3, "x"] = "broken"
    frame.loc[5, "nick"] = ""
    return pd.concat([frame, frame.iloc[10:14]])


class Run:
    """The stages up to explore, really run, and an evaluation made up from them."""

    def __init__(self, folder, target="y", private=("nick", "income")):
        self.store = Store(folder / "artifacts")
        _table().to_csv(folder / "people.csv", index=False)
        columns = {name: {"private": True} for name in private}
        declared = {"name": "people", "source": "people.csv", "target": target, "columns": columns}
        spec = spec_from(declared, folder)
        self.collected = Collected(snapshots=tuple(snapshot(s, self.store) for s in spec.sources))
        self.arrays = make_arrays(self.collected, spec.typing, None, self.store)
        self.wrangled = wrangle(self.arrays, spec.typing, spec.wrangling, self.store)
        self.explored = explore(self.wrangled, 1, self.store)
        self.schema = TableSchema.model_validate_json(self.store.read_bytes(self.wrangled.table_schema))

    def metrics(self):
        """Return what the evaluate stage would measure of made-up predictions."""
        sides = self.store.read_frame(self.wrangled.sides)
        y = sides.loc[sides["side"] == "heldout", "target"].to_numpy()
        rng = np.random.default_rng(0)
        if self.schema.target.is_classification:
            chance = np.clip(y * 0.6 + rng.random(len(y)) * 0.4, 0.01, 0.99)
            predicted = np.column_stack([1 - chance, chance])
        else:
            predicted = y + rng.normal(size=len(y))
        levels = (("site", "north"), ("nick", SECRETS[0]))
        return {
            "curves": curves(self.schema.target, y, predicted),
            "slices": [{"column": c, "level": lv, "n": 40, "value": 0.8} for c, lv in levels],
            "findings": [
                {"kind": "tells_much", "what": "the column 'x' alone is strong", "column": "x", "blocks": False}
            ],
            "champion": {
                "version": "1-aaaabbbbcccc",
                "metric": "roc_auc",
                "champion": 0.88,
                "challenger": 0.9,
                "n": 40,
                "difference": {"value": 0.02, "low": -0.01, "high": 0.05, "n": 40},
                "note": "",
            },
            "unflagged": {},
            "something newer": [1, 2, 3],
        }

    def facts(self, metrics=None, published=True):
        """Return the facts of the run."""
        metric = "roc_auc" if self.schema.target.is_classification else "rmse"
        file = self.store.put_json(self.metrics() if metrics is None else metrics)
        score = Interval(value=0.9, low=0.8, high=0.95, n=40)
        row = LeaderboardRow(family="linear", metric=metric, mean=0.9, sd=0.01, folds=(0.89, 0.91), chosen=True)
        w = self.wrangled
        trained = Trained(
            family="linear",
            metric=metric,
            served=file,
            twin=file,
            probe=w.raw,
            table_schema=w.table_schema,
            plan=w.plan,
            profile=w.profile,
            environment=self.store.put_json({"python": "3.14.0", "numpy": "2.4.0"}),
            content_digest="ab" * 32,
            leaderboard=(row,),
        )
        evaluated = Evaluated(
            metric=metric,
            scores={metric: score},
            cross_validation={metric: (0.9, 0.01)},
            baseline={metric: score},
            verdict=Verdict(passed=True, reasons=("It beats the baseline.",)),
            metrics=file,
        )
        sealed = Published(
            state="published",
            model="people",
            version="2-abababababab",
            digest="ab" * 32,
            sequence=2,
            generation=2,
            path=None,
            published_at="",
        )
        return gather(
            name="people",
            run_id="r1",
            made_at="2026-11-22T00:00:00+00:00",
            artifacts="artifacts",
            stages=[("collect", 0.1, "completed"), ("train", 2.0, "cached")],
            collected=self.collected,
            arrays=self.arrays,
            wrangled=w,
            explored=self.explored,
            trained=trained,
            evaluated=evaluated,
            published=sealed if published else None,
            store=self.store,
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def facts(run):
    return run.facts()


def test_what_the_stages_found_is_gathered(facts):
    """Counts of rows, rejections by reason, columns with evidence, pictures and lineage are the run's own."""
    assert facts.n_train + facts.n_heldout + sum(r.n for r in facts.rejections) == 164
    assert any("x" in r.column and r.side == "train" for r in facts.rejections)
    by_name = {c.name: c for c in facts.columns}
    assert by_name["x"].missing == pytest.approx(1 / 9, abs=0.06)
    assert by_name["x"].evidence
    assert [p.name for p in facts.evaluation] == [
        "leaderboard",
        "intervals",
        "challenge",
        "confusion",
        "roc",
        "precision-recall",
        "gain",
        "calibration",
    ]
    assert {p.name for p in facts.figures} >= {"target", "histograms"}
    assert [line.stage for line in facts.lineage][:2] == ["collect", "collect"]
    assert facts.challenge.champion == "1-aaaabbbbcccc"
    assert facts.version == "2-abababababab"


def test_values_of_private_columns_are_nowhere(facts):
    """Neither page tells one: no name, no amount, no level; only that the columns are there."""
    page, text = dossier_html(facts).decode(), dossier_markdown(facts)
    whole = (
        page
        + text
        + facts.model_dump_json(exclude={"figures": {"__all__": {"png"}}, "evaluation": {"__all__": {"png"}}})
    )
    assert not [secret for secret in SECRETS if secret in whole]
    amounts = _table()["income"].tolist()
    assert not [amount for amount in amounts if amount in whole]
    assert facts.example["income"] is None
    assert facts.example["nick"] is None
    assert "nick" in page
    assert {s.column for s in facts.slices} == {"site"}


def test_a_private_target_hides_spellings_and_rows(tmp_path):
    """Of a private number no single held-out row is drawn or told."""
    facts = Run(tmp_path, target="income").facts(published=False)
    names = [p.name for p in facts.evaluation]
    assert "residuals" not in names
    assert facts.audit.labels.merged == {}
    assert facts.state == "candidate"
    shown = dossier_html(facts).decode()
    assert not [amount for amount in _table()["income"] if amount in shown]


def test_metrics_of_the_wrong_shape_are_refused(run):
    """What is wrong is named, and what to do; it is never drawn."""
    with pytest.raises(StoreError, match="metrics of an evaluation cannot be read") as caught:
        run.facts({"curves": {"confusion": "many"}})
    assert "curves.confusion" in caught.value.where
    assert "--refresh" in caught.value.todo


def test_metrics_may_lack_what_their_task_does_not_have(run):
    """An empty file of metrics makes a dossier without curves."""
    facts = run.facts({})
    assert [p.name for p in facts.evaluation] == ["leaderboard", "intervals"]
    assert facts.challenge is None
    assert facts.findings == ()


def test_a_run_without_figures_can_be_told(run):
    """The explore stage may be left out."""
    explored, run.explored = run.explored, None
    try:
        assert run.facts().figures == ()
    finally:
        run.explored = explored


def test_gathering_twice_gives_the_same(run, facts):
    """Pictures included."""
    assert run.facts() == facts
