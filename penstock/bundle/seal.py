"""Sealing: everything that a version is made of, as files, a manifest over them, and a signature over that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from penstock.aiming import aim_in
from penstock.arrays.profile import Profile
from penstock.bundle.bundle import Bundle
from penstock.bundle.card import Origins, card_text
from penstock.bundle.carried import carried_of
from penstock.bundle.compiling import compiled_for
from penstock.bundle.environment import unpickled
from penstock.bundle.keys import Signer
from penstock.bundle.layout import version_name
from penstock.bundle.log import now
from penstock.bundle.manifest import (
    CARD,
    ESTIMATOR,
    LOOKUPS,
    MANIFEST,
    METRICS,
    PROBE,
    PROFILE,
    PROMISES,
    REPORT,
    SCHEMA,
    SIGNATURE,
    STEPS,
    TWIN,
    VERDICT,
    Manifest,
    entries,
)
from penstock.bundle.pickled import packed
from penstock.bundle.probe import answers_to, with_answers
from penstock.bundle.promises import Promises
from penstock.frozen import canonical_json
from penstock.publishing import format_of
from penstock.receipts import Interval, Verdict
from penstock.series.rule import HISTORY, SERIES, SeriesRule
from penstock.steps.plan import Plan
from penstock.steps.relations.travelling import lookups_of
from penstock.table import TableSchema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a version is made of.

    Attributes
    ----------
    schema : TableSchema
        The columns, and the target among them.
    plan : mapping
        The plan's JSON: `steps`, `split` and `joins`, and of a forecast `series`.
    profile : Profile
        What the training rows held.
    tables : mapping of str to pyarrow.Table
        The tables of look-ups that travel along, by name.
    collected : mapping of str to str
        When each source was collected, by its name, as ISO 8601 has it. No part of the content digest.
    served, twin : bytes
        The fitted pipelines as joblib wrote them.
    probe : pyarrow.Table
        Made-up raw rows (see `penstock.bundle.probe.build_probe`).
    digest : str
        The content digest (see `penstock.bundle.canonical.content_digest`).
    family : str
        What kind of model it is.
    metrics, scores, baseline
        What the evaluate stage found: its JSON, and the scores of the twin and of the dummy baseline.
    environment : mapping of str to str
        The libraries that it was fitted with.
    spec, lineage : mapping
        What was decided, and the receipts of the stages before.
    report : bytes, optional
        The run's report, one HTML page.
    cut : pandas.DataFrame, optional
        Training rows at the plan's cut, on which a kernel has to agree with the pipeline.
    promises : Promises
        The old names of fields that are still read, and what is expected of files of rows.
    """

    schema: TableSchema
    plan: Mapping[str, Any]
    profile: Profile
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    collected: Mapping[str, str] = field(default_factory=dict)
    served: bytes
    twin: bytes
    probe: pa.Table
    digest: str
    family: str
    metrics: Mapping[str, Any]
    scores: Mapping[str, Interval]
    baseline: Mapping[str, Interval] = field(default_factory=dict)
    environment: Mapping[str, str]
    spec: Mapping[str, Any]
    lineage: Mapping[str, Any]
    report: bytes | None = None
    cut: pd.DataFrame | None = None
    promises: Promises = field(default_factory=Promises)


def build_files(
    name: str, sequence: int, parts: Parts, verdict: Verdict, forced: str, signer: Signer
) -> dict[str, bytes]:
    """Return every file of a version by its path, the manifest and its signature last.

    Parameters
    ----------
    name : str
        The model's name.
    sequence : int
        The version's place in the sequence.
    parts : Parts
        What it is made of.
    verdict : Verdict
        What the gate decided.
    forced : str
        The reason that overruled the gate, or nothing.
    signer : Signer
        Who signs.
    """
    version = version_name(sequence, parts.digest)
    compiled = compiled_for(_candidate(name, parts), parts.probe, parts.cut)
    candidate = compiled.bundle
    files = {
        SCHEMA: canonical_json(parts.schema),
        STEPS: canonical_json(dict(parts.plan)),
        PROFILE: canonical_json(parts.profile),
        METRICS: canonical_json({**parts.metrics, "kernel": compiled.told}),
        VERDICT: canonical_json(verdict),
        PROBE: arrow_bytes(with_answers(parts.probe, answers_to(candidate.predict, parts.probe, name))),
    }
    files |= packed({ESTIMATOR: parts.served, TWIN: parts.twin}, format_of(parts.spec), parts.environment)
    files |= compiled.files
    files |= {f"{LOOKUPS}{table}.arrow": arrow_bytes(rows) for table, rows in parts.tables.items()}
    files |= {f"{LOOKUPS}{table}.json": canonical_json(record) for table, record in candidate.carried.items()}
    if parts.report is not None:
        files[REPORT] = parts.report
    if parts.promises != Promises():
        files[PROMISES] = canonical_json(parts.promises)
    created = now()
    files[CARD] = card_text(
        candidate,
        version=version,
        created=created,
        family=parts.family,
        scores=parts.scores,
        baseline=parts.baseline,
        verdict=verdict,
        forced=forced,
        origins=Origins(
            plan=parts.plan,
            metrics={**parts.metrics, "kernel": compiled.told},
            lineage=parts.lineage,
            environment=parts.environment,
            spec=parts.spec,
        ),
    ).encode()
    manifest = Manifest(
        model=name,
        version=version,
        sequence=sequence,
        digest=parts.digest,
        created=created,
        family=parts.family,
        files=entries(files),
        spec=dict(parts.spec),
        lineage=dict(parts.lineage),
        environment=dict(parts.environment),
        forced=forced,
    ).to_bytes()
    return files | {MANIFEST: manifest, SIGNATURE: signer.sign(manifest).to_bytes()}


def _candidate(name: str, parts: Parts) -> Bundle:
    return Bundle.assemble(
        name,
        parts.schema,
        Plan.model_validate({"steps": parts.plan["steps"]}),
        {lookup.name: lookup for lookup in lookups_of(parts.plan, parts.tables)},
        unpickled(parts.served, parts.environment, name),
        parts.profile,
        carried_of(parts.plan, parts.tables, parts.collected),
        series=SeriesRule.model_validate(parts.plan[SERIES]) if SERIES in parts.plan else None,
        history=parts.tables.get(HISTORY),
        aim=aim_in(parts.plan),
    )


def arrow_bytes(table: pa.Table) -> bytes:
    """Return a table as an Arrow file, one chunk a column and without the metadata of whoever made it."""
    table = table.combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
