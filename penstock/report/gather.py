"""Gather a dossier's facts from receipts and store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.profile import Profile
from penstock.bundle.example import Value, schema_example
from penstock.bundle.looking import looking_of
from penstock.receipts import (
    Arrays,
    Collected,
    Evaluated,
    Explored,
    Published,
    Receipt,
    Trained,
    Wrangled,
)
from penstock.report.columns import column_facts
from penstock.report.explained import explained_facts
from penstock.report.facts import (
    ChallengeFact,
    DossierFacts,
    EnvironmentFact,
    FindingFact,
    LineageFact,
    Picture,
    RejectionFact,
    SliceFact,
    SourceFact,
    StageFact,
    TargetFact,
)
from penstock.report.measured import Measured, read_measured
from penstock.report.pictures import evaluation_pictures
from penstock.report.words import clipped
from penstock.series.rule import HISTORY
from penstock.steps.audit import Audit, LabelReading
from penstock.steps.hidden import hidden_columns, is_hidden
from penstock.steps.plan import Plan
from penstock.store import Store
from penstock.table import TableSchema
from penstock.target import relabelled

MOST_LABELS = 50
MOST_SOURCES = 50
MOST_REJECTIONS = 40
MOST_SLICES = 40
MOST_FINDINGS = 40
MOST_CANDIDATES = 60
# A page has at most five megabytes, and up to ten for five hundred columns; base64 makes four bytes of three.
PICTURE_BYTES = 3_000_000
ORDINARY_COLUMNS = 65
BYTES_A_COLUMN = 7_000
MOST_EXTRA_COLUMNS = 435
MOST_REASONS = 20


def gather(
    *,
    name: str,
    run_id: str,
    made_at: str,
    artifacts: str,
    stages: Iterable[tuple[str, float, str]],
    collected: Collected,
    arrays: Arrays,
    wrangled: Wrangled,
    explored: Explored | None,
    trained: Trained,
    evaluated: Evaluated,
    published: Published | None,
    store: Store,
) -> DossierFacts:
    """Read what the receipts of a run refer to, as far as a dossier shows it.

    Parameters
    ----------
    name, run_id, made_at : str
        The model, the run, and when the dossier is made (ISO 8601).
    artifacts : str
        The artifacts directory as the user names it, for the commands to type.
    stages : iterable of (str, float, str)
        Name, seconds and state of each stage, in order.
    collected, arrays, wrangled, explored, trained, evaluated
        The stages' receipts; a run without figures has no `explored`.
    published : Published or None
        None for a dossier that is sealed into the bundle it tells of.
    store : Store
        Where the receipts' objects are.

    Raises
    ------
    StoreError
        An object is gone or altered, or is not what its stage writes.
    """
    schema = TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema))
    profile = Profile.model_validate_json(store.read_bytes(wrangled.profile))
    measured = read_measured(evaluated, store)
    drawn = schema
    if schema.target is not None and schema.shown_target is not None:
        # Neither a picture nor a table knows the labels of a private target.
        told = relabelled(measured.model_dump(mode="json"), schema.target, schema.shown_target)
        measured = Measured.model_validate(told)
        drawn = schema.model_copy(update={"target": schema.shown_target})
    plan = Plan.model_validate({"steps": orjson.loads(store.read_bytes(wrangled.plan))["steps"]})
    private = set(hidden_columns(plan, schema))
    audit = _shown(Audit.model_validate_json(store.read_bytes(wrangled.audit)), schema, private)
    slices = _slices(measured, private)
    evaluation, figures, left_out = _within_room(
        evaluation_pictures(trained, evaluated, measured, drawn), _figures(explored, store), len(schema.columns)
    )
    return DossierFacts(
        name=name,
        run_id=run_id,
        made_at=made_at,
        state=published.state if published is not None else "candidate",
        version=published.version if published is not None else None,
        digest=trained.content_digest,
        artifacts=artifacts,
        family=trained.family,
        metric=evaluated.metric,
        greater_is_better=measured.sign > 0,
        aim=tuple(clipped(line, 600) for line in measured.aim.lines),
        verdict=evaluated.verdict.model_copy(update={"reasons": evaluated.verdict.reasons[:MOST_REASONS]}),
        scores=evaluated.scores,
        cross_validation=evaluated.cross_validation,
        baseline=evaluated.baseline,
        unflagged=measured.unflagged,
        coefficients=measured.coefficients,
        leaderboard=trained.leaderboard[:MOST_CANDIDATES],
        residuals=tuple(clipped(line, 900) for line in measured.residuals.lines),
        selection=tuple(clipped(line, 600) for line in trained.selection),
        challenge=_challenge(measured, evaluated),
        slices=tuple(slices[:MOST_SLICES]),
        n_slices=len(slices),
        findings=tuple(
            FindingFact(what=clipped(f.what), column=f.column or "", blocks=f.blocks)
            for f in measured.findings[:MOST_FINDINGS]
        ),
        stages=tuple(StageFact(name=n, seconds=s, state=state) for n, s, state in stages),
        sources=tuple(
            SourceFact(**snapshot.model_dump(include=set(SourceFact.model_fields)))
            for snapshot in collected.snapshots[:MOST_SOURCES]
        ),
        target=_target(schema, private),
        columns=column_facts(schema, profile),
        n_columns=len(schema.columns),
        n_train=wrangled.n_train,
        n_heldout=wrangled.n_heldout,
        audit=audit,
        rejections=_rejections(wrangled, store),
        figures=figures,
        evaluation=evaluation,
        n_left_out=left_out,
        explained=explained_facts(measured, schema.target.name if schema.target else "", frozenset(private)),
        lineage=_lineage(collected, arrays, wrangled, trained, evaluated),
        environment=EnvironmentFact(libraries=orjson.loads(store.read_bytes(trained.environment))),
        example={k: None if k in private else v for k, v in _example(trained, schema, profile, store).items()},
    )


def _example(trained: Trained, schema: TableSchema, profile: Profile, store: Store) -> dict[str, Value]:
    """Return the row that is shown to try the model with; of a forecast the step after the last actual value."""
    row = schema_example(schema, profile)
    if HISTORY not in trained.lookups:
        return row
    tables = {HISTORY: store.read_table(trained.lookups[HISTORY])}
    looking = looking_of(orjson.loads(store.read_bytes(trained.plan)), schema, tables)
    return row if looking is None else {**row, **looking.next_row()}


def _target(schema: TableSchema, private: set[str]) -> TargetFact:
    target = schema.target
    assert target is not None
    hidden = target.name in private
    return TargetFact(
        name=target.name,
        task=target.task,
        labels=() if hidden else target.labels[:MOST_LABELS],
        n_labels=len(target.labels),
        positive=None if hidden else target.positive,
        evidence="" if hidden else target.evidence,
    )


def _shown(audit: Audit, schema: TableSchema, private: set[str]) -> Audit:
    """Return the audit without a value of a private column, whoever wrote it."""
    steps = tuple(
        step.model_copy(update={"examples": tuple(e for e in step.examples if not is_hidden(e.column, private))})
        for step in audit.steps
    )
    labels = audit.labels
    if schema.target is not None and schema.target.name in private:
        labels = LabelReading(cells=labels.cells, blanks=labels.blanks)
    return audit.model_copy(update={"steps": steps, "labels": labels})


def _rejections(wrangled: Wrangled, store: Store) -> tuple[RejectionFact, ...]:
    table = store.read_table(wrangled.rejected)
    if not table.num_rows:
        return ()
    keys = [key for key in ("reason", "column", "side") if key in table.column_names]
    texts = {key: pc.fill_null(table[key].cast(pa.string()), "") for key in keys}
    counted = pa.table(texts).group_by(keys).aggregate([([], "count_all")]).to_pylist()
    counted.sort(key=lambda row: (-row["count_all"], *(row[key] for key in keys)))
    return tuple(
        RejectionFact(
            reason=clipped(row["reason"]), column=row.get("column", ""), side=row.get("side", ""), n=row["count_all"]
        )
        for row in counted[:MOST_REJECTIONS]
    )


def _figures(explored: Explored | None, store: Store) -> tuple[Picture, ...]:
    if explored is None:
        return ()
    return tuple(
        Picture(
            name=figure.name,
            title=figure.title,
            caption=figure.caption,
            png=store.read_bytes(figure.file),
            names=figure.names,
        )
        for figure in explored.figures
    )


def _within_room(
    evaluation: tuple[Picture, ...], figures: tuple[Picture, ...], n_columns: int
) -> tuple[tuple[Picture, ...], tuple[Picture, ...], int]:
    """Return as many pictures as a page has room for, those of the model first, and how many were left out."""
    room = PICTURE_BYTES + BYTES_A_COLUMN * min(max(0, n_columns - ORDINARY_COLUMNS), MOST_EXTRA_COLUMNS)
    kept: tuple[list[Picture], list[Picture]] = ([], [])
    for some, pictures in zip(kept, (evaluation, figures), strict=True):
        for picture in pictures:
            if len(picture.png) <= room:
                some.append(picture)
                room -= len(picture.png)
    left_out = len(evaluation) + len(figures) - len(kept[0]) - len(kept[1])
    return tuple(kept[0]), tuple(kept[1]), left_out


def _slices(measured: Measured, private: set[str]) -> list[SliceFact]:
    shown = [
        SliceFact(column=part.column, level=clipped(part.level, 60), n=part.n, value=part.value)
        for part in measured.slices
        if part.value is not None and not is_hidden(part.column, private)
    ]
    return sorted(shown, key=lambda part: (measured.sign * part.value, part.column, part.level))


def _challenge(measured: Measured, evaluated: Evaluated) -> ChallengeFact | None:
    found = measured.champion
    if found is None:
        return None
    return ChallengeFact(
        champion=found.version or evaluated.verdict.champion or "the champion",
        metric=found.metric or evaluated.metric,
        champion_score=found.champion,
        challenger_score=found.challenger,
        difference=found.difference,
        note=clipped(found.note),
    )


def _lineage(
    collected: Collected, arrays: Arrays, wrangled: Wrangled, trained: Trained, evaluated: Evaluated
) -> tuple[LineageFact, ...]:
    facts = [
        LineageFact(stage="collect", what=f"bytes of {snapshot.name}", digest=snapshot.sha256)
        for snapshot in collected.snapshots[:MOST_SOURCES]
    ]
    receipts: Sequence[tuple[str, Receipt]] = (
        ("collect", collected),
        ("arrays", arrays),
        ("wrangle", wrangled),
        ("train", trained),
        ("evaluate", evaluated),
    )
    facts += [LineageFact(stage=stage, what="receipt", digest=receipt.identity()) for stage, receipt in receipts]
    facts += [
        LineageFact(stage="wrangle", what="plan of steps and split", digest=wrangled.plan.digest),
        LineageFact(stage="wrangle", what="table schema", digest=wrangled.table_schema.digest),
        LineageFact(stage="train", what="content of the model", digest=trained.content_digest),
        LineageFact(stage="evaluate", what="metrics", digest=evaluated.metrics.digest),
    ]
    order = [stage for stage, _ in receipts]
    return tuple(sorted(facts, key=lambda fact: order.index(fact.stage)))
