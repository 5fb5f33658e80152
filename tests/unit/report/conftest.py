"""Facts of a run, made up and made by the real stages."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.plots.png import png_bytes
from penstock.plots.sheet import sheet, styled
from penstock.receipts import Interval, LeaderboardRow, Verdict
from penstock.report.facts import (
    ChallengeFact,
    ColumnFact,
    DossierFacts,
    FindingFact,
    LineageFact,
    Picture,
    RejectionFact,
    SliceFact,
    SourceFact,
    StageFact,
    TargetFact,
)
from penstock.steps.audit import Audit, ColumnReading, Example, JoinReading, LabelReading, StepAudit

EVIL = "<script>alert(1)</script> | `x` **b** [l](https://evil.example/a) & ![i](http://evil.example/p.png) \"'"


def _picture(name: str, size: int) -> Picture:
    with styled():
        figure, (ax,) = sheet(1, across=1, width=8.0, height=5.0)
        ax.imshow(np.random.default_rng(size).random((size, size)))
        return Picture(name=name, title=f"Title {EVIL}", caption=f"Seen {EVIL}", png=png_bytes(figure))


@pytest.fixture(scope="session")
def pictures():
    """Return two pictures, one of them heavy."""
    return (_picture("roc", 4), _picture("noise", 300))


@pytest.fixture
def facts(pictures):
    """Return facts in which every text that comes from data is hostile."""
    score = Interval(value=0.9, low=0.85, high=0.95, n=110)
    return DossierFacts(
        name="clinic",
        run_id="run-7",
        made_at="2026-11-22T19:00:00+00:00",
        state="published",
        version="4-abcdef123456",
        digest="abcdef123456" + "0" * 52,
        artifacts="artifacts",
        family="linear",
        metric="roc_auc",
        greater_is_better=True,
        verdict=Verdict(passed=True, reasons=("It beats the baseline.", EVIL)),
        scores={"log_loss": score, "roc_auc": score},
        cross_validation={"roc_auc": (0.91, 0.01)},
        baseline={"roc_auc": Interval(value=0.5, low=0.5, high=0.5, n=110)},
        unflagged={},
        leaderboard=(
            LeaderboardRow(family="linear", metric="roc_auc", mean=0.91, sd=0.01, folds=(0.9, 0.92), chosen=True),
            LeaderboardRow(family="late", metric="roc_auc", mean=None, sd=None, state="stopped", note=EVIL),
        ),
        challenge=ChallengeFact(
            champion="3-0a1b2c3d4e5f",
            metric="roc_auc",
            champion_score=0.88,
            challenger_score=0.9,
            difference=Interval(value=0.02, low=0.01, high=0.03, n=110),
        ),
        slices=(SliceFact(column=EVIL, level=EVIL, n=40, value=0.8),),
        n_slices=1,
        findings=(FindingFact(what=EVIL, column="worst area", blocks=False),),
        stages=(
            StageFact(name="collect", seconds=0.5, state="cached"),
            StageFact(name="train", seconds=75, state="completed"),
        ),
        sources=(SourceFact(name="visits", kind="csv", uri=EVIL, collected_at="t", n_rows=581, sha256="0" * 64),),
        target=TargetFact(name=EVIL, task="binary", labels=(EVIL, "b"), n_labels=2, positive="b", evidence=EVIL),
        columns=(
            ColumnFact(
                name=EVIL,
                table="",
                kind="float",
                role="feature",
                unit="mm",
                serve="caller",
                private=False,
                missing=0.01,
                evidence=EVIL,
            ),
            ColumnFact(
                name="patient",
                table="",
                kind="text",
                role="id",
                unit="",
                serve="",
                private=False,
                missing=None,
                evidence="unique",
            ),
        ),
        n_columns=2,
        n_train=459,
        n_heldout=110,
        audit=Audit(
            n_rows=581,
            n_labelled=580,
            n_train=459,
            n_heldout=110,
            n_rejected=12,
            n_flagged=2,
            readings=(ColumnReading(table="", column=EVIL, missing={"?": 3, EVIL: 1}),),
            labels=LabelReading(merged={EVIL: 4}, cells=4),
            joins=(
                JoinReading(
                    table="lab",
                    rows=573,
                    duplicates_removed=4,
                    keyless=0,
                    matched=581,
                    orphans=1,
                    columns=10,
                    share=0.998,
                    examples=(EVIL,),
                ),
            ),
            steps=(
                StepAudit(
                    step="fill",
                    nature="learned",
                    rows_in=569,
                    rows_out=569,
                    cells_changed=48,
                    share=0.003,
                    columns={"b": 1, EVIL: 47},
                    examples=(Example(row=3, column=EVIL, before=None, after=EVIL),),
                    why=EVIL,
                ),
            ),
            notes=(EVIL,),
        ),
        rejections=(RejectionFact(reason=EVIL, column=EVIL, side="train", n=12),),
        figures=(pictures[1],),
        evaluation=(pictures[0],),
        lineage=(LineageFact(stage="collect", what="bytes of visits", digest="0" * 64),),
        example={"x": 1.5, EVIL: EVIL, "hidden": None},
    )
