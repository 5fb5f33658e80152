"""The model card: written from what the version is made of, bounded, the same each time, and nothing in it runs."""

from __future__ import annotations

import pytest

from penstock.bundle.card import Origins, card_text
from penstock.receipts import Interval, Verdict
from penstock.table import Column, TableSchema, Target
from tests.unit.bundle.making import Made

SNAPSHOT = {"name": "people", "kind": "csv", "n_rows": 140, "n_quarantined": 2, "collected_at": "2026-11-22T19:00:00Z"}
ORIGINS = Origins(
    plan={"steps": [{"kind": "duplicates"}, {"kind": "fill", "why": "3 cells are missing"}]},
    metrics={
        "metric": "roc_auc",
        "greater_is_better": True,
        "slices": [
            {"column": "city", "level": "Bonn|[x](http://evil)", "n": 30, "value": 0.7},
            {"column": "city", "level": "Oslo", "n": 40, "value": 0.95},
            {"column": "secret", "level": "hush", "n": 40, "value": 0.1},
        ],
        "findings": [{"what": "the column 'income' alone is strong", "column": "income", "blocks": False}],
    },
    lineage={
        "receipts": {
            "collect": {"snapshots": [{**SNAPSHOT, "sha256": "ab" * 32}]},
            "wrangle": {"n_train": 100, "n_heldout": 30, "rejected": {"n_rows": 8}},
        }
    },
    environment={"python": "3.14.0", "numpy": "2.4.0"},
    spec={"seed": 11},
)
TOLD = {
    "version": "1-x",
    "created": "now",
    "family": "linear",
    "scores": {"roc_auc": Interval(value=0.9, low=0.8, high=0.95, n=30)},
    "baseline": {},
    "verdict": Verdict(passed=True, reasons=("It beats the dummy.",)),
}


def test_the_card_tells_where_it_comes_from_and_where_it_is_worst(first: Made) -> None:
    """Use, sources with receipts and dates, typing, cleaning, slices, findings, environment, and how to call it."""
    card = card_text(first.bundle, **TOLD, origins=ORIGINS)
    for told in (
        "## Intended use",
        "`people` (csv): 140 rows, 2 set aside, collected 2026-11-22T19:00:00Z, sha256 abababababababab",
        "100 rows to learn from, 30 held out, 8 rejected",
        "Private: secret.",
        "2. `fill`, learned from training rows: 3 cells are missing",
        "`roc_auc` is 0.9 over all held-out rows; it is worst where",
        "Worth a look: the column 'income' alone is strong.",
        "penstock predict churn --input new.csv",
        "- numpy 2.4.0",
        "- seed 11",
    ):
        assert told in card, told
    assert card.index("Bonn") < card.index("Oslo: 0.95")
    assert "Bonn\\|\\[x\\](http://evil): 0.7 on 30 rows" in card
    assert "hush" not in card
    assert card == card_text(first.bundle, **TOLD, origins=ORIGINS)


def test_a_private_target_keeps_its_labels(first: Made) -> None:
    """They are counted."""
    columns = [c for c in first.bundle.schema.columns if c.name != "churned"]
    target = Target(name="churned", task="binary", labels=("hush", "tell"), positive="tell")
    hidden = Column(name="churned", kind="category", role="target", private=True)
    bundle = first.bundle.__class__.assemble(
        "churn",
        TableSchema(columns=(*columns, hidden), target=target),
        first.bundle.plan,
        first.bundle.lookups,
        first.bundle.estimator,
        first.bundle.profile,
        first.bundle.carried,
    )
    card = card_text(bundle, **TOLD, origins=ORIGINS)
    assert "Predicts `churned`, one of 2 labels" in card
    assert "hush" not in card
    assert "tell" not in card.replace("tells", "")


@pytest.mark.parametrize("n", [3, 3000])
def test_the_card_is_bounded(first: Made, n: int) -> None:
    """However many sources, steps, slices and findings there are."""
    snapshots = [{**SNAPSHOT, "sha256": "ab" * 32}] * n
    finding = {"what": "w" * 900, "blocks": True}
    origins = Origins(
        plan={"steps": [{"kind": "fill", "why": "y" * 900}] * min(n, 200)},
        metrics={**ORIGINS.metrics, "findings": [finding] * n},
        lineage={"receipts": {"collect": {"snapshots": snapshots}}},
    )
    assert len(card_text(first.bundle, **TOLD, origins=origins)) < 40_000
